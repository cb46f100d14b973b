using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Features;

/// <summary>The feature stage on one schema: one row at a time for PredictionEngine, batches for Transform.</summary>
internal sealed class ClipFeatureStage : BoundStage
{
    private readonly ClipFeatureTransformer _parent;
    private readonly DataViewSchema.Column _column;
    private readonly FeatureMemory? _memory;
    private readonly long? _rows;

    public ClipFeatureStage(
        ClipFeatureTransformer parent,
        DataViewSchema inputSchema,
        DataViewSchema.Column column,
        FeatureMemory? memory,
        long? rows
    )
        : base(
            inputSchema,
            new DataViewSchema.DetachedColumn(
                parent.OutputColumnName,
                new VectorDataViewType(NumberDataViewType.Single, parent.FeatureDimension)
            )
        )
    {
        _parent = parent;
        _column = column;
        _memory = memory;
        _rows = rows;
    }

    public override IReadOnlyList<DataViewSchema.Column> Reads => [_column];

    public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
    {
        if (!active(0))
        {
            return [null];
        }

        var source = new ImageSource(input, _column, ClipFeatureEstimator.Stage);
        var preprocessor = _parent.Backbone.Preprocessor;
        float[]? pixels = null;
        ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
        {
            pixels ??= new float[3 * preprocessor.Size * preprocessor.Size]; // [3, S, S]
            preprocessor.Preprocess(ImageSource.Load(source.Read(), _parent.MaxPixels), pixels);
            var editor = VBufferEditor.Create(ref value, _parent.FeatureDimension);
            _parent.Encode(pixels, 1, editor.Values);
            value = editor.Commit();
        };
        return [getter];
    }

    public override IBatchWork? StartBatches(DataViewRow input, Func<int, bool> active) => active(0) ? new Work(this, input) : null;

    private ImageBatchSettings Settings =>
        new(
            _parent.Backbone.Preprocessor,
            _parent.MaxPixels,
            _parent.BatchSize,
            _parent.Options.Workers,
            _parent.FeatureDimension,
            _rows,
            _parent.Options.CancellationToken
        );

    private sealed class Work(ClipFeatureStage stage, DataViewRow input)
        : ImageBatchWork(ClipFeatureEstimator.Stage, input, stage._column, stage.Settings)
    {
        private long _done;

        public override IBatch NewBatch() => new FeatureRoom(this);

        protected override void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features) =>
            stage._parent.Encode(pixels, count, features);

        protected override bool TryKnown(DataViewRowId row, Span<float> feature) =>
            stage._memory is { } memory && memory.TryGet(row, feature);

        protected override void Keep(DataViewRowId row, ReadOnlySpan<float> feature) => stage._memory?.Keep(row, feature);

        protected override void Done(int rows)
        {
            _done += rows;
            stage._parent.Options.Progress?.Report(new(ClipFeatureEstimator.Stage, "encoding images", _done, stage._rows));
        }

        private sealed class FeatureRoom(Work work) : Room(work)
        {
            public override Delegate?[] Getters(Func<int> current)
            {
                ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
                {
                    var feature = Feature(current());
                    var editor = VBufferEditor.Create(ref value, feature.Length);
                    feature.CopyTo(editor.Values);
                    value = editor.Commit();
                };
                return [getter];
            }
        }
    }
}
