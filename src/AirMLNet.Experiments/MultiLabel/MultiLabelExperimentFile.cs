using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.MultiLabel;
using AirMLNet.Options;
using AirMLNet.Recipes;
using AirMLNet.Synthesis;

namespace AirMLNet.Experiments;

/// <summary>A data set of a multi-label experiment: where its images and captions are.</summary>
internal sealed record MultiLabelExperimentSet
{
    /// <summary>
    /// VOC2007, COCO2014 or NUS-WIDE; a published set of one label per image; or any other name, with <see cref="Csv"/>.
    /// </summary>
    public required string Name
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Folder of a published data set.</summary>
    public string Folder { get; init; } = "";

    /// <summary>A list "path,split,labels" in the place of a published data set; null for none.</summary>
    public string? Csv { get; init; }

    /// <summary>File of captions. COCO's of 2014 hold no caption of a test image; those of 2017 hold 35,504 of them.</summary>
    public required string Captions
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>
    /// The library's table of nouns; null where <see cref="NounFile"/> has them, or for a set of one label per image, whose class names
    /// then are the nouns.
    /// </summary>
    public NounSet? Nouns { get; init; }

    /// <summary>A table of nouns in a file; null for the library's.</summary>
    public string? NounFile { get; init; }

    /// <summary>Words of a caption that are read; null for all.</summary>
    public int? MaxWords { get; init; }

    /// <summary>Captions of each class at most; null for all.</summary>
    public int? MaxPerClass { get; init; }

    /// <summary>κ on test images; null for the recipe's.</summary>
    public double? TestKappa { get; init; }

    /// <summary>
    /// Classes that the labels of training images say nothing about and that alone are scored, as COCO's 16 of LaSO; null for none.
    /// </summary>
    public IReadOnlyList<string>? NovelClasses { get; init; }

    /// <summary>Published figures in per cent, by the method's name.</summary>
    public IReadOnlyDictionary<string, double> Published { get; init; } = new Dictionary<string, double>();

    /// <summary>Whether it is a published set of one label per image.</summary>
    internal bool IsOfOneLabel => Csv is null && DataSets.Names.Contains(Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the images are there.</summary>
    public bool IsThere => Csv is null ? Directory.Exists(Folder) : File.Exists(Csv);

    /// <summary>Opens it.</summary>
    public MultiLabelDataSet Open()
    {
        var names = NounOptions().Table().ClassNames;
        return Csv is null ? MultiLabelDataSets.Open(Name, Folder, names) : MultiLabelDataSets.OpenCsv(Name, Csv, names);
    }

    /// <summary>The filter of captions.</summary>
    public NounFilterOptions NounOptions() =>
        new()
        {
            Nouns = Nouns,
            NounFile = NounFile,
            ClassNames = IsOfOneLabel && Nouns is null && NounFile is null ? MultiLabelDataSets.Open(Name, Folder).ClassNames : null,
            MaxWords = MaxWords ?? int.MaxValue,
            MaxPerClass = MaxPerClass,
        };
}

/// <summary>A method of a multi-label experiment.</summary>
internal sealed record MultiLabelExperimentMethod
{
    /// <summary>Its name in the table; null for the method's.</summary>
    public string? Name { get; init; }

    /// <summary>A recipe.</summary>
    public required string Method
    {
        get;
        init => field = MultiLabelRecipe.Named(value).Name;
    }

    /// <summary>Members of <see cref="MultiLabelPromptAdapterOptions"/> that replace the recipe's.</summary>
    public JsonObject? Settings { get; init; }

    /// <summary>Members of <see cref="DiffusionSynthesisOptions"/> that replace the file's.</summary>
    public JsonObject? Synthesis { get; init; }

    /// <summary>Images per caption; null for the file's.</summary>
    public int? ImagesPerCaption { get; init; }

