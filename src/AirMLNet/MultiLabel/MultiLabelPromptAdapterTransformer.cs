using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.MultiLabel;

/// <summary>
/// Adds the scores of all classes and the decisions; see <see cref="MultiLabelPromptAdapterEstimator"/>. It reads images and encodes them
/// with
/// its own model.
/// </summary>
public sealed class MultiLabelPromptAdapterTransformer : StageTransformer, IDisposable
{
    private readonly BackboneLease _model;
    private readonly MultiLabelHead _head;

    internal MultiLabelPromptAdapterTransformer(
        IHost host,
        MultiLabelPromptAdapterOptions options,
        MultiLabelState state,
        float[] thresholds,
        BackboneLease model
    )
        : base(host)
    {
        Options = options;
        State = state;
        ThresholdValues = thresholds;
        _model = model;
        Encoder = MultiLabelPromptAdapterEstimator.EncoderOf(model.Backbone, options);
        _head = new MultiLabelHead(options, state, model.Backbone.Device);
    }

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    /// <summary>The threshold of each class: a score above it is a decision for the class.</summary>
    public IReadOnlyList<float> Thresholds => ThresholdValues;

    /// <summary>The adapter [C, D], row-major; empty without one.</summary>
    public ReadOnlyMemory<float> Adapter => State.Adapter;

    /// <summary>The learned vectors of the first prompt, then of the second, row-major; empty for zero-shot.</summary>
    public ReadOnlyMemory<float> Prompt => State.Context;

    internal MultiLabelPromptAdapterOptions Options { get; }

    internal MultiLabelState State { get; }

    internal float[] ThresholdValues { get; }

    internal DenseEncoder Encoder { get; }

    internal ClipBackbone Backbone => _model.Backbone;

    /// <summary>Gives the model back.</summary>
    public void Dispose()
    {
        _head.Dispose();
        _model.Dispose();
    }

    /// <summary>Scores of preprocessed images, [count, C].</summary>
    internal void Score(ReadOnlySpan<float> pixels, int count, Span<float> scores)
    {
        ObjectDisposedException.ThrowIf(_model.IsReleased, this);
        FriendMembers.CheckAlive(Host);
        var rows = new float[count * Encoder.RowLength];
        Encoder.Images(pixels, count, rows);
        ScoreRows(rows, count, scores);
    }

    /// <summary>Scores of features as <see cref="Encoder"/> gives them, [count, C].</summary>
    internal void ScoreRows(float[] rows, int count, Span<float> scores) => _head.Score(rows, count, scores);

    /// <summary>See <see cref="MultiLabelHead.AttendedCosines"/>.</summary>
    internal (torch.Tensor Plain, torch.Tensor? Adapted) AttendedCosines(DenseBatch batch, double? kappa) =>
        _head.AttendedCosines(batch, kappa);

    /// <summary>The cosine of each place of an image with each class's local prompt (DualCoOp: positive prompt), [C, H·W].</summary>
    internal (float[] Cosines, int Height, int Width) Places(RgbImage image)
    {
        ObjectDisposedException.ThrowIf(_model.IsReleased, this);
        var row = new float[Encoder.RowLength];
        Encoder.Images(Encoder.Preprocessor.Preprocess(image), 1, row);
        return (_head.Places(row, Encoder.Side * Encoder.Side), Encoder.Side, Encoder.Side);
    }

    // A chain that was fitted on captions alone binds the stage to rows without images: only reading scores of them is an error.
    private InputColumn Images => InputColumn.Image(Options.ImageColumn) with { Optional = true };

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null) =>
        new Mapper(this, inputSchema, Images.FindOrNull(inputSchema, MultiLabelPromptAdapterEstimator.Stage), input?.GetRowCount());

    private protected override void SaveTo(ModelSaveContext ctx) => MultiLabelPromptAdapterSaved.Save(ctx, this);

    private sealed class Mapper(MultiLabelPromptAdapterTransformer parent, DataViewSchema schema, DataViewSchema.Column? column, long? rows)
        : RowMapper(
            schema,
            StageAnnotations.ClassVector(parent.Options.ScoreColumn, parent.ClassNames),
            StageAnnotations.ClassFlags(parent.Options.PredictedLabelsColumn, parent.ClassNames)
        )
    {
        private int Classes => parent.ClassNames.Count;

        public override IReadOnlyList<DataViewSchema.Column> Reads => column is { } images ? [images] : [];

        private DataViewSchema.Column Column =>
            InputColumn.Image(parent.Options.ImageColumn).Find(InputSchema, MultiLabelPromptAdapterEstimator.Stage);

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            if (!active(0) && !active(1))
            {
                return [null, null];
            }
            var source = new ImageSource(input, Column, MultiLabelPromptAdapterEstimator.Stage);
            var read = source.Features(parent.Encoder.Preprocessor, ImageFile.MaxPixels, Classes, parent.Score);
            VBuffer<float> scores = default;
            long position = -1;
            ReadOnlySpan<float> Scores()
            {
                if (input.Position != position || input.Position < 0)
                {
                    read(ref scores);
                    position = input.Position;
                }
                return scores.GetValues();
            }
            return Getters(() => Scores().ToArray(), active);
        }

        public override IBatchEncoder? StartBatches(DataViewRow input, Func<int, bool> active) => new Encoding(this, input, active);

        private Delegate?[] Getters(Func<float[]> scores, Func<int, bool> active)
        {
            ValueGetter<VBuffer<float>> score = (ref VBuffer<float> value) =>
            {
                var editor = VBufferEditor.Create(ref value, Classes);
                scores().CopyTo(editor.Values);
                value = editor.Commit();
            };
            ValueGetter<VBuffer<bool>> predicted = (ref VBuffer<bool> value) =>
            {
                var editor = VBufferEditor.Create(ref value, Classes);
                var row = scores();
                for (var c = 0; c < row.Length; c++)
                {
                    editor.Values[c] = row[c] > parent.ThresholdValues[c];
                }
                value = editor.Commit();
            };
            return [active(0) ? score : null, active(1) ? predicted : null];
        }

        private ImageBatchSettings Settings =>
            new(
                parent.Encoder.Preprocessor,
                ImageFile.MaxPixels,
                parent.Encoder.BatchSize,
                0,
                Classes,
                rows,
                parent.Options.CancellationToken
            );

        private sealed class Encoding(Mapper mapper, DataViewRow input, Func<int, bool> active)
            : ImageBatchEncoder(MultiLabelPromptAdapterEstimator.Stage, input, mapper.Column, mapper.Settings)
        {
            public override IBatch NewBatch() => new ScoreBatch(this);

            // The scores stand where other stages have features.
            protected override void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features) =>
                mapper.Owner.Score(pixels, count, features);

            private sealed class ScoreBatch(Encoding encoder) : ImageBatch(encoder)
            {
                public override Delegate?[] Getters(Func<int> current) => encoder.Getters(() => Feature(current()).ToArray());
            }

            private Delegate?[] Getters(Func<float[]> scores) => mapper.Getters(scores, active);
        }

        private MultiLabelPromptAdapterTransformer Owner => parent;
    }
}
