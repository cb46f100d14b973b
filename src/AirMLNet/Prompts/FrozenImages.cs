using System.Runtime.ExceptionServices;
using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Layers;
using AirMLNet.Pipeline;
using static TorchSharp.torch;

namespace AirMLNet.Prompts;

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
                i => preprocessor.Preprocess(ImageSource.Load(_waiting[i], ImageFile.MaxPixels), pixels.AsSpan(i * size, size))
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
