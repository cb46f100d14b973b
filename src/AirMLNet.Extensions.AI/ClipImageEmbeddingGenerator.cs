using AirMLNet.Clip;
using AirMLNet.Images;
using Microsoft.Extensions.AI;
using TorchSharp;

namespace AirMLNet.Extensions.AI;

/// <summary>
/// Embeddings of images by CLIP's image tower. What an image is, its bytes say (PNG, JPEG, BMP, GIF, TIFF or WebP), not the media type.
/// </summary>
public sealed class ClipImageEmbeddingGenerator : ClipEmbeddingGenerator<DataContent>
{
    private readonly long _maxPixels;

    private ClipImageEmbeddingGenerator(ClipBackbone backbone, ClipEmbeddingOptions options)
        : base(backbone, options, options.BatchSize == 0 ? ClipBatchSize.Choose(backbone) : options.BatchSize) =>
        _maxPixels = options.MaxMegapixels * 1_000_000L;

    /// <summary>Loads a CLIP, or shares the one that is loaded already.</summary>
    /// <param name="clipFolder">A model folder, as <see cref="ClipBackbone.Acquire"/> takes it.</param>
    /// <param name="options">The defaults when null.</param>
    /// <param name="device">Where to run; CPU when null.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">Weights are missing.</exception>
    /// <exception cref="InvalidDataException">The files do not fit together.</exception>
    /// <exception cref="ArgumentException">The precision is one that the device does not compute in.</exception>
    public static ClipImageEmbeddingGenerator Load(string clipFolder, ClipEmbeddingOptions? options = null, torch.Device? device = null)
    {
        options ??= new ClipEmbeddingOptions();
        return new ClipImageEmbeddingGenerator(ClipBackbone.Acquire(clipFolder, device, options.Execution), options);
    }

    private protected override (float[] Features, int? Tokens) Encode(
        ArraySegment<DataContent> batch,
        int first,
        CancellationToken cancellation
    )
    {
        var features = new float[batch.Count * Backbone.FeatureDimension]; // [B, D]
        var batches = new ImageBatcher(Backbone.Preprocessor, batch.Count, Run, cancellation);
        for (var i = 0; i < batch.Count; i++)
        {
            var (image, name) = (batch[i], batch[i].Name ?? $"image {first + i + 1}");
            batches.Add(() => ImageFile.Decode(image.Data.Span, name, _maxPixels));
        }

        batches.Complete();
        return (features, null);

        void Run(ReadOnlyMemory<float> pixels, int count) => Backbone.EncodeImages(pixels.Span, count, features);
    }
}
