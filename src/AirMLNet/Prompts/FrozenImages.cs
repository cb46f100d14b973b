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
    private readonly int _size; // S
    private readonly ImageBatcher _batches;
    private readonly List<Tensor> _parts = [];
    private Tensor? _all; // [N, 1 + patches, W or 4·W]

    /// <param name="prompt">Whose images they are.</param>
    /// <param name="backbone">The model.</param>
    /// <param name="cancellation">Checked before each image is decoded.</param>
    public FrozenImages(VisualPrompt prompt, ClipBackbone backbone, CancellationToken cancellation)
    {
        _prompt = prompt;
        _size = backbone.Preprocessor.Size;
        _batches = new(backbone.Preprocessor, Batch, Freeze, cancellation);
    }

    public int Count { get; private set; }

    /// <summary>Takes the next image, as <see cref="ImageSource.Read"/> gives it.</summary>
    public void Add(object source)
    {
        _batches.Add(() => ImageSource.Load(source, ImageFile.MaxPixels));
        Count++;
    }

    /// <summary>To be called after the last image.</summary>
    public void Complete()
    {
        _batches.Complete();
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

    private void Freeze(ReadOnlyMemory<float> pixels, int count)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        _parts.Add(_prompt.Freeze(Tensors.Of(pixels.Span, [count, 3, _size, _size])).DetachFromDisposeScope());
    }
}
