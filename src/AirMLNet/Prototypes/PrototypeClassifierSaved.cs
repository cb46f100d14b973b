using AirMLNet.Heads;
using AirMLNet.Pipeline;
using AirMLNet.Prototypes;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(PrototypeClassifierTransformer),
    typeof(PrototypeClassifierSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet prototype classifier",
    PrototypeClassifierSaved.Loader
)]

namespace AirMLNet.Prototypes;

/// <summary>Saves and loads the image-side classifier: names, options and prototypes.</summary>
internal static class PrototypeClassifierSaved
{
    public const string Loader = "AirMLNetPrototype";
    private static readonly StageFormat Format = new(PrototypeClassifierEstimator.Stage, "AIRPROTO", Loader);

    public static void Save(ModelSaveContext ctx, PrototypeClassifierTransformer stage)
    {
        Format.Begin(ctx);
        ModelStream.WriteJson(
            ctx,
            new PrototypeClassifierFile(
                stage.OutputColumnName,
                stage.FeatureColumnName,
                stage.Head.Scale,
                stage.ClassNames,
                stage.Head.Present.ToArray(),
                stage.Options
            )
        );
        var centre = stage.Head.Centre.ToArray();
        ModelStream.WriteState(
            ctx,
            centre.Length == 0 ? [stage.Head.Array("prototypes")] : [stage.Head.Array("prototypes"), ("centre", centre, [centre.Length])]
        );
    }

    public static PrototypeClassifierTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<PrototypeClassifierFile>(ctx, Format.Stage);
        var classes = file.ClassNames.Count;
        if (file.Present.Length != classes)
        {
            throw new FormatException($"{Format.Stage}: the saved model has {classes} classes but {file.Present.Length} prototypes.");
        }
        var state = ModelStream.ReadState(ctx, Format.Stage);
        var vectors = ModelStream.Take(state, Format.Stage, "prototypes", classes, -1);
        var centre = file.Options.Centre ? ModelStream.Take(state, Format.Stage, "centre", vectors.Length / classes) : null;
        return new(
            host,
            file.Output,
            file.Features,
            file.Options,
            file.ClassNames,
            new CosineHead(vectors, classes, file.Scale, file.Present, centre)
        );
    }
}

internal sealed record PrototypeClassifierFile(
    string Output,
    string Features,
    double Scale,
    IReadOnlyList<string> ClassNames,
    bool[] Present,
    PrototypeClassifierOptions Options
) : StageFile;
