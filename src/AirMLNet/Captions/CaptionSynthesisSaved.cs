using AirMLNet.Captions;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(CaptionSynthesisTransformer),
    typeof(CaptionSynthesisSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet caption synthesis",
    CaptionSynthesisSaved.Loader
)]

namespace AirMLNet.Captions;

/// <summary>Saves and loads the texts, and what wrote them.</summary>
internal static class CaptionSynthesisSaved
{
    public const string Loader = "AirMLNetCaptions";
    private static readonly StageFormat Format = new(CaptionSynthesisEstimator.Stage, "AIRCAPTN", Loader);

    public static void Save(ModelSaveContext ctx, CaptionSynthesisTransformer stage)
    {
        Format.Begin(ctx);
        ModelStream.WriteJson(
            ctx,
            new CaptionSynthesisFile(
                stage.ImageTextColumnName,
                stage.GroupTextColumnName,
                stage.ImagePathColumnName,
                stage.Options,
                [
                    .. stage
                        .Texts.OrderBy(t => t.Key, StringComparer.Ordinal)
                        .Select(t => new SavedCaption(t.Key, t.Value.Image, t.Value.Group)),
                ],
                stage.Options.Captioner?.Caveat
            )
        );
    }

    public static CaptionSynthesisTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<CaptionSynthesisFile>(ctx, Format.Stage);
        return new(
            host,
            file.ImageText,
            file.GroupText,
            file.Paths,
            file.Options,
            file.Texts.ToDictionary(t => t.Path, t => new CaptionTexts(t.Image, t.Group), StringComparer.Ordinal)
        );
    }
}

internal sealed record SavedCaption(string Path, string Image, string Group);

internal sealed record CaptionSynthesisFile(
    string ImageText,
    string GroupText,
    string Paths,
    CaptionSynthesisOptions Options,
    IReadOnlyList<SavedCaption> Texts,
    string? Caveat
) : StageFile;