    /// <summary>
    /// A stand-in for a generator of known quality: each caption has its own image, which the file of captions names, and this share of
    /// captions the image of another; null generates images. 0..1.
    /// </summary>
    public double? WrongImages
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 0, 1);
    }

    /// <summary>The probability that a training label is known; null for all.</summary>
    public double? KnownLabels { get; init; }

    /// <summary>Labelled images of each class; null for all.</summary>
    public int? Shots { get; init; }

    /// <summary>Another method of the file whose scores are fused in, by its title.</summary>
    public string? EnsembleWith { get; init; }

    /// <summary>The share of the other in the ensemble, 0..1.</summary>
    public double EnsembleShare
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.6;

    public string Title => Name ?? Method;
}

/// <summary>What a multi-label experiment is judged by.</summary>
internal enum MultiLabelMeasure
{
    /// <summary>The mean of the classes' average precisions.</summary>
    Map,

    /// <summary>The share of images whose highest score is of a class that they show: accuracy, where each has one label.</summary>
    Top1,
}

/// <summary>One multi-label experiment: every method on every data set from every seed. Paths are relative to the file's folders.</summary>
internal sealed record MultiLabelExperimentFile
{
    /// <summary>What tells such a file from others.</summary>
    public const string Kind = "multi-label";

    /// <summary>Always <see cref="Kind"/>.</summary>
    public required string Experiment
    {
        get;
        init =>
            field = value == Kind ? value : throw new ArgumentException($"experiment is '{value}'; expected '{Kind}'.", nameof(Experiment));
    }

    /// <summary>Title of the results.</summary>
    public required string Name
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>A line or two about it.</summary>
    public string Description { get; init; } = "";

    /// <summary>Folder that the data sets' paths are relative to.</summary>
    public string Data { get; init; } = "";

    /// <summary>Folder that the models' paths are relative to.</summary>
    public string Models { get; init; } = "";

    /// <summary>Folder of the CLIP model.</summary>
    public required string Clip { get; init; }

    /// <summary>Folder of the diffusion model.</summary>
    public string? Diffusion { get; init; }

    /// <summary>Members of <see cref="DiffusionSynthesisOptions"/> that replace the defaults.</summary>
    public JsonObject? Synthesis { get; init; }

    /// <summary>
    /// Members of <see cref="MultiLabelPromptAdapterOptions"/> that replace every recipe's; a method's own replace these.
    /// </summary>
    public JsonObject? Settings { get; init; }

