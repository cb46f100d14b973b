using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

// The parts of which both towers are made. Field names are checkpoint names: the module tree *is* the Hugging Face naming.
// Weights are allocated without values; ClipInitializer or a file fills them. All of them work on rows, [R, W]:
// a plain matrix keeps every linear layer one addmm and lets the in-place steps stay in place under autograd.

/// <summary>y = x·Wᵀ + b.</summary>
internal sealed class ClipLinear : nn.Module
{
    internal readonly Parameter weight; // [out, in]
    internal readonly Parameter bias;   // [out]

    public ClipLinear(long inputs, long outputs) : base(nameof(ClipLinear))
    {
        weight = ClipParameter.Create(outputs, inputs);
        bias = ClipParameter.Create(outputs);
        RegisterComponents();
    }

    public Tensor Forward(Tensor rows) => F.linear(rows, weight, bias);

    /// <summary>sum += x·Wᵀ + b, without gradients.</summary>
    public void AddTo(Tensor sum, Tensor rows) => sum.addmm_(rows, weight.t()).add_(bias);
}

/// <summary>A weight without a bias: projections, embedding tables and the patch kernel.</summary>
internal sealed class ClipWeight : nn.Module
{
    internal readonly Parameter weight;

    public ClipWeight(params long[] shape) : base(nameof(ClipWeight))
    {
        weight = ClipParameter.Create(shape);
        RegisterComponents();
    }

    public Tensor Project(Tensor rows) => F.linear(rows, weight);
}

/// <summary>Layer normalisation over the last dimension.</summary>
internal sealed class ClipNorm : nn.Module
{
    internal readonly Parameter weight;
    internal readonly Parameter bias;
    private readonly long[] _shape;
    private readonly double _eps;

    public ClipNorm(long width, double eps) : base(nameof(ClipNorm))
    {
        weight = ClipParameter.Create(width);
        bias = ClipParameter.Create(width);
        _shape = [width];
        _eps = eps;
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => F.layer_norm(x, _shape, weight, bias, _eps);
}

internal static class ClipParameter
{
    public static Parameter Create(params long[] shape)
    {
        var parameter = new Parameter(empty(shape, ScalarType.Float32), true);
        // A model built inside somebody's dispose scope must outlive that scope.
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
