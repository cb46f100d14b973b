namespace AirMLNet.Prompts;

/// <summary>What a round of prompt training learns from.</summary>
/// <param name="Images">Row numbers of the images; one row may occur more than once.</param>
/// <param name="Labels">The class of each.</param>
/// <param name="IsTrue">Whether the label is a true one; null when all are pseudo-labels.</param>
/// <param name="Targets">[n, C], candidate targets; null when the labels are all there is.</param>
internal sealed record PromptSamples(int[] Images, int[] Labels, bool[]? IsTrue = null, float[]? Targets = null)
{
    /// <summary>Number of samples.</summary>
    public int Count => Images.Length;

    /// <summary>Number of samples with a true label.</summary>
    public int TrueCount => IsTrue?.Count(t => t) ?? 0;
}

/// <summary>All that a round learns from: real images, and beside them others that have batches of their own.</summary>
/// <param name="Main">Pseudo-labelled and, where they share batches, labelled images; at least one.</param>
/// <param name="Labelled">Labelled images with batches of their own; null for none.</param>
/// <param name="Synthetic">Synthetic images; null for none.</param>
internal sealed record PromptTrainingSet(PromptSamples Main, PromptSamples? Labelled = null, PromptSamples? Synthetic = null)
{
    /// <summary>Whether <see cref="Main"/> holds synthetic images, there being no real ones: they then count by their own weight.</summary>
    public bool SyntheticAlone { get; init; }
}

/// <summary>Batches without an end: all samples in random order, then again in another.</summary>
internal sealed class CyclicBatches(int count, int size, Random random)
{
    private readonly int[] _order = [.. Enumerable.Range(0, count)];
    private int _next = int.MaxValue;

    /// <summary>Indices of the next samples; as many as were asked for, even beyond the number of samples.</summary>
    public int[] Next()
    {
        var batch = new int[size];
        for (var k = 0; k < size; k++)
        {
            if (_next >= _order.Length)
            {
                random.Shuffle(_order);
                _next = 0;
            }
            batch[k] = _order[_next++];
        }
        return batch;
    }
}
