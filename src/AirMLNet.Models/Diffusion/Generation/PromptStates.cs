using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>What the text encoders make of prompts.</summary>
/// <param name="States">[N, L, D], the states that the UNet attends to.</param>
/// <param name="Pooled">[N, P], one vector of each text, of Stable Diffusion XL; null for others.</param>
internal sealed record PromptStates(Tensor States, Tensor? Pooled)
{
    /// <summary>The states of some of the prompts, in this order.</summary>
    public PromptStates Select(IEnumerable<int> rows)
    {
        using var index = tensor(rows.Select(r => (long)r).ToArray(), ScalarType.Int64, device: States.device);
        return new(States.index_select(0, index), Pooled?.index_select(0, index));
    }

    /// <summary>The added condition, with the same sizes for every prompt; null where the model has none.</summary>
    /// <param name="height">Height of the images in pixels.</param>
    /// <param name="width">Their width.</param>
    public AddedCondition? Added(long height, long width)
    {
        if (Pooled is null)
        {
            return null;
        }
        float[] sizes = [height, width, 0, 0, height, width];
        return new(Pooled, tensor(sizes, [1, sizes.Length], device: Pooled.device).expand(Pooled.size(0), sizes.Length));
    }

    /// <summary>Those of several batches of prompts, one after the other.</summary>
    public static PromptStates Join(IReadOnlyList<PromptStates> parts) =>
        new(cat([.. parts.Select(p => p.States)], 0), parts[0].Pooled is null ? null : cat([.. parts.Select(p => p.Pooled!)], 0));

    public PromptStates To(ScalarType type) => new(States.to_type(type), Pooled?.to_type(type));

    public PromptStates MoveToOuterDisposeScope() => new(States.MoveToOuterDisposeScope(), Pooled?.MoveToOuterDisposeScope());

    public PromptStates DetachFromDisposeScope() => new(States.DetachFromDisposeScope(), Pooled?.DetachFromDisposeScope());

    public void Dispose()
    {
        States.Dispose();
        Pooled?.Dispose();
    }
}
