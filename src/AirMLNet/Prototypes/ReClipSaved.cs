using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Pipeline;
using AirMLNet.Prototypes;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(ReClipTransformer),
    typeof(ReClipSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet ReCLIP",
    ReClipSaved.Loader
)]

namespace AirMLNet.Prototypes;

/// <summary>Saves and loads ReCLIP: options, class vectors, the tuned copy itself, and which model the other one is.</summary>
internal static class ReClipSaved
{
    public const string Loader = "AirMLNetReClip";
    private static readonly StageFormat Format = new(ReClipEstimator.Stage, "AIRRECLP", Loader);

    public static void Save(ModelSaveContext ctx, ReClipTransformer stage)
    {
        Format.Begin(ctx);
        var tuned = BackboneReference.Of(stage.Tuned, embed: true);
        ModelStream.WriteJson(
            ctx,
            new ReClipFile(stage.Head.Scale, stage.Options, tuned, BackboneReference.Of(stage.Original, embed: false))
        );
        ModelStream.WriteState(ctx, stage.Head.Array("class_vectors"));
        tuned.WriteFiles(ctx, stage.Tuned.Folder);
    }

    public static ReClipTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<ReClipFile>(ctx, Format.Stage);
        var classes = file.Options.ClassNames.Count;
        var vectors = ModelStream.Take(ModelStream.ReadState(ctx, Format.Stage), Format.Stage, "class_vectors", classes, -1);
        using var channel = host.Start("Load");
        var device = DeviceChoice.Resolve(host, channel);
        var execution = new ClipExecution { Activation = file.Options.Activation };
        using var original = file.Original.Take(ctx, file.Options.ClipFolder, device, execution);
        using var tuned = file.Tuned.Take(ctx, file.Tuned.Name, device, execution);
        return new(host, file.Options, new CosineHead(vectors, classes, file.Scale), tuned.Keep(), original.Keep());
    }
}

internal sealed record ReClipFile(double Scale, ReClipOptions Options, BackboneReference Tuned, BackboneReference Original) : StageFile;