    /// <summary>Images per caption, 1..1000.</summary>
    public int ImagesPerCaption
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1000);
    } = 1;

    /// <summary>What the table shows; runs have both.</summary>
    public MultiLabelMeasure Measure
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Measures how near the learned class vectors are to captions and to test images (T2I-PAL, Table VI).</summary>
    public bool ModalityGap { get; init; }

    /// <summary>Folder for results.</summary>
    public required string Output { get; init; }

    /// <summary>Folder for runs, images and features, which several files may share; null for the output's.</summary>
    public string? Cache { get; init; }

    public required IReadOnlyList<MultiLabelExperimentSet> DataSets
    {
        get;
        init => field = OptionCheck.NoNulls(value);
    }

    public required IReadOnlyList<MultiLabelExperimentMethod> Methods
    {
        get;
        init => field = OptionCheck.NoNulls(value);
    }

    /// <summary>Seeds, each of them a run.</summary>
    public IReadOnlyList<int> Seeds
    {
        get;
        init => field = OptionCheck.Once(value);
    } = [1, 2, 3];

    /// <summary>Whether a file is one of these.</summary>
    public static bool Is(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(
                TextFile.ReadAll(path),
                new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }
            );
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("experiment", out _);
        }
        catch (Exception e) when (e is JsonException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return false; // the other reader says what is wrong
        }
    }

    /// <summary>Reads a file and checks it, down to every method's settings.</summary>
    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    /// <exception cref="InvalidDataException">It is no such file; the message names what is wrong.</exception>
    public static MultiLabelExperimentFile Load(string path, ExperimentChanges? changes = null)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: the experiment file does not exist.", path);
        }
        var home = Path.GetDirectoryName(Path.GetFullPath(path))!;
        changes ??= new();
        try
        {
            var file = OptionsJson.Read<MultiLabelExperimentFile>(changes.Apply(TextFile.ReadAll(path)));
            if (file.DataSets.Count == 0 || file.Methods.Count == 0 || file.Seeds.Count == 0)
            {
                throw new FormatException("dataSets, methods and seeds need one or more entries each.");
            }
            if (file.Methods.GroupBy(m => m.Title).FirstOrDefault(g => g.Count() > 1) is { } twice)
            {
                throw new FormatException($"methods: '{twice.Key}' is there twice; expected names that tell them apart.");
            }
            foreach (var method in file.Methods)
            {
                foreach (var set in file.DataSets)
                {
                    _ = file.RecipeOf(method, set);
                }
                _ = file.SynthesisOf(method, ExperimentSynthesis.Standard);
                if (method.EnsembleWith is { } other && file.Methods.All(m => m.Title != other || m.EnsembleWith is not null))
                {
                    throw new FormatException($"methods: '{method.Title}' is an ensemble with '{other}', which is no method of the file.");
                }
            }
            foreach (var set in file.DataSets)
            {
                if (set.Nouns is not null && set.NounFile is not null || (set.Nouns is null && set.NounFile is null && !set.IsOfOneLabel))
                {
                    throw new FormatException($"dataSets: '{set.Name}' needs nouns or nounFile.");
                }
                if (set.Csv is null && !MultiLabelDataSets.Names.Contains(set.Name, StringComparer.OrdinalIgnoreCase))
                {
                    throw new FormatException(
                        $"dataSets: '{set.Name}'; expected one of {string.Join(", ", MultiLabelDataSets.Names)}, or csv."
                    );
                }
            }
            string data = changes.Data ?? Path.Combine(home, file.Data),
                models = changes.Models ?? Path.Combine(home, file.Models);
            return file with
            {
                Clip = Path.Combine(models, file.Clip),
                Diffusion = file.Diffusion is { } d ? Path.Combine(models, d) : null,
                Output = Path.Combine(home, file.Output),
                Cache = Path.Combine(home, file.Cache ?? file.Output),
                DataSets =
                [
                    .. file.DataSets.Select(s =>
                        s with
                        {
                            Folder = Path.Combine(data, s.Folder),
                            Csv = s.Csv is { } csv ? Path.Combine(data, csv) : null,
                            NounFile = s.NounFile is { } nouns ? Path.Combine(data, nouns) : null,
                            Captions = Path.Combine(data, s.Captions),
                        }
                    ),
                ],
            };
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>How a method's images are made, where the file and the method say otherwise than the standard.</summary>
    /// <exception cref="FormatException">A member or a value is not accepted.</exception>
    internal DiffusionSynthesisOptions SynthesisOf(MultiLabelExperimentMethod method, DiffusionSynthesisOptions standard)
    {
        standard = Synthesis is { } all ? OptionMembers.With(standard, all) : standard;
        return method.Synthesis is { } own ? OptionMembers.With(standard, own) : standard;
    }

    /// <summary>The recipe of a method on a data set, settings applied.</summary>
    internal MultiLabelRecipe RecipeOf(MultiLabelExperimentMethod method, MultiLabelExperimentSet set)
    {
        var recipe = MultiLabelRecipe.Named(method.Method);
        var settings = recipe.Settings with { TestKappa = set.TestKappa ?? recipe.Settings.TestKappa };
        settings = Settings is { } all ? OptionMembers.With(settings, all) : settings;
        // Images that are there need not be generated, and do not bring labels: those are still the captions'.
        var images =
            method.WrongImages is null ? recipe.Images
            : recipe.Images == RecipeImages.Synthetic ? RecipeImages.None
            : throw new FormatException($"methods: '{method.Title}' generates no images that wrongImages could stand in for.");
        return recipe with
        {
            Images = images,
            Settings = (method.Settings is { } own ? OptionMembers.With(settings, own) : settings).Check(),
        };
    }
}
