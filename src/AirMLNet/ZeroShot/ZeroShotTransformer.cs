using AirMLNet.Heads;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.ZeroShot;

/// <summary>Adds score and predicted label; see <see cref="ZeroShotEstimator"/>. Needs no model folder to score.</summary>
public sealed class ZeroShotTransformer : StageTransformer
{
    internal ZeroShotTransformer(IHost host, ZeroShotOptions options, CosineHead head)
        : base(host) => (Options, Head) = (options, head);

    /// <summary>The classes, in the order of the score.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames;

    internal ZeroShotOptions Options { get; }

    internal CosineHead Head { get; }

    private protected override RowMapper Bind(DataViewSchema inputSchema, IDataView? input = null)
    {
        var features = InputColumn.Vector(Options.FeatureColumn, Head.Dimension).Find(inputSchema, ZeroShotEstimator.Stage);
        return new ScoreMapper(inputSchema, new(Head, features), Options.ScoreColumn, Options.PredictedLabelColumn, ClassNames);
    }

    private protected override void SaveTo(ModelSaveContext ctx) => ZeroShotSaved.Save(ctx, this);
}
