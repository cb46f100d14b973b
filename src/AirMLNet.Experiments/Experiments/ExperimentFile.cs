using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Recipes;

namespace AirMLNet.Experiments;

/// <summary>
/// One experiment file: every method under every paradigm, with every kind of prompt, on every data set, from every seed.
/// Paths are relative to the file, or to the folders of data sets and models that it names.
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

    /// <summary>Folder that the data sets' paths are relative to; null: the file's own.</summary>
    public string? Data { get; init; }

    /// <summary>Folder that the models' paths are relative to; null: the file's own.</summary>
    public string? Models { get; init; }

    /// <summary>Folder of the CLIP model.</summary>
    public required string Clip
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>
    /// Folder of the diffusion model that makes the synthetic images of data sets that have none; null where all have some, or none are
    /// needed.
    /// </summary>
    public string? Diffusion { get; init; }

    /// <summary>Members of <see cref="Synthesis.DiffusionSynthesisOptions"/> that replace the defaults of docs/methods.md §4.2.</summary>
    public JsonObject? Synthesis { get; init; }

    /// <summary>Who writes the texts of methods that need some; null where none does.</summary>
    public ExperimentCaptions? Captions { get; init; }

    /// <summary>Whose templates a published data set has, and whose figures stand beside the results.</summary>
    public TemplateSource Paper
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = TemplateSource.Grip;

    /// <summary>Folder for results.</summary>
    public required string Output
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Folder of finished runs, which experiments may share; null: <c>runs</c> in <see cref="Output"/>.</summary>
    public string? Cache { get; init; }

    /// <summary>One or more data sets.</summary>
    public required IReadOnlyList<ExperimentDataSet> DataSets
    {
        get;
        init => field = OptionCheck.NoNulls(value);
    }

    /// <summary>Names of published methods, or objects with a method and settings of one's own.</summary>
    public required IReadOnlyList<JsonElement> Methods { get; init; }

    /// <summary>Any of <c>ul</c>, <c>ssl</c>, <c>trzsl</c>.</summary>
    public IReadOnlyList<string> Paradigms
    {
        get;
        init => field = OptionCheck.Once(value);
    } = ["ul"];

    /// <summary>Any of <c>text</c>, <c>visual</c>, <c>visual-deep</c>.</summary>
    public IReadOnlyList<string> Prompts
    {
        get;
        init => field = OptionCheck.Once(value);
    } = ["text"];

    /// <summary>Seeds, each of them a run.</summary>
    public IReadOnlyList<int> Seeds
    {
        get;
        init => field = OptionCheck.Once(value);
    } = [1, 2, 3];

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

    /// <summary>Members of a recipe that replace even the variants' own, for all methods: for a trial of the whole file in small.</summary>
    public JsonObject? Overrides { get; init; }

    /// <summary>Scores every learned prompt on the other data sets of the file too, with their class names.</summary>
    public bool Transfer { get; init; }

    /// <summary>Shows the labels of every round in the results: how many are right, in all and of each class.</summary>
    public bool Rounds { get; init; }

    /// <summary>
    /// Fits a linear probe with all labels of the pool, and shows what share of the way from zero-shot to it each method goes without
    /// labels.
    /// </summary>
    public bool Probe { get; init; }

    /// <summary>Reads a file and checks it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="changes">What the command line says otherwise; null for nothing.</param>
    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    /// <exception cref="InvalidDataException">It is no such file; the message names what is wrong.</exception>
    public static ExperimentFile Load(string path, ExperimentChanges? changes = null)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"{path}: {(Directory.Exists(path) ? "a folder, not an experiment file" : "the experiment file does not exist")}.",
                path
            );
        }

        var home = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            changes ??= new();
            var file = OptionsJson.Read<ExperimentFile>(changes.Apply(TextFile.ReadAll(path)));
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

            if (file.DataSets.GroupBy(d => d.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            {
                throw new FormatException($"dataSets: '{twice.Key}' is there twice; expected names that tell them apart.");
            }

            foreach (var paradigm in file.Paradigms)
            {
                ParadigmOf(paradigm);
            }

            foreach (var prompt in file.Prompts.Concat(file.PromptSettings?.Keys ?? []))
            {
                PromptOf(prompt);
            }

            string data = changes.Data ?? Path.Combine(home, file.Data ?? ""),
                models = changes.Models ?? Path.Combine(home, file.Models ?? "");
            file = file with
            {
                FileName = path,
                Data = data,
                Models = models,
                Clip = Path.Combine(models, file.Clip),
                Diffusion = file.Diffusion is { } diffusion ? Path.Combine(models, diffusion) : null,
                Output = Path.Combine(home, file.Output),
                Cache = Path.Combine(home, file.Cache ?? Path.Combine(file.Output, "runs")),
                DataSets = [.. file.DataSets.Select(d => d.Under(data))],
            };
            file = file with { Variants = [.. file.Methods.Select(VariantOf)] };
            ExperimentChecks.Of(file);
            return file;
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>What is wrong with the file, in words that begin with its name.</summary>
    internal InvalidDataException Bad(string message) => new($"{FileName}: {message}");

    /// <summary>The folder of a variant's synthetic images for a data set; null for none.</summary>
    internal string? SyntheticOf(ExperimentVariant variant, ExperimentDataSet set) =>
        variant.Synthetic is { } own
            ? Path.Combine(Data!, own.Replace("{}", set.Name.ToLowerInvariant(), StringComparison.Ordinal))
            : set.Synthetic;

    /// <summary>The file as it was named, for messages.</summary>
    [JsonIgnore]
    internal string FileName { get; private init; } = "";

    /// <summary>The methods with their names and settings, in the order of the file.</summary>
    [JsonIgnore]
    internal IReadOnlyList<ExperimentVariant> Variants { get; private init; } = [];

    /// <summary>The diffusion model of a variant; null for none.</summary>
    internal string? DiffusionOf(ExperimentVariant variant) => variant.Diffusion is { } own ? Path.Combine(Models!, own) : Diffusion;

    /// <summary>The runs of a data set, in their order.</summary>
    internal IEnumerable<ExperimentCell> Cells =>
        from prompt in Prompts
        from variant in Variants
        from paradigm in Paradigms
        where variant.Fits(paradigm, prompt)
        from seed in Seeds
        select new ExperimentCell(variant, paradigm, prompt, seed);

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
        string[] known = [.. Recipe.Names];
        return known.Contains(variant.Method)
            ? variant
            : throw new FormatException($"methods: '{variant.Method}'; expected one of {string.Join(", ", known)}.");
    }
}

/// <summary>One cell of the grid and one seed, whatever the data set.</summary>
/// <param name="Variant">The method.</param>
/// <param name="Paradigm">ul, ssl or trzsl.</param>
/// <param name="Prompt">text, visual or visual-deep.</param>
/// <param name="Seed">The seed.</param>
internal sealed record ExperimentCell(ExperimentVariant Variant, string Paradigm, string Prompt, int Seed);
