using AirMLNet.Data;
using AirMLNet.Options;

namespace AirMLNet.Experiments;

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

    /// <summary>
    /// Folder of a published data set, or of parts and classes; null for a published one in its usual place in the file's
    /// <see cref="ExperimentFile.Data"/>.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>CSV file of path, label and split.</summary>
    public string? Csv { get; init; }

    /// <summary>Takes these classes and their images alone; null for all. Images of no known class are then left out.</summary>
    public IReadOnlyList<string>? Classes
    {
        get;
        init => field = value is null ? null : OptionCheck.ClassNames(value);
    }

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
    public IReadOnlyList<string>? Templates
    {
        get;
        init => field = value is null ? null : OptionCheck.Templates(value);
    }

    /// <summary>Seed of the split into seen and unseen classes: 500, 0 and 200 are the published ones.</summary>
    public int SplitSeed
    {
        get;
        init => field = OptionCheck.Range(value, 0, int.MaxValue);
    } = 500;

    /// <summary>File with the seen classes instead; see <see cref="ClassSplit.Load"/>.</summary>
    public string? SplitFile { get; init; }

    /// <summary>
    /// What comes before a class name in the diffusion model's prompts; null: the published data set's words, otherwise "a photo of a".
    /// </summary>
    public string? Domain { get; init; }

    /// <summary>Whether it is one of the published data sets.</summary>
    internal bool IsPublished => Data.DataSets.Names.Contains(Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether its files are there; no list is read.</summary>
    internal bool IsThere =>
        Csv is { } csv ? File.Exists(csv)
        : IsPublished ? Data.DataSets.IsThere(Name, Folder!)
        : Directory.Exists(Folder);

    /// <summary>The data set with paths in full.</summary>
    /// <param name="home">The folder that they are relative to.</param>
    internal ExperimentDataSet Under(string home)
    {
        if (Folder is not null && Csv is not null)
        {
            throw new FormatException($"dataSets: '{Name}' has both folder and csv; expected one of them.");
        }
        if ((Folder ?? Csv) is null && !IsPublished)
        {
            throw new FormatException(
                $"dataSets: '{Name}' needs either folder or csv; without them it is one of {string.Join(", ", Data.DataSets.Names)}."
            );
        }
        if (Synthetic is not null && SyntheticFrom is not null)
        {
            throw new FormatException($"dataSets: '{Name}' has both synthetic and syntheticFrom; expected one of them.");
        }

        return this with
        {
            Folder = Full(Folder) ?? (Csv is null ? home : null),
            Csv = Full(Csv),
            Synthetic = Full(Synthetic),
            SyntheticFrom = SyntheticFrom is { } photos ? photos with { Csv = Full(photos.Csv) } : null,
            SplitFile = Full(SplitFile),
        };

        string? Full(string? path) => path is null ? null : Path.Combine(home, path);
    }
}
