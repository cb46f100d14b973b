using AirMLNet.Heads;
using AirMLNet.Pipeline;
using AirMLNet.Prototypes;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(LatteClipTransformer),
    typeof(LatteClipSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet LatteCLIP",
    LatteClipSaved.Loader
)]

namespace AirMLNet.Prototypes;

/// <summary>Saves and loads the fine-tuned classifier: options, prototypes, and always the tuned model itself.</summary>
internal static class LatteClipSaved
{
    public const string Loader = "AirMLNetLatteClip";
    private static readonly StageFormat Format = new(LatteClipEstimator.Stage, "AIRLATTE", Loader);

    public static void Save(ModelSaveContext ctx, LatteClipTransformer stage)
    {
        Format.Begin(ctx);
        var tuned = BackboneReference.Of(stage.Backbone, embed: true);
        ModelStream.WriteJson(ctx, new LatteClipFile(stage.Head.Scale, stage.Options, tuned));
        ModelStream.WriteState(ctx, stage.Head.Array("prototypes"));
        tuned.WriteFiles(ctx, stage.Backbone.Folder);
    }

    public static LatteClipTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<LatteClipFile>(ctx, Format.Stage);
        var classes = file.Options.ClassNames.Count;
        var vectors = ModelStream.Take(ModelStream.ReadState(ctx, Format.Stage), Format.Stage, "prototypes", classes, -1);
        using var channel = host.Start("Load");
        using var model = file.Tuned.Take(ctx, file.Tuned.Name, DeviceChoice.Resolve(host, channel), TunedClip.Execution(file.Options));
        return new(host, file.Options, new CosineHead(vectors, classes, file.Scale), model.Keep());
    }
}

internal sealed record LatteClipFile(double Scale, LatteClipOptions Options, BackboneReference Tuned) : StageFile;
