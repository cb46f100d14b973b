using AirMLNet.Caching;
using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>Adds the CLIP feature of each image; see <see cref="ClipFeatureEstimator"/>.</summary>
public sealed class ClipFeatureTransformer : StageTransformer, IDisposable
{
    private readonly ClipFeatureOptions _options;
    private readonly WeakReference<IDataView>? _training;
    private long _encoded;
    private readonly BackboneLease _model;

    internal ClipFeatureTransformer(
        IHost host,
        (string Output, string Input) columns,
        ClipFeatureOptions options,
        BackboneLease model,
        IDataView? training
    )
        : base(host)
    {
        Columns = columns;
        _options = options;
        _model = model;
        BatchSize = options.BatchSize != 0 ? options.BatchSize : ClipBatchSize.Choose(Backbone);
        var place = options.CachePlace ?? FeatureCache.Standard;
        Cache = place is null ? null : FeatureCache.Of(place, Backbone, MaxPixels);
        _training = training is null ? null : new(training);
    }

    /// <summary>D, the length of a feature vector.</summary>
    public int FeatureDimension => Backbone.FeatureDimension;

    /// <summary>Images encoded so far by this transformer.</summary>
    internal long EncodedImages => Interlocked.Read(ref _encoded);

    internal ClipBackbone Backbone => _model.Backbone;

    /// <summary>Images encoded at a time.</summary>
    internal int BatchSize { get; }

    internal ClipFeatureOptions Options => _options;

    /// <summary>Where features are kept for good; null for nowhere.</summary>
    internal FeatureCache? Cache { get; }

    /// <summary>The largest image that is decoded, in pixels.</summary>
    internal long MaxPixels => 1_000_000L * _options.MaxMegapixels;

    internal (string Output, string Input) Columns { get; }

    /// <summary>Gives the model back; it is freed when no stage uses it.</summary>
    public void Dispose()
    {
        Cache?.Flush(); // single rows wait for others to be written with
        _model.Dispose();
    }

    internal void Say(string? message, string? warning)
    {
        using var channel = Host.Start(ClipFeatureEstimator.Stage);
        if (message is not null)
        {
            channel.Say($"{ClipFeatureEstimator.Stage}: {message}");
        }
        if (warning is not null)
        {
            channel.Warn($"{ClipFeatureEstimator.Stage}: {warning}");
        }
    }

    internal void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features)
    {
        ObjectDisposedException.ThrowIf(_model.IsReleased, this);
        FriendMembers.CheckAlive(Host);
        using var threads = new ThreadCount(_options.Threads);
        Backbone.EncodeImages(pixels, count, features);
        Interlocked.Add(ref _encoded, count);
    }

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        var column = InputColumn.Image(Columns.Input).Find(inputSchema, ClipFeatureEstimator.Stage);
        // Only the view that a chain builds over the data it fitted on remembers features: scoring streams.
        var training =
            input is not null && _training is not null && _training.TryGetTarget(out var fitted) && ReferenceEquals(fitted, input);
        return new ClipFeatureMapper(this, inputSchema, column, training ? new FeatureMemory() : null, input?.GetRowCount());
    }

    private protected override void SaveTo(ModelSaveContext ctx) => ClipFeatureSaved.Save(ctx, this);
}
