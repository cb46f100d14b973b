using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.ZeroShot;

/// <summary>Adds score and predicted label; see <see cref="ZeroShotEstimator"/>. Needs no model folder to score.</summary>
public sealed class ZeroShotTransformer : StageTransformer
{
    internal ZeroShotTransformer(IHost host, ZeroShotOptions options, CosineHead head)
        : base(host)
    {
        Options = options;
        Head = head;
    }

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    internal ZeroShotOptions Options { get; }

    internal CosineHead Head { get; }

    private protected override BoundStage Bind(DataViewSchema inputSchema, IDataView? input = null) =>
        new Bound(
            this,
            inputSchema,
            SchemaCheck.Vector(inputSchema, ZeroShotEstimator.Stage, Options.FeatureColumn, Head.Dimension),
            StageAnnotations.NextSetId(inputSchema)
        );

    private protected override void SaveTo(ModelSaveContext ctx) => ZeroShotSaved.Save(ctx, this);

    private sealed class Bound(ZeroShotTransformer parent, DataViewSchema schema, DataViewSchema.Column features, uint setId)
        : BoundStage(
            schema,
            StageAnnotations.Score(parent.Options.ScoreColumn, parent.ClassNames, setId),
            StageAnnotations.PredictedLabel(parent.Options.PredictedLabelColumn, parent.ClassNames, setId)
        )
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => [features];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            var getters = new Delegate?[2];
            if (!active(0) && !active(1))
            {
                return getters;
            }

            var row = new HeadRow(input, parent.Head, features);
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
    }
}
