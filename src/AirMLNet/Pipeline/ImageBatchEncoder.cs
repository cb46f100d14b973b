using AirMLNet.Caching;
using AirMLNet.Clip;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>How images are read and encoded in batches.</summary>
/// <param name="Preprocessor">Makes pixels of images.</param>
/// <param name="MaxPixels">The largest image that is decoded.</param>
/// <param name="BatchSize">Images encoded at a time.</param>
/// <param name="Workers">Images prepared at a time; 0: one per processor.</param>
/// <param name="Dimension">Length of a feature.</param>
/// <param name="Rows">Number of rows, where it is known.</param>
/// <param name="Cancellation">Checked between batches.</param>
/// <param name="Cache">Where features are taken from and put into; null for nowhere.</param>
internal sealed record ImageBatchSettings(
    ClipPreprocessor Preprocessor,
    long MaxPixels,
    int BatchSize,
    int Workers,
    int Dimension,
    long? Rows,
    CancellationToken Cancellation,
    FeatureCache? Cache = null
)
{
    /// <summary>Values of a preprocessed image.</summary>
    public int ImageSize => 3 * Preprocessor.Size * Preprocessor.Size;

    /// <summary>Rows that a batch really gets: the whole data, where that is known and less than a batch.</summary>
    public int Capacity => (int)Math.Min(BatchSize, Math.Max(1, Rows ?? long.MaxValue));
}

/// <summary>Base of the encoders whose first step is a feature per image: decoded and preprocessed in parallel, encoded together.</summary>
internal abstract class ImageBatchEncoder(string stage, DataViewRow input, DataViewSchema.Column image, ImageBatchSettings settings)
    : IBatchEncoder
{
    private readonly ImageSource _source = new(input, image, stage);
    private readonly ValueGetter<DataViewRowId> _id = input.GetIdGetter();
    private readonly FeatureCachePass? _cache = settings.Cache?.Begin();
    private readonly float[] _packed = new float[settings.BatchSize * settings.Dimension];

    public int BatchSize => settings.BatchSize;
    public int Workers => settings.Workers == 0 ? Environment.ProcessorCount : settings.Workers;
    public CancellationToken Cancellation => settings.Cancellation;
    protected ImageBatchSettings Settings => settings;

    public abstract IBatch NewBatch();

    public void Dispose()
    {
        if (_cache?.Complete() is { } end)
        {
            Say(end.Said, end.Warning);
        }
    }

    /// <summary>Called after a pass with what is to be said of its cache, and what to warn of.</summary>
    protected virtual void Say(string? message, string? warning) { }

    /// <summary>Features of preprocessed images.</summary>
    protected abstract void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features);

    /// <summary>A feature that is known already.</summary>
    protected virtual bool TryKnown(DataViewRowId row, Span<float> feature) => false;

    /// <summary>Called with each new feature.</summary>
    protected virtual void Keep(DataViewRowId row, ReadOnlySpan<float> feature) { }

    /// <summary>Called after each batch with the number of its rows.</summary>
    protected virtual void Done(int rows) { }

    private void Run(ReadOnlySpan<bool> failed, object?[] images, UInt128[] keys, float[] pixels, DataViewRowId[] ids, float[] features)
    {
        int size = settings.ImageSize,
            dimension = settings.Dimension,
            count = failed.Length;
        var skip = new bool[count];
        for (var slot = 0; slot < count; slot++)
        {
            skip[slot] = failed[slot] || images[slot] is null or Found;
            if (!failed[slot] && images[slot] is Found)
            {
                Keep(ids[slot], features.AsSpan(slot * dimension, dimension));
            }
        }

        var slots = PackedSlots.Pack(pixels.AsSpan(), size, skip);
        if (slots.Length > 0)
        {
            Encode(pixels.AsSpan(0, slots.Length * size), slots.Length, _packed.AsSpan(0, slots.Length * dimension));
            PackedSlots.Spread(_packed, dimension, slots, features.AsSpan());
        }

        foreach (var slot in slots)
        {
            var feature = features.AsSpan(slot * dimension, dimension);
            Keep(ids[slot], feature);
            if (keys.Length > 0)
            {
                _cache!.Add(keys[slot], feature);
            }
        }

        Array.Clear(images, 0, count);
        Done(count);
    }

    /// <summary>Stands for an image whose feature was in the cache.</summary>
    private sealed class Found
    {
        public static readonly Found InCache = new();
    }

    /// <summary>The slots of one batch of images, used again and again.</summary>
    protected abstract class ImageBatch(ImageBatchEncoder encoder) : IBatch
    {
        private readonly object?[] _images = new object?[encoder.BatchSize];
        private readonly DataViewRowId[] _ids = new DataViewRowId[encoder.BatchSize];
        private readonly UInt128[] _keys = encoder._cache is null ? [] : new UInt128[encoder.BatchSize];
        private readonly float[] _features = new float[encoder.BatchSize * encoder.Settings.Dimension];
        private float[] _pixels = []; // [B, 3, S, S]

        public virtual void Read(int slot, long row)
        {
            encoder._id(ref _ids[slot]);
            var known = encoder.TryKnown(_ids[slot], Feature(slot));
            _images[slot] = known ? null : encoder._source.Read();
            if (!known && _pixels.Length == 0)
            {
                _pixels = GC.AllocateUninitializedArray<float>(encoder.Settings.Capacity * encoder.Settings.ImageSize);
            }
        }

        public void Prepare(int slot)
        {
            if (_images[slot] is not { } image)
            {
                return;
            }

            var settings = encoder.Settings;
            var content = ImageSource.Open(image, settings.MaxPixels);
            if (encoder._cache is { } cache)
            {
                _keys[slot] = content.Key();
                if (cache.TryGet(_keys[slot], Feature(slot)))
                {
                    _images[slot] = Found.InCache;
                    return;
                }
            }

            settings.Preprocessor.Preprocess(
                content.Decode(settings.MaxPixels),
                _pixels.AsSpan(slot * settings.ImageSize, settings.ImageSize)
            );
        }

        public virtual void Run(int count, ReadOnlySpan<bool> failed) => encoder.Run(failed, _images, _keys, _pixels, _ids, _features);

        public abstract Delegate?[] Getters(Func<int> current);

        protected Span<float> Feature(int slot) => _features.AsSpan(slot * encoder.Settings.Dimension, encoder.Settings.Dimension);
    }
}
