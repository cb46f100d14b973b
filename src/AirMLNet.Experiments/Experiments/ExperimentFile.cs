using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AirMLNet.Data;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Recipes;

namespace AirMLNet.Experiments;

/// <summary>
/// One experiment file: every method under every paradigm, with every kind of prompt, on every data set, from every seed.
/// Paths are relative to the file.
/// </summary>
internal sealed record ExperimentFile
{
    /// <summary>Title of the results.</summary>
    public required string Name
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>A line or two about it, for the results page.</summary>
    public string Description { get; init; } = "";

    /// <summary>Folder of the CLIP model.</summary>
    public required string Clip
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Folder for results.</summary>
    public required string Output
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Folder of finished runs, which experiments may share; null: <c>runs</c> in <see cref="Output"/>.</summary>
    public string? Cache { get; init; }

    /// <summary>One or more data sets.</summary>
    public required IReadOnlyList<ExperimentDataSet> DataSets { get; init; }

    /// <summary>Names of published methods, or objects with a method and settings of one's own.</summary>
    public required IReadOnlyList<JsonElement> Methods { get; init; }

    /// <summary>Any of <c>ul</c>, <c>ssl</c>, <c>trzsl</c>.</summary>
    public IReadOnlyList<string> Paradigms { get; init; } = ["ul"];

    /// <summary>Any of <c>text</c>, <c>visual</c>, <c>visual-deep</c>.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = ["text"];

    /// <summary>Seeds, each of them a run.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3];

    /// <summary>Labelled images per class of the semi-supervised paradigm, 1..1000.</summary>
    public int Shots
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1000);
    } = 2;

    /// <summary>Members of a recipe that replace the published ones, for all methods.</summary>
    public JsonObject? Settings { get; init; }

    /// <summary>The same for one kind of prompt, after <see cref="Settings"/>.</summary>
    public IReadOnlyDictionary<string, JsonObject>? PromptSettings { get; init; }

    /// <summary>Reads a file and checks it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    /// <exception cref="InvalidDataException">It is no such file; the message names what is wrong.</exception>
    public static ExperimentFile Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: the experiment file does not exist.", path);
        }

        var home = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            var file = OptionsJson.Read<ExperimentFile>(File.ReadAllText(path));
            if (
                file.DataSets.Count == 0
                || file.Methods.Count == 0
                || file.Seeds.Count == 0
                || file.Paradigms.Count == 0
                || file.Prompts.Count == 0
            )
            {
                throw new FormatException("dataSets, methods, paradigms, prompts and seeds need one or more entries each.");
            }

            foreach (var paradigm in file.Paradigms)
            {
                ParadigmOf(paradigm);
            }

            foreach (var prompt in file.Prompts.Concat(file.PromptSettings?.Keys ?? []))
            {
                PromptOf(prompt);
            }

            _ = file.Variants;
            return file with
            {
                Home = home,
                Clip = Path.Combine(home, file.Clip),
                Output = Path.Combine(home, file.Output),
                Cache = Path.Combine(home, file.Cache ?? Path.Combine(file.Output, "runs")),
                DataSets = [.. file.DataSets.Select(d => d.Under(home))],
            };
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Where the file lies.</summary>
    [JsonIgnore]
    internal string Home { get; init; } = "";

    /// <summary>The folder of a variant's synthetic images for a data set; null for none.</summary>
    internal string? SyntheticOf(ExperimentVariant variant, ExperimentDataSet set) =>
        variant.Synthetic is { } own
            ? Path.Combine(Home, own.Replace("{}", set.Name.ToLowerInvariant(), StringComparison.Ordinal))
            : set.Synthetic;

    /// <summary>The methods with their names and settings, in the order of the file.</summary>
    internal IReadOnlyList<ExperimentVariant> Variants => [.. Methods.Select(VariantOf)];

    internal static Paradigm ParadigmOf(string name) =>
        name switch
        {
            "ul" => Paradigm.Unsupervised,
            "ssl" => Paradigm.SemiSupervised,
            "trzsl" => Paradigm.Transductive,
            _ => throw new FormatException($"paradigms: '{name}'; expected ul, ssl or trzsl."),
        };

    internal static PromptKind PromptOf(string name) =>
        name switch
        {
            "text" => PromptKind.Text,
            "visual" => PromptKind.Visual,
            "visual-deep" => PromptKind.VisualDeep,
            _ => throw new FormatException($"prompts: '{name}'; expected text, visual or visual-deep."),
        };

    private static ExperimentVariant VariantOf(JsonElement element)
    {
        var variant =
            element.ValueKind == JsonValueKind.String
                ? new() { Method = element.GetString()! }
                : OptionsJson.Read<ExperimentVariant>(element.GetRawText());
        string[] known = [.. Recipe.All.Where(r => !r.Supervised).Select(r => r.Name)];
        return known.Contains(variant.Method)
            ? variant
            : throw new FormatException($"methods: '{variant.Method}'; expected one of {string.Join(", ", known)}.");
    }
}

