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

/// <summary>Saves and loads the text feature stage: names, options, and which CLIP model it needs.</summary>
internal static class ClipTextFeatureSaved
{
    public const string Loader = "AirMLNetClipText";
    private static readonly StageFormat Format = new(ClipTextFeatureEstimator.Stage, "AIRCLIPT", Loader);

    public static void Save(ModelSaveContext ctx, ClipTextFeatureTransformer stage)
    {
        Format.Begin(ctx);
        var reference = BackboneReference.Of(stage.Backbone, stage.Options.EmbedBackbone);
        ModelStream.WriteJson(ctx, new ClipTextFeatureFile(stage.OutputColumnName, stage.InputColumnName, stage.Options, reference));
        reference.WriteFiles(ctx, stage.Backbone.Folder);
    }

    public static ClipTextFeatureTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<ClipTextFeatureFile>(ctx, Format.Stage);
        using var channel = host.Start("Load");
        using var model = file.Backbone.Take(ctx, file.Options.ClipFolder, DeviceChoice.Resolve(host, channel), file.Options.Execution);
        return new(host, file.Output, file.Input, file.Options, model.Keep());
    }
}

internal sealed record ClipTextFeatureFile(string Output, string Input, ClipTextFeatureOptions Options, BackboneReference Backbone)
    : StageFile;
