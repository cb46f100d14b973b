using AirMLNet.Clip;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>Adds the CLIP feature of each text; see <see cref="ClipTextFeatureEstimator"/>.</summary>
public sealed class ClipTextFeatureTransformer : StageTransformer, IDisposable
{
    private readonly BackboneLease _model;

    internal ClipTextFeatureTransformer(
        IHost host,
        (string Output, string Input) columns,
        ClipTextFeatureOptions options,
        BackboneLease model
    )
        : base(host)
    {
        Columns = columns;
        Options = options;
        _model = model;
    }

    /// <summary>D, the length of a feature vector.</summary>
    public int FeatureDimension => Backbone.FeatureDimension;

    internal ClipBackbone Backbone => _model.Backbone;

    internal ClipTextFeatureOptions Options { get; }

    internal (string Output, string Input) Columns { get; }

    /// <summary>Gives the model back; it is freed when no stage uses it.</summary>
    public void Dispose() => _model.Dispose();

    private void Encode(ReadOnlySpan<long> ids, int count, Span<float> features)
    {
        ObjectDisposedException.ThrowIf(_model.IsReleased, this);
        FriendMembers.CheckAlive(Host);
        Backbone.EncodeTokens(ids, count, features);
    }

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null) =>
        new Mapper(
            this,
            inputSchema,
            InputColumn.Text(Columns.Input).Find(inputSchema, ClipTextFeatureEstimator.Stage),
            input?.GetRowCount()
        );

    private protected override void SaveTo(ModelSaveContext ctx) => ClipTextFeatureSaved.Save(ctx, this);

    private sealed class Mapper(ClipTextFeatureTransformer parent, DataViewSchema schema, DataViewSchema.Column column, long? rows)
        : RowMapper(schema, StageAnnotations.Features(parent.Columns.Output, parent.Backbone))
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => [column];

        public ClipTextFeatureTransformer Parent => parent;

        public long? Rows => rows;

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            if (!active(0))
            {
                return [null];
            }

            var text = input.GetGetter<ReadOnlyMemory<char>>(column);
            var ids = new long[parent.Backbone.Tokenizer.ContextLength];
            ReadOnlyMemory<char> read = default;
            ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
            {
                text(ref read);
                parent.Backbone.Tokenizer.Tokenize(read.ToString(), ids, parent.Options.Truncate);
                var editor = VBufferEditor.Create(ref value, parent.FeatureDimension);
                parent.Encode(ids, 1, editor.Values);
                value = editor.Commit();
            };
            return [getter];
        }

        public override IBatchEncoder? StartBatches(DataViewRow input, Func<int, bool> active) =>
            active(0) ? new Encoder(this, input.GetGetter<ReadOnlyMemory<char>>(column)) : null;
    }

    private sealed class Encoder(Mapper stage, ValueGetter<ReadOnlyMemory<char>> text) : IBatchEncoder
    {
        private long _done;

        public int BatchSize => stage.Parent.Options.BatchSize;
        public int Workers => 1; // tokenizing a batch is a matter of microseconds
        public CancellationToken Cancellation => stage.Parent.Options.CancellationToken;

        public IBatch NewBatch() => new TextBatch(this);

        public void Dispose() { }

        private sealed class TextBatch(Encoder encoder) : IBatch
        {
            private readonly int _length = encoder.Model.Backbone.Tokenizer.ContextLength,
                _dimension = encoder.Model.FeatureDimension;
            private readonly string[] _texts = new string[encoder.BatchSize];
            private readonly long[] _ids = new long[encoder.BatchSize * encoder.Model.Backbone.Tokenizer.ContextLength]; // [B, L]
            private readonly float[] _packed = new float[encoder.BatchSize * encoder.Model.FeatureDimension];
            private readonly float[] _features = new float[encoder.BatchSize * encoder.Model.FeatureDimension]; // [B, D]

            public void Read(int slot, long row) => _texts[slot] = encoder.NextText();

            public void Prepare(int slot) =>
                encoder.Model.Backbone.Tokenizer.Tokenize(_texts[slot], Ids(slot), encoder.Model.Options.Truncate);

            public void Run(int count, ReadOnlySpan<bool> failed)
            {
                var slots = PackedSlots.Pack(_ids.AsSpan(), _length, failed);
                if (slots.Length > 0)
                {
                    encoder.Model.Encode(
                        _ids.AsSpan(0, slots.Length * _length),
                        slots.Length,
                        _packed.AsSpan(0, slots.Length * _dimension)
                    );
                    PackedSlots.Spread(_packed, _dimension, slots, _features.AsSpan());
                }

                encoder.Report(count);
            }

            public Delegate?[] Getters(Func<int> current)
            {
                ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
                {
                    var editor = VBufferEditor.Create(ref value, _dimension);
                    Feature(current()).CopyTo(editor.Values);
                    value = editor.Commit();
                };
                return [getter];
            }

            private Span<long> Ids(int slot) => _ids.AsSpan(slot * _length, _length);

            private Span<float> Feature(int slot) => _features.AsSpan(slot * _dimension, _dimension);
        }

        private ClipTextFeatureTransformer Model => stage.Parent;

        private string NextText()
        {
            ReadOnlyMemory<char> value = default;
            text(ref value);
            return value.ToString();
        }

        private void Report(int count)
        {
            _done += count;
            Model.Options.Progress?.Report(new(ClipTextFeatureEstimator.Stage, "encoding texts", _done, stage.Rows));
        }
    }
}
