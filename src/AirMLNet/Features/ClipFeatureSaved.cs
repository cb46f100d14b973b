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

/// <summary>Saves and loads the image feature stage: names, options, and which CLIP model it needs.</summary>
internal static class ClipFeatureSaved
{
    public const string Loader = "AirMLNetClipFeature";
    private static readonly StageFormat Format = new(ClipFeatureEstimator.Stage, "AIRCLIPF", Loader);

    public static void Save(ModelSaveContext ctx, ClipFeatureTransformer stage)
    {
        Format.Begin(ctx);
        var reference = BackboneReference.Of(stage.Backbone, stage.Options.EmbedBackbone);
        ModelStream.WriteJson(ctx, new ClipFeatureFile(stage.OutputColumnName, stage.InputColumnName, stage.Options, reference));
        reference.WriteFiles(ctx, stage.Backbone.Folder);
    }

    public static ClipFeatureTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<ClipFeatureFile>(ctx, Format.Stage);
        using var channel = host.Start("Load");
        using var model = file.Backbone.Take(ctx, file.Options.ClipFolder, DeviceChoice.Resolve(host, channel), file.Options.Execution);
        return new(host, file.Output, file.Input, file.Options, model.Keep(), training: null);
    }
}

internal sealed record ClipFeatureFile(string Output, string Input, ClipFeatureOptions Options, BackboneReference Backbone) : StageFile;
