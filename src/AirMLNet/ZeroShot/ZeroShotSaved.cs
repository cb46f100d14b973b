using AirMLNet.Heads;
using AirMLNet.Pipeline;
using AirMLNet.ZeroShot;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(ZeroShotTransformer),
    typeof(ZeroShotSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet zero-shot classifier",
    ZeroShotSaved.Loader
)]

namespace AirMLNet.ZeroShot;

/// <summary>Saves and loads the zero-shot stage: options and class vectors.</summary>
internal static class ZeroShotSaved
{
    public const string Loader = "AirMLNetZeroShot";
    private static readonly StageFormat Format = new(ZeroShotEstimator.Stage, "AIRZEROS", Loader);

    public static void Save(ModelSaveContext ctx, ZeroShotTransformer stage)
    {
        Format.Begin(ctx);
        ModelStream.WriteJson(ctx, new ZeroShotFile(stage.Head.Scale, stage.Options));
        ModelStream.WriteState(ctx, stage.Head.Array("class_vectors"));
    }

    public static ZeroShotTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<ZeroShotFile>(ctx, Format.Stage);
        var classes = file.Options.ClassNames.Count;
        var vectors = ModelStream.Take(ModelStream.ReadState(ctx, Format.Stage), Format.Stage, "class_vectors", classes, -1);
        return new(host, file.Options, new CosineHead(vectors, classes, file.Scale));
    }
}

internal sealed record ZeroShotFile(double Scale, ZeroShotOptions Options) : StageFile;
