using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Prototypes;

/// <summary>Adds the probabilities of the image-side classifier; see <see cref="PrototypeClassifierEstimator"/>.</summary>
public sealed class PrototypeClassifierTransformer : StageTransformer
{
    internal PrototypeClassifierTransformer(
        IHost host,
        string output,
        string features,
        PrototypeClassifierOptions options,
        IReadOnlyList<string> classNames,
        CosineHead head
    )
        : base(host)
    {
        OutputColumnName = output;
        FeatureColumnName = features;
        Options = options;
        ClassNames = classNames;
        Head = head;
    }

    /// <summary>The classes, in the order of the probabilities.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    internal string OutputColumnName { get; }

    internal string FeatureColumnName { get; }

    internal PrototypeClassifierOptions Options { get; }

    internal CosineHead Head { get; }

    private protected override BoundStage Bind(DataViewSchema inputSchema, IDataView? input = null) =>
        new Bound(
            this,
            inputSchema,
            SchemaCheck.Vector(inputSchema, PrototypeClassifierEstimator.Stage, FeatureColumnName, Head.Dimension)
        );

    private protected override void SaveTo(ModelSaveContext ctx) => PrototypeClassifierSaved.Save(ctx, this);

    private sealed class Bound(PrototypeClassifierTransformer parent, DataViewSchema schema, DataViewSchema.Column features)
        : BoundStage(schema, StageAnnotations.ClassVector(parent.OutputColumnName, parent.ClassNames))
    {
        public override IReadOnlyList<DataViewSchema.Column> Reads => [features];

        public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active) =>
            [active(0) ? new HeadRow(input, parent.Head, features).VectorGetter() : null];
    }
}
