using AirMLNet.Features;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(ClipFeatureTransformer),
    typeof(ClipFeatureSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet CLIP features",
    ClipFeatureSaved.Loader
)]

namespace AirMLNet.Features;

/// <summary>Saves and loads the image feature stage.</summary>
internal static class ClipFeatureSaved
{
    public const string Loader = "AirMLNetClipFeature";
    private static readonly StageFormat Format = new(ClipFeatureEstimator.Stage, "AIRCLIPF", Loader);

    public static void Save(ModelSaveContext ctx, ClipFeatureTransformer stage) =>
        FeatureStage.Save(ctx, Format, stage.Columns, stage.Options, stage.Backbone);

    public static ClipFeatureTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        FeatureStage.Load<ClipFeatureOptions, ClipFeatureTransformer>(
            env,
            ctx,
            Format,
            (host, columns, options, model) => new(host, columns, options, model, training: null)
        );
}
