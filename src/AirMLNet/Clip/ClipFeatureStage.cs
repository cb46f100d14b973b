using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Clip;

/// <summary>The feature stage on one schema: one row at a time for PredictionEngine, batches for Transform.</summary>
internal sealed class ClipFeatureStage : BoundStage
{
    private readonly ClipFeatureTransformer _parent;
    private readonly DataViewSchema.Column _column;
    private readonly FeatureMemory? _memory;
    private readonly long? _rows;

    public ClipFeatureStage(ClipFeatureTransformer parent, DataViewSchema inputSchema, DataViewSchema.Column column, FeatureMemory? memory, long? rows)
        : base(inputSchema, new DataViewSchema.DetachedColumn(parent.OutputColumnName, new VectorDataViewType(NumberDataViewType.Single, parent.FeatureDimension)))
    {
        _parent = parent;
        _column = column;
        _memory = memory;
        _rows = rows;
    }

    public override IReadOnlyList<DataViewSchema.Column> Reads => [_column];

    public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
    {
        if (!active(0)) return [null];
        var source = new ImageSource(input, _column);
        ClipPreprocessor preprocessor = _parent.Backbone.Preprocessor;
        float[]? pixels = null;
        ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
        {
            pixels ??= new float[3 * preprocessor.Size * preprocessor.Size]; // [3, S, S]
            preprocessor.Preprocess(ImageSource.Load(source.Read(), _parent.MaxPixels), pixels);
            VBufferEditor<float> editor = VBufferEditor.Create(ref value, _parent.FeatureDimension);
            _parent.Encode(pixels, 1, editor.Values);
            value = editor.Commit();
        };
        return [getter];
    }

    public override IBatchWork? StartBatches(DataViewRow input, Func<int, bool> active) => active(0) ? new Work(this, input) : null;

    /// <summary>Reads the image of a row: a path to be decoded later, or an image.</summary>
    private sealed class ImageSource
    {
        private readonly ValueGetter<ReadOnlyMemory<char>>? _path;
        private readonly ValueGetter<MLImage>? _image;

        public ImageSource(DataViewRow row, DataViewSchema.Column column)
        {
            if (column.Type is TextDataViewType) _path = row.GetGetter<ReadOnlyMemory<char>>(column);
            else _image = row.GetGetter<MLImage>(column);
        }

        public object Read()
        {
            if (_path is not null)
            {
                ReadOnlyMemory<char> path = default;
                _path(ref path);
                return path.ToString();
            }
            MLImage image = null!; // never an old one: the source may fill what it is given, and others may still look at it
            _image!(ref image);
            return image ?? throw new InvalidDataException("ClipFeature: a row has no image.");
        }

        public static RgbImage Load(object source, long maxPixels) => source is string path ? ImageFile.Load(path, maxPixels) : ImageFile.FromMLImage((MLImage)source);
    }

    private sealed class Work(ClipFeatureStage stage, DataViewRow input) : IBatchWork
    {
        private readonly ImageSource _source = new(input, stage._column);
        private readonly ValueGetter<DataViewRowId> _id = input.GetIdGetter();
        private readonly float[] _features = new float[stage._parent.BatchSize * stage._parent.FeatureDimension];
        private long _done;

        public int BatchSize => stage._parent.BatchSize;
        public int Workers => stage._parent.Options.Workers == 0 ? Environment.ProcessorCount : stage._parent.Options.Workers;
        public CancellationToken Cancellation => stage._parent.Options.CancellationToken;
        public IBatch NewBatch() => new Room(this);

        public void Dispose()
        {
        }

        /// <summary>Rows that a batch really gets: the whole data, where that is known and less than a batch.</summary>
        private int Capacity => (int)Math.Min(BatchSize, Math.Max(1, stage._rows ?? long.MaxValue));

        private int ImageSize => 3 * Preprocessor.Size * Preprocessor.Size;
        private long MaxPixels => stage._parent.MaxPixels;
        private int Dimension => stage._parent.FeatureDimension;
        private ClipPreprocessor Preprocessor => stage._parent.Backbone.Preprocessor;

        private sealed class Room(Work work) : IBatch
        {
            private readonly object?[] _images = new object?[work.BatchSize];
            private readonly DataViewRowId[] _ids = new DataViewRowId[work.BatchSize];
            private readonly float[] _features = new float[work.BatchSize * work.Dimension];
            private float[] _pixels = []; // [B, 3, S, S]

            public void Read(int slot, long row)
            {
                work._id(ref _ids[slot]);
                bool known = work.Memory is { } memory && memory.TryGet(_ids[slot], Feature(slot));
                _images[slot] = known ? null : work._source.Read();
                if (!known && _pixels.Length == 0) _pixels = GC.AllocateUninitializedArray<float>(work.Capacity * work.ImageSize);
            }

            public void Prepare(int slot)
            {
                if (_images[slot] is not { } image) return;
                work.Preprocessor.Preprocess(ImageSource.Load(image, work.MaxPixels), _pixels.AsSpan(slot * work.ImageSize, work.ImageSize));
            }

            public void Run(int count, ReadOnlySpan<bool> failed) => work.Run(count, failed, _images, _pixels, _ids, _features);

            public Delegate?[] Getters(Func<int> current)
            {
                ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
                {
                    VBufferEditor<float> editor = VBufferEditor.Create(ref value, work.Dimension);
                    Feature(current()).CopyTo(editor.Values);
                    value = editor.Commit();
                };
                return [getter];
            }

            private Span<float> Feature(int slot) => _features.AsSpan(slot * work.Dimension, work.Dimension);
        }

        private FeatureMemory? Memory => stage._memory;

        private void Run(int count, ReadOnlySpan<bool> failed, object?[] images, float[] pixels, DataViewRowId[] ids, float[] features)
        {
            // Rows that failed or are known already leave gaps; the others move down over them.
            Span<int> slots = count <= 1024 ? stackalloc int[count] : new int[count];
            int packed = 0;
            for (int slot = 0; slot < count; slot++)
            {
                if (failed[slot] || images[slot] is null) continue;
                if (packed != slot) pixels.AsSpan(slot * ImageSize, ImageSize).CopyTo(pixels.AsSpan(packed * ImageSize));
                slots[packed++] = slot;
            }
            if (packed > 0)
            {
                stage._parent.Encode(pixels.AsSpan(0, packed * ImageSize), packed, _features.AsSpan(0, packed * Dimension));
                for (int k = 0; k < packed; k++)
                {
                    ReadOnlySpan<float> feature = _features.AsSpan(k * Dimension, Dimension);
                    feature.CopyTo(features.AsSpan(slots[k] * Dimension, Dimension));
                    Memory?.Keep(ids[slots[k]], feature);
                }
            }
            Array.Clear(images, 0, count);
            _done += count;
            stage._parent.Options.Progress?.Report(new(ClipFeatureEstimator.Stage, "encoding images", _done, stage._rows));
        }
    }
}
