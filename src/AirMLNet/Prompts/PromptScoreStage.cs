using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Prompts;

/// <summary>Scores from features, row by row.</summary>
internal class PromptScoreStage : BoundStage
{
    /// <param name="parent">The fitted stage.</param>
    /// <param name="schema">Schema of the input.</param>
    /// <param name="features">What is scored: features, or in a derived stage images.</param>
    /// <param name="prototype">Image-side probabilities to fuse with, or null.</param>
    /// <param name="setId">Number of the score among those of the schema.</param>
    public PromptScoreStage(
        PromptAdapterTransformer parent,
        DataViewSchema schema,
        DataViewSchema.Column features,
        DataViewSchema.Column? prototype,
        uint setId
    )
        : base(
            schema,
            StageAnnotations.Score(parent.Options.ScoreColumn, parent.Options.ClassNames, setId),
            StageAnnotations.PredictedLabel(parent.Options.PredictedLabelColumn, parent.Options.ClassNames, setId)
        )
    {
        Parent = parent;
        Source = features;
        Prototype = prototype;
    }

    public override IReadOnlyList<DataViewSchema.Column> Reads => Prototype is { } column ? [Source, column] : [Source];

    protected PromptAdapterTransformer Parent { get; }

    /// <summary>The column that is scored.</summary>
    protected DataViewSchema.Column Source { get; }

    protected DataViewSchema.Column? Prototype { get; }

    public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
    {
        var getters = new Delegate?[2];
        if (!active(0) && !active(1))
        {
            return getters;
        }

        var row = new HeadRow(input, Parent.Head, FeatureGetter(input), Prototype, Parent.Options.FusionRule());
        ValueGetter<uint> predicted = (ref uint value) => value = (uint)CosineHead.ArgMax(row.Probabilities()) + 1;
        if (active(0))
        {
            getters[0] = row.VectorGetter();
        }

        if (active(1))
        {
            getters[1] = predicted;
        }

        return getters;
    }

    /// <summary>Reads the feature of the current row.</summary>
    protected virtual ValueGetter<VBuffer<float>> FeatureGetter(DataViewRow input) => input.GetGetter<VBuffer<float>>(Source);
}

/// <summary>Scores from images, which the visual prompt's encoder sees: one at a time for PredictionEngine, in batches for Transform.</summary>
internal sealed class VisualScoreStage(
    PromptAdapterTransformer parent,
    DataViewSchema schema,
    DataViewSchema.Column image,
    DataViewSchema.Column? prototype,
    uint setId,
    long? rows
) : PromptScoreStage(parent, schema, image, prototype, setId)
{
    public override IBatchWork? StartBatches(DataViewRow input, Func<int, bool> active) => new Work(this, input);

    protected override ValueGetter<VBuffer<float>> FeatureGetter(DataViewRow input)
    {
        var source = new ImageSource(input, Source, PromptAdapterEstimator.Stage);
        var preprocessor = Parent.Backbone!.Preprocessor;
        float[]? pixels = null;
        return (ref VBuffer<float> value) =>
        {
            pixels ??= new float[3 * preprocessor.Size * preprocessor.Size]; // [3, S, S]
            preprocessor.Preprocess(ImageSource.Load(source.Read(), Images.ImageFile.MaxPixels), pixels);
            var editor = VBufferEditor.Create(ref value, Parent.Head.Dimension);
            Parent.Encode(pixels, 1, editor.Values);
            value = editor.Commit();
        };
    }

    private ImageBatchSettings Settings =>
        new(
            Parent.Backbone!.Preprocessor,
            Images.ImageFile.MaxPixels,
            ClipBatchSize.Choose(Parent.Backbone.Model.Config),
            0,
            Parent.Head.Dimension,
            rows,
            Parent.Options.CancellationToken
        );

    private sealed class Work(VisualScoreStage stage, DataViewRow input)
        : ImageBatchWork(PromptAdapterEstimator.Stage, input, stage.Source, stage.Settings)
    {
        private readonly ValueGetter<VBuffer<float>>? _prototype = stage.Prototype is { } column
            ? input.GetGetter<VBuffer<float>>(column)
            : null;
        private VBuffer<float> _buffer;

        public override IBatch NewBatch() => new ScoreRoom(this, stage.Parent);

        protected override void Encode(ReadOnlySpan<float> pixels, int count, Span<float> features) =>
            stage.Parent.Encode(pixels, count, features);

        private sealed class ScoreRoom(Work work, PromptAdapterTransformer parent) : Room(work)
        {
            private readonly float[] _scores = new float[work.BatchSize * parent.Head.Classes];
            private readonly float[] _prototypes = new float[work._prototype is null ? 0 : work.BatchSize * parent.Head.Classes];

            public override void Read(int slot, long row)
            {
                base.Read(slot, row);
                if (work._prototype is null)
                {
                    return;
                }

                work._prototype(ref work._buffer);
                work._buffer.CopyTo(_prototypes.AsSpan(slot * parent.Head.Classes, parent.Head.Classes));
            }

            public override void Run(int count, ReadOnlySpan<bool> failed)
            {
                base.Run(count, failed);
                for (var slot = 0; slot < count; slot++)
                {
                    if (failed[slot])
                    {
                        continue;
                    }

                    parent.Head.Probabilities(Feature(slot), Score(slot));
                    if (_prototypes.Length > 0)
                    {
                        parent.Options.FusionRule().Into(Score(slot), _prototypes.AsSpan(slot * parent.Head.Classes, parent.Head.Classes));
                    }
                }
            }

            public override Delegate?[] Getters(Func<int> current)
            {
                ValueGetter<VBuffer<float>> score = (ref VBuffer<float> value) =>
                {
                    var editor = VBufferEditor.Create(ref value, parent.Head.Classes);
                    Score(current()).CopyTo(editor.Values);
                    value = editor.Commit();
                };
                ValueGetter<uint> predicted = (ref uint value) => value = (uint)CosineHead.ArgMax(Score(current())) + 1;
                return [score, predicted];
            }

            private Span<float> Score(int slot) => _scores.AsSpan(slot * parent.Head.Classes, parent.Head.Classes);
        }
    }
}
