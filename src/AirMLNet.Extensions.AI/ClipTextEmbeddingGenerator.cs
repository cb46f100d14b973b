using AirMLNet.Clip;
using TorchSharp;

namespace AirMLNet.Extensions.AI;

/// <summary>Embeddings of texts by CLIP's text tower.</summary>
public sealed class ClipTextEmbeddingGenerator : ClipEmbeddingGenerator<string>
{
    private const int StandardBatch = 64;
    private readonly bool _truncate;

    private ClipTextEmbeddingGenerator(ClipBackbone backbone, ClipEmbeddingOptions options)
        : base(backbone, options, options.BatchSize == 0 ? StandardBatch : options.BatchSize) => _truncate = options.Truncate;

    /// <summary>Loads a CLIP, or shares the one that is loaded already.</summary>
    /// <param name="clipFolder">A model folder, as <see cref="ClipBackbone.Acquire"/> takes it.</param>
    /// <param name="options">The defaults when null.</param>
    /// <param name="device">Where to run; CPU when null.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">Weights or tokenizer files are missing.</exception>
    /// <exception cref="InvalidDataException">The files do not fit together.</exception>
    /// <exception cref="ArgumentException">The precision is one that the device does not compute in.</exception>
    public static ClipTextEmbeddingGenerator Load(string clipFolder, ClipEmbeddingOptions? options = null, torch.Device? device = null)
    {
        options ??= new ClipEmbeddingOptions();
        var backbone = ClipBackbone.Acquire(clipFolder, device, options.Execution);
        try
        {
            _ = backbone.Tokenizer; // a folder without one is refused now, and not with the first request
            return new ClipTextEmbeddingGenerator(backbone, options);
        }
        catch
        {
            backbone.Release();
            throw;
        }
    }

    private protected override (float[] Features, int? Tokens) Encode(ArraySegment<string> batch, int first, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var length = Backbone.Tokenizer.ContextLength;
        var ids = new long[batch.Count * length]; // [B, L]
        var tokens = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            var row = ids.AsSpan(i * length, length);
            Backbone.Tokenizer.Tokenize(batch[i], row, _truncate);
            tokens += row.IndexOf(Backbone.Tokenizer.EndToken) + 1;
        }

        var features = new float[batch.Count * Backbone.FeatureDimension]; // [B, D]
        Backbone.EncodeTokens(ids, batch.Count, features);
        return (features, tokens);
    }
}
