using AirMLNet.Features;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(ClipTextFeatureTransformer),
    typeof(ClipTextFeatureSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet CLIP text features",
    ClipTextFeatureSaved.Loader
)]

namespace AirMLNet.Features;

/// <summary>Saves and loads the text feature stage.</summary>
internal static class ClipTextFeatureSaved
{
    public const string Loader = "AirMLNetClipText";
    private static readonly StageFormat Format = new(ClipTextFeatureEstimator.Stage, "AIRCLIPT", Loader);

    public static void Save(ModelSaveContext ctx, ClipTextFeatureTransformer stage) =>
        FeatureStage.Save(ctx, Format, stage.Columns, stage.Options, stage.Backbone, texts: true);

    public static ClipTextFeatureTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        FeatureStage.Load<ClipTextFeatureOptions, ClipTextFeatureTransformer>(
            env,
            ctx,
            Format,
            (host, columns, options, model) => new(host, columns, options, model)
        );
}
