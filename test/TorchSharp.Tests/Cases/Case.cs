namespace TorchSharp.Tests.Cases;

/// <summary>How far the gradient of a case is compared.</summary>
internal enum Gradient
{
    /// <summary>With Python's, and with finite differences.</summary>
    Both,

    /// <summary>With Python's alone: the graph does not see all of the dependence on the inputs, or the type is too coarse for differences.</summary>
    Python,

    /// <summary>Not at all: LibTorch has no derivative here.</summary>
    None,
}

/// <summary>One computation, as Python writes it and as it is written here, on the tensors of <see cref="Inputs"/>.</summary>
internal sealed record Case(string Python, Func<Inputs, Tensor> Here, Gradient Gradient = Gradient.Both)
{
    /// <summary>Every case of every subject.</summary>
    internal static IReadOnlyList<Case> All { get; } =
        [.. Pointwise.All, .. Reductions.All, .. Shapes.All, .. Indexing.All, .. LinearAlgebra.All, .. Functional.All, .. Losses.All, .. ModuleCases.All, .. Optimizers.All,
            .. Activations.All, .. Layers.All, .. MoreLosses.All, .. Schedules.All, .. Decompositions.All];
}
