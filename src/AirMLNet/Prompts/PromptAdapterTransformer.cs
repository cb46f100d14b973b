using AirMLNet.Persistence;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Prompts;

/// <summary>Adds score and predicted label; see <see cref="PromptAdapterEstimator"/>. Needs no model folder to score.</summary>
public sealed class PromptAdapterTransformer : StageTransformer
{
    private readonly float[] _context;

    internal PromptAdapterTransformer(IHost host, PromptAdapterOptions options, CosineHead head, float[] context)
        : base(host)
    {
        Options = options;
        Head = head;
        _context = context;
    }

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    /// <summary>The learned vectors [P, W], row-major; empty for a zero-shot classifier.</summary>
    public ReadOnlyMemory<float> Prompt => _context;

    internal PromptAdapterOptions Options { get; }

    internal CosineHead Head { get; }

    private protected override BoundStage Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        DataViewSchema.Column features = SchemaCheck.Vector(inputSchema, PromptAdapterEstimator.Stage, Options.FeatureColumn, Head.Dimension);
        DataViewSchema.Column? prototype = Options.PrototypeColumn is { } name
            ? SchemaCheck.Vector(inputSchema, PromptAdapterEstimator.Stage, name, Head.Classes) : null;
        return new Bound(this, inputSchema, features, prototype, StageAnnotations.NextSetId(inputSchema));
    }

    private protected override void SaveTo(ModelSaveContext ctx) => StageFiles.Save(ctx, this);

    private sealed class Bound(PromptAdapterTransformer parent, DataViewSchema schema, DataViewSchema.Column features, DataViewSchema.Column? prototype, uint setId) : BoundStage(
        schema,
        StageAnnotations.Score(parent.Options.ScoreColumn, parent.Options.ClassNames, setId),
        StageAnnotations.PredictedLabel(parent.Options.PredictedLabelColumn, parent.Options.ClassNames, setId))
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => prototype is { } column ? [features, column] : [features];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            var getters = new Delegate?[2];
            if (!active(0) && !active(1)) return getters;
            var row = new HeadRow(input, parent.Head, features, prototype, parent.Options.PrototypeWeight);
            ValueGetter<uint> predicted = (ref uint value) => value = (uint)CosineHead.ArgMax(row.Probabilities()) + 1;
            if (active(0)) getters[0] = row.VectorGetter();
            if (active(1)) getters[1] = predicted;
            return getters;
        }
    }
}
