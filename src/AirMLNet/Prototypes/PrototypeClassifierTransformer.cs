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

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        var features = InputColumn.Vector(FeatureColumnName, Head.Dimension).Find(inputSchema, PrototypeClassifierEstimator.Stage);
        return new Mapper(inputSchema, new(Head, features), OutputColumnName, ClassNames);
    }

    private protected override void SaveTo(ModelSaveContext ctx) => PrototypeClassifierSaved.Save(ctx, this);

    private sealed class Mapper(DataViewSchema schema, HeadInput head, string output, IReadOnlyList<string> classNames)
        : HeadMapper(schema, head, StageAnnotations.ClassVector(output, classNames))
    {
        protected override Delegate Getter(int output, RowProbabilities row) => row.VectorGetter();
    }
}
