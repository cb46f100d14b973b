using AirMLNet.Pipeline;
using AirMLNet.Synthesis;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(DiffusionSynthesisTransformer),
    typeof(DiffusionSynthesisSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet diffusion synthesis",
    DiffusionSynthesisSaved.Loader
)]

namespace AirMLNet.Synthesis;

/// <summary>Saves and loads the synthesis stage: features and names of the images; the images stay where they are.</summary>
internal static class DiffusionSynthesisSaved
{
    public const string Loader = "AirMLNetSynthesis";
    private static readonly StageFormat Format = new(DiffusionSynthesisEstimator.Stage, "AIRSYNTH", Loader);

    public static void Save(ModelSaveContext ctx, DiffusionSynthesisTransformer stage)
    {
        Format.Begin(ctx);
        var generated = stage.Generated;
        ModelStream.WriteJson(
            ctx,
            new DiffusionSynthesisFile(
                stage.Options,
                [
                    .. generated.Images.Select(i => new SavedImage(
                        i.Path,
                        i.Class,
                        i.Class < 0 ? 0 : i.Confidence,
                        i.IsRepresentative,
                        i.Caption
                    )),
                ]
            )
        );
        (string, float[], long[]) features = ("features", generated.Features, [generated.Images.Count, generated.Dimension]);
        if (generated.Labels.Count == 0)
        {
            ModelStream.WriteState(ctx, features);
        }
        else
        {
            ModelStream.WriteState(
                ctx,
                features,
                ("labels", [.. generated.Labels.SelectMany(l => l)], [generated.Labels.Count, generated.Labels[0].Length])
            );
        }
    }

    public static DiffusionSynthesisTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<DiffusionSynthesisFile>(ctx, Format.Stage);
        var state = ModelStream.ReadState(ctx, Format.Stage);
        var (count, classes) = (file.Images.Count, file.Options.ClassNames.Count);
        if (file.Images.Any(i => i.Class < -1 || i.Class >= classes))
        {
            throw new FormatException($"{Format.Stage}: the saved model has images of classes that it does not name.");
        }
        var features = ModelStream.Take(state, Format.Stage, "features", count, -1);
        float[][] labels = state.ContainsKey("labels")
            ? [.. ModelStream.Take(state, Format.Stage, "labels", count, classes).Chunk(classes)]
            : [];
        SyntheticImage[] images =
        [
            .. file.Images.Select(i => new SyntheticImage(i.Path, i.Class, i.Class < 0 ? float.NaN : i.Confidence, i.IsRepresentative)
            {
                Caption = i.Caption,
            }),
        ];
        return new(host, file.Options, new GeneratedImages(images, features, count == 0 ? 0 : features.Length / count, labels));
    }
}

/// <summary>An image in <c>stage.json</c>, which has no NaN.</summary>
internal sealed record SavedImage(string Path, int Class, float Confidence, bool IsRepresentative, string? Caption = null);

internal sealed record DiffusionSynthesisFile(DiffusionSynthesisOptions Options, IReadOnlyList<SavedImage> Images) : StageFile;
