using AirMLNet.Clip;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Features;

/// <summary>Adds the CLIP feature of each text; see <see cref="ClipTextFeatureEstimator"/>.</summary>
public sealed class ClipTextFeatureTransformer : StageTransformer, IDisposable
{
    private int _disposed;

    internal ClipTextFeatureTransformer(IHost host, string output, string input, ClipTextFeatureOptions options, ClipBackbone backbone)
        : base(host)
    {
        OutputColumnName = output;
        InputColumnName = input;
        Options = options;
        Backbone = backbone;
    }

    /// <summary>D, the length of a feature vector.</summary>
    public int FeatureDimension => Backbone.FeatureDimension;

    internal ClipBackbone Backbone { get; }

    internal ClipTextFeatureOptions Options { get; }

    internal string OutputColumnName { get; }

    internal string InputColumnName { get; }

    /// <summary>Gives the model back; it is freed when no stage uses it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Backbone.Release();
        }
    }

    private void Encode(ReadOnlySpan<long> ids, int count, Span<float> features)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        FriendMembers.CheckAlive(Host);
        Backbone.EncodeTokens(ids, count, features);
    }

    private protected override BoundStage Bind(DataViewSchema inputSchema, IDataView? input = null) =>
        new Bound(this, inputSchema, SchemaCheck.Text(inputSchema, ClipTextFeatureEstimator.Stage, InputColumnName), input?.GetRowCount());

    private protected override void SaveTo(ModelSaveContext ctx) => ClipTextFeatureSaved.Save(ctx, this);

    private sealed class Bound(ClipTextFeatureTransformer parent, DataViewSchema schema, DataViewSchema.Column column, long? rows)
        : BoundStage(
            schema,
            new DataViewSchema.DetachedColumn(
                parent.OutputColumnName,
                new VectorDataViewType(NumberDataViewType.Single, parent.FeatureDimension)
            )
        )
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

        public override IBatchWork? StartBatches(DataViewRow input, Func<int, bool> active) =>
            active(0) ? new Work(this, input.GetGetter<ReadOnlyMemory<char>>(column)) : null;
    }

    private sealed class Work(Bound stage, ValueGetter<ReadOnlyMemory<char>> text) : IBatchWork
    {
        private long _done;

        public int BatchSize => stage.Parent.Options.BatchSize;
        public int Workers => 1; // tokenizing a batch is a matter of microseconds
        public CancellationToken Cancellation => stage.Parent.Options.CancellationToken;

        public IBatch NewBatch() => new Room(this);

        public void Dispose() { }

        private sealed class Room(Work work) : IBatch
        {
            private readonly int _length = work.Model.Backbone.Tokenizer.ContextLength,
                _dimension = work.Model.FeatureDimension;
            private readonly string[] _texts = new string[work.BatchSize];
            private readonly long[] _ids = new long[work.BatchSize * work.Model.Backbone.Tokenizer.ContextLength]; // [B, L]
            private readonly float[] _packed = new float[work.BatchSize * work.Model.FeatureDimension];
            private readonly float[] _features = new float[work.BatchSize * work.Model.FeatureDimension]; // [B, D]

            public void Read(int slot, long row) => _texts[slot] = work.NextText();

            public void Prepare(int slot) => work.Model.Backbone.Tokenizer.Tokenize(_texts[slot], Ids(slot), work.Model.Options.Truncate);

            public void Run(int count, ReadOnlySpan<bool> failed)
            {
                // Rows that failed leave gaps; the others move down over them.
                var packed = 0;
                for (var slot = 0; slot < count; slot++)
                {
                    if (!failed[slot])
                    {
                        Ids(slot).CopyTo(Ids(packed++));
                    }
                }
                if (packed > 0)
                {
                    work.Model.Encode(_ids.AsSpan(0, packed * _length), packed, _packed.AsSpan(0, packed * _dimension));
                }

                for (int slot = 0, from = 0; slot < count; slot++)
                {
                    if (!failed[slot])
                    {
                        _packed.AsSpan(_dimension * from++, _dimension).CopyTo(Feature(slot));
                    }
                }
                work.Report(count);
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
