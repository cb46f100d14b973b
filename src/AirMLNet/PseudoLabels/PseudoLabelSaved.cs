using AirMLNet.Heads;
using AirMLNet.Pipeline;
using AirMLNet.PseudoLabels;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(PseudoLabelTransformer),
    typeof(PseudoLabelSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet pseudo-labels",
    PseudoLabelSaved.Loader
)]

namespace AirMLNet.PseudoLabels;

/// <summary>Saves and loads the labelling stage: names, options, class vectors and thresholds.</summary>
internal static class PseudoLabelSaved
{
    public const string Loader = "AirMLNetPseudoLabel";
    private static readonly StageFormat Format = new(PseudoLabelEstimator.Stage, "AIRPSEUD", Loader);

    public static void Save(ModelSaveContext ctx, PseudoLabelTransformer stage)
    {
        Format.Begin(ctx);
        ModelStream.WriteJson(
            ctx,
            new PseudoLabelFile(stage.OutputColumnName, stage.FeatureColumnName, stage.Head.Scale, stage.Options, stage.Rule.Candidates)
        );
        ModelStream.WriteState(
            ctx,
            stage.Head.Array("class_vectors"),
            ("thresholds", stage.Rule.Thresholds, [stage.Rule.Thresholds.Length])
        );
    }

    public static PseudoLabelTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<PseudoLabelFile>(ctx, Format.Stage);
        var state = ModelStream.ReadState(ctx, Format.Stage);
        var classes = file.Options.ClassNames.Count;
        var head = new CosineHead(ModelStream.Take(state, Format.Stage, "class_vectors", classes, -1), classes, file.Scale);
        var thresholds = ModelStream.Take(state, Format.Stage, "thresholds", file.Options.LabelClasses?.Distinct().Count() ?? classes);
        var rule = new LabelRule(thresholds, file.Candidates, file.Options.Strategy == PseudoLabelStrategy.Grip);
        return new(host, file.Output, file.Features, file.Options, head, rule);
    }
}

internal sealed record PseudoLabelFile(
    string Output,
    string Features,
    double Scale,
    PseudoLabelOptions Options,
    CandidateRule? Candidates = null
) : StageFile;
