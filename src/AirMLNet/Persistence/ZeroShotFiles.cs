using AirMLNet.Persistence;
using AirMLNet.Pipeline;
using AirMLNet.ZeroShot;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ZeroShotTransformer), typeof(ZeroShotFiles), null, typeof(SignatureLoadModel), "AirMLNet zero-shot classifier", ZeroShotFiles.Loader)]

namespace AirMLNet.Persistence;

/// <summary>Saves and loads the zero-shot stage.</summary>
internal static class ZeroShotFiles
{
    public const string Loader = "AirMLNetZeroShot";
    private const string Signature = "AIRZEROS", Vectors = "class_vectors";

    public static void Save(ModelSaveContext ctx, ZeroShotTransformer stage)
    {
        ModelStream.Begin(ctx, Signature, Loader);
        ModelStream.WriteJson(ctx, new ZeroShotFile(stage.Head.Scale, stage.Options));
        ModelStream.WriteState(ctx, (Vectors, stage.Head.Weights.ToArray(), [stage.Head.Classes, stage.Head.Dimension]));
    }

    public static ZeroShotTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        const string stage = ZeroShotEstimator.Stage;
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(ctx);
        ModelStream.CheckVersion(ctx, Signature, Loader);
        var file = ModelStream.ReadJson<ZeroShotFile>(ctx, stage);
        int classes = file.Options.ClassNames.Count;
        var head = new CosineHead(ModelStream.Take(ModelStream.ReadState(ctx, stage), stage, Vectors, classes, -1), classes, file.Scale);
        return new(env.Register(stage, seed: 0), file.Options, head);
    }
}

internal sealed record ZeroShotFile(double Scale, ZeroShotOptions Options) : StageFile;
