using AirMLNet.Clip;
using AirMLNet.Persistence;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ClipTextFeatureTransformer), typeof(ClipTextFiles), null, typeof(SignatureLoadModel), "AirMLNet CLIP text features", ClipTextFiles.Loader)]

namespace AirMLNet.Persistence;

/// <summary>Saves and loads the text feature stage.</summary>
internal static class ClipTextFiles
{
    public const string Loader = "AirMLNetClipText";
    private const string Signature = "AIRCLIPT";

    public static void Save(ModelSaveContext ctx, ClipTextFeatureTransformer stage)
    {
        ModelStream.Begin(ctx, Signature, Loader);
        BackboneReference reference = BackboneReference.Of(stage.Backbone, stage.Options.EmbedBackbone);
        ModelStream.WriteJson(ctx, new ClipTextFile(stage.OutputColumnName, stage.InputColumnName, stage.Options, reference));
        reference.WriteFiles(ctx, stage.Backbone.Folder);
    }

    public static ClipTextFeatureTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        const string stage = ClipTextFeatureEstimator.Stage;
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(ctx);
        ModelStream.CheckVersion(ctx, Signature, Loader);
        IHost host = env.Register(stage, seed: 0);
        var file = ModelStream.ReadJson<ClipTextFile>(ctx, stage);
        using IChannel channel = host.Start("Load");
        ClipBackbone backbone = file.Backbone.Acquire(ctx, file.Options.ClipFolder, DeviceChoice.Resolve(host, channel), file.Options.Execution);
        return new(host, file.Output, file.Input, file.Options, backbone);
    }
}

internal sealed record ClipTextFile(string Output, string Input, ClipTextFeatureOptions Options, BackboneReference Backbone) : StageFile;
