using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Prototypes;

/// <summary>Adds the probabilities of the image-side classifier; see <see cref="PrototypeClassifierEstimator"/>.</summary>
public sealed class PrototypeClassifierTransformer : StageTransformer, IDisposable
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

    internal PrototypeClassifierTransformer(IHost host, string features, PrototypeClassifierOptions options, LatteClipTransformer tuned)
        : this(host, tuned.Options.ScoreColumn, features, options, tuned.ClassNames, tuned.Head) => Tuned = tuned;

    /// <summary>The fine-tuned CLIP and its prototypes; null with <see cref="PrototypeAdaptation.Frozen"/>.</summary>
    public LatteClipTransformer? Tuned { get; }

    /// <summary>The classes, in the order of the probabilities.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    internal string OutputColumnName { get; }

    internal string FeatureColumnName { get; }

    internal PrototypeClassifierOptions Options { get; }

    internal CosineHead Head { get; }

    /// <summary>Gives a tuned model back; nothing to do for a frozen one.</summary>
    public void Dispose() => Tuned?.Dispose();

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        if (Tuned is not null)
        {
            return Tuned.On(inputSchema, input);
        }

        var features = InputColumn.Vector(FeatureColumnName, Head.Dimension).Find(inputSchema, PrototypeClassifierEstimator.Stage);
        return new Mapper(inputSchema, new(Head, features), OutputColumnName, ClassNames);
    }

    // A tuned one is saved, and loads, as what its trainer gives.
    private protected override void SaveTo(ModelSaveContext ctx)
    {
        if (Tuned is not null)
        {
            LatteClipSaved.Save(ctx, Tuned);
        }
        else
        {
            PrototypeClassifierSaved.Save(ctx, this);
        }
    }

    private sealed class Mapper(DataViewSchema schema, HeadInput head, string output, IReadOnlyList<string> classNames)
        : HeadMapper(schema, head, StageAnnotations.ClassVector(output, classNames))
    {
        protected override Delegate Getter(int output, RowProbabilities row) => row.VectorGetter();
    }
}