/// <summary>A method of an experiment.</summary>
internal sealed record ExperimentVariant
{
    /// <summary>Name of a published method.</summary>
    public required string Method { get; init; }

    /// <summary>What to call it in the results; null: the method's name.</summary>
    public string? Name { get; init; }

    /// <summary>Members of a recipe that replace all others.</summary>
    public JsonObject? Settings { get; init; }

    /// <summary>
    /// Where this variant's synthetic images are, if elsewhere than the data set's; relative to the file, <c>{}</c> being the data set's
    /// name in lower case.
    /// </summary>
    public string? Synthetic { get; init; }

    internal string Title => Name ?? Method;
}

/// <summary>A data set of an experiment: a published one, folders, or a CSV file.</summary>
internal sealed record ExperimentDataSet
{
    /// <summary>
    /// What to call it; for a published data set its name, which also gives templates, quantiles and the paper's figures.
    /// </summary>
    public required string Name
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Folder of a published data set, or of parts and classes.</summary>
    public string? Folder { get; init; }

    /// <summary>CSV file of path, label and split.</summary>
    public string? Csv { get; init; }

    /// <summary>EuroSAT's pool.</summary>
    public TrainingPool Pool { get; init; } = TrainingPool.Strict;

    /// <summary>At most so many images of the pool, drawn from seed 0; null for all.</summary>
    public int? MostTrain
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, int.MaxValue) : null;
    }

    /// <summary>At most so many test images, drawn from seed 0; null for all.</summary>
    public int? MostTest
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, int.MaxValue) : null;
    }

    /// <summary>Folder of synthetic images with a sub-folder per class; null for none.</summary>
    public string? Synthetic { get; init; }

    /// <summary>Photos in the place of synthetic images; null for none.</summary>
    public SyntheticStandIn? SyntheticFrom { get; init; }

    /// <summary>At most so many synthetic images per class, in the order of their names; null for all.</summary>
    public int? MostSynthetic
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, int.MaxValue) : null;
    }

    /// <summary>Zero-shot templates; null: those of GRIP and CPL for a published data set, otherwise "a photo of a {}.".</summary>
    public IReadOnlyList<string>? Templates { get; init; }

    /// <summary>Seed of the split into seen and unseen classes: 500, 0 and 200 are the published ones.</summary>
    public int SplitSeed
    {
        get;
        init => field = OptionCheck.Range(value, 0, int.MaxValue);
    } = 500;

    /// <summary>File with the seen classes instead; see <see cref="ClassSplit.Load"/>.</summary>
    public string? SplitFile { get; init; }

    internal ExperimentDataSet Under(string home)
    {
        if (Folder is null == Csv is null)
        {
            throw new FormatException($"dataSets: '{Name}' needs either folder or csv.");
        }
        if (Synthetic is not null && SyntheticFrom is not null)
        {
            throw new FormatException($"dataSets: '{Name}' has both synthetic and syntheticFrom; expected one of them.");
        }

        return this with
        {
            Folder = Full(Folder),
            Csv = Full(Csv),
            Synthetic = Full(Synthetic),
            SyntheticFrom = SyntheticFrom is { } photos ? photos with { Csv = Full(photos.Csv) } : null,
            SplitFile = Full(SplitFile),
        };

        string? Full(string? path) => path is null ? null : Path.Combine(home, path);
    }
}
