using System.Runtime.InteropServices;
using AirMLNet.Heads;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

/// <summary>
/// Visual prompts over images of which all that never changes is kept: logits are s·f(prompt)·gᵀ with fixed class vectors g.
/// </summary>
internal sealed class VisualPromptModel : IPromptModel
{
    private const int EvaluationBatch = 64;
    private readonly VisualPrompt _prompt;
    private readonly FrozenImages _images;
    private readonly CosineHead _head;
    private readonly Tensor _classes; // [C, D]

    /// <param name="prompt">The image side.</param>
    /// <param name="images">The images; disposed with this.</param>
    /// <param name="head">The text side, which does not change.</param>
    /// <param name="device">Where the model is.</param>
    public VisualPromptModel(VisualPrompt prompt, FrozenImages images, CosineHead head, Device device)
    {
        (_prompt, _images, _head) = (prompt, images, head);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        _classes = Tensors.Of(head.Weights, [head.Classes, head.Dimension], device).DetachFromDisposeScope();
    }

    public Tensor NewContext(Generator generator, double? standardDeviation) => _prompt.NewContext(generator, standardDeviation);

    public Tensor Logits(Tensor context, long[] images)
    {
        using var scope = NewDisposeScope();
        var features = _prompt.Encode(context, _images.Take(images)); // [B, D]
        return features.matmul(_classes.t()).mul(_head.Scale).MoveToOuterDisposeScope(); // [B, C]
    }

    public float[] ClassVectors(Tensor context) => [.. _head.Weights];

    public float[] Probabilities(Tensor context, CancellationToken cancellation)
    {
        using var off = no_grad();
        int dimension = _head.Dimension,
            count = _images.Count;
        var features = new float[count * dimension];
        for (var start = 0; start < count; start += EvaluationBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            long[] rows = [.. Enumerable.Range(start, Math.Min(EvaluationBatch, count - start)).Select(i => (long)i)];
            var some = _prompt.Encode(context, _images.Take(rows)).cpu().contiguous();
            MemoryMarshal.Cast<byte, float>(some.bytes).CopyTo(features.AsSpan(start * dimension));
        }
        return _head.Probabilities(features, cancellation);
    }

    public void Dispose()
    {
        _classes.Dispose();
        _images.Dispose();
    }
}
