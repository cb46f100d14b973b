using AirMLNet.Captions;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(
    typeof(NounFilterTransformer),
    typeof(NounFilterSaved),
    null,
    typeof(SignatureLoadModel),
    "AirMLNet noun filter",
    NounFilterSaved.Loader
)]

namespace AirMLNet.Captions;

/// <summary>Saves and loads the noun filter with its whole table: a loaded model needs no file.</summary>
internal static class NounFilterSaved
{
    public const string Loader = "AirMLNetNounFilter";
    private static readonly StageFormat Format = new(NounFilterEstimator.Stage, "AIRNOUNS", Loader);

    public static void Save(ModelSaveContext ctx, NounFilterTransformer stage)
    {
        Format.Begin(ctx);
        ModelStream.WriteJson(ctx, new NounFilterFile(stage.Columns.Output, stage.Columns.Input, stage.Options, stage.Table.Lines));
    }

    public static NounFilterTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var host = Format.Open(env, ctx);
        var file = ModelStream.ReadJson<NounFilterFile>(ctx, Format.Stage);
        try
        {
            var table = file.Options.ClassNames is { } names ? NounTable.OfNames(names) : NounTable.OfLines(file.Table);
            return new(host, (file.Output, file.Input), file.Options, table);
        }
        catch (InvalidDataException e)
        {
            throw new FormatException($"{Format.Stage}: {e.Message}", e);
        }
    }
}

internal sealed record NounFilterFile(string Output, string Input, NounFilterOptions Options, IReadOnlyList<string> Table) : StageFile;
