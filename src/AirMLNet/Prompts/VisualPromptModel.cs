using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Layers;
using AirMLNet.Pipeline;
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

/// <summary>The part of many images that no prompt changes, read from a cursor's rows; see <see cref="VisualPrompt.Freeze"/>.</summary>
internal sealed class FrozenImages : IDisposable
{
    private const int Batch = 64;

    // Queries, keys and values of the first block save a few per cent of a step; not worth memory that may be short.
    private const long MostProjections = 1L << 29;

    private readonly VisualPrompt _prompt;
    private readonly ClipBackbone _backbone;
    private readonly List<Tensor> _parts = [];
    private readonly List<object> _waiting = [];
    private Tensor? _all; // [N, 1 + patches, W or 4·W]

    public FrozenImages(VisualPrompt prompt, ClipBackbone backbone) => (_prompt, _backbone) = (prompt, backbone);

    public int Count { get; private set; }

    /// <summary>Takes the next image.</summary>
    public void Add(object source)
    {
        _waiting.Add(source);
        Count++;
        if (_waiting.Count == Batch)
        {
            Flush();
        }
    }

    /// <summary>To be called after the last image.</summary>
    public void Complete()
    {
        Flush();
        using var scope = NewDisposeScope();
        var tokens = cat(_parts, 0);
        foreach (var part in _parts)
        {
            part.Dispose();
        }

        _parts.Clear();
        _all = (Bytes(tokens) * 4 <= MostProjections ? _prompt.Complete(tokens) : tokens).DetachFromDisposeScope();
    }

    /// <summary>Some of the images, [B, 1 + patches, …], on the model's device.</summary>
    public Tensor Take(long[] rows) => _all!.index_select(0, tensor(rows, [rows.Length], device: _all.device));

    public void Dispose()
    {
        foreach (var part in _parts)
        {
            part.Dispose();
        }

        _all?.Dispose();
    }

    private static long Bytes(Tensor tensor) => tensor.numel() * sizeof(float);

    private void Flush()
    {
        if (_waiting.Count == 0)
        {
            return;
        }

        var preprocessor = _backbone.Preprocessor;
        var size = 3 * preprocessor.Size * preprocessor.Size;
        var pixels = new float[_waiting.Count * size];
        try
        {
            Parallel.For(
                0,
                _waiting.Count,
                i => preprocessor.Preprocess(ImageSource.Load(_waiting[i], Images.ImageFile.MaxPixels), pixels.AsSpan(i * size, size))
            );
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); // the message that names the file
        }
        using var off = no_grad();
        using var scope = NewDisposeScope();
        _parts.Add(_prompt.Freeze(Tensors.Of(pixels, [_waiting.Count, 3, preprocessor.Size, preprocessor.Size])).DetachFromDisposeScope());
        _waiting.Clear();
    }
}
