using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Features;

/// <summary>The feature stage on one schema: one row at a time for PredictionEngine, batches for Transform.</summary>
internal sealed class ClipFeatureMapper : RowMapper
{
    private readonly ClipFeatureTransformer _parent;
    private readonly DataViewSchema.Column _column;
    private readonly FeatureMemory? _memory;
    private readonly long? _rows;

    public ClipFeatureMapper(
        ClipFeatureTransformer parent,
        DataViewSchema inputSchema,
        DataViewSchema.Column column,
        FeatureMemory? memory,
        long? rows
    )
        : base(inputSchema, StageAnnotations.Features(parent.Columns.Output, parent.Backbone))
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
        return
        [
            source.Features(
                _parent.Backbone.Preprocessor,
                _parent.MaxPixels,
                _parent.FeatureDimension,
                _parent.Encode,
                _parent.Cache?.Begin()
            ),
        ];
    }

    public override IBatchEncoder? StartBatches(DataViewRow input, Func<int, bool> active) => active(0) ? new Encoder(this, input) : null;

    private ImageBatchSettings Settings =>
        new(
            _parent.Backbone.Preprocessor,
            _parent.MaxPixels,
            _parent.BatchSize,
            _parent.Options.Workers,
            _parent.FeatureDimension,
            _rows,
            _parent.Options.CancellationToken,
            _parent.Cache
        );

    private sealed class Encoder(ClipFeatureMapper mapper, DataViewRow input)
        : ImageBatchEncoder(ClipFeatureEstimator.Stage, input, mapper._column, mapper.Settings)
    {
        private long _done;

        public override IBatch NewBatch() => new FeatureBatch(this);

        protected override void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features) =>
            mapper._parent.Encode(pixels, count, features);

        protected override bool TryKnown(DataViewRowId row, Span<float> feature) =>
            mapper._memory is { } memory && memory.TryGet(row, feature);

        protected override void Keep(DataViewRowId row, ReadOnlySpan<float> feature) => mapper._memory?.Keep(row, feature);

        protected override void Say(string? message, string? warning) => mapper._parent.Say(message, warning);

        protected override void Done(int rows)
        {
            _done += rows;
            mapper._parent.Options.Progress?.Report(new(ClipFeatureEstimator.Stage, "encoding images", _done, mapper._rows));
        }

        private sealed class FeatureBatch(Encoder encoder) : ImageBatch(encoder)
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
