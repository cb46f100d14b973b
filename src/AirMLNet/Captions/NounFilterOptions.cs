using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Captions;

/// <summary>Tables of nouns that come with the library.</summary>
public enum NounSet
{
    /// <summary>PASCAL VOC's 20 classes.</summary>
    Voc2007,

    /// <summary>MS-COCO's 80 classes.</summary>
    Coco2014,

    /// <summary>NUS-WIDE's 81 concepts.</summary>
    NusWide,
}

/// <summary>
/// Options of <see cref="NounFilterEstimator"/>. The classes come from exactly one of <see cref="Nouns"/>, <see cref="NounFile"/> and
/// <see cref="ClassNames"/>.
/// </summary>
public sealed record NounFilterOptions
{
    /// <summary>A table of the library.</summary>
    public NounSet? Nouns
    {
        get;
        init => field = value is { } set ? OptionCheck.Defined(set) : null;
    }

    /// <summary>A table of your own: in each line "class: noun, noun"; a line "!: phrase, phrase" has phrases that mean no class.</summary>
    public string? NounFile
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Class names that stand for themselves.</summary>
    public IReadOnlyList<string>? ClassNames
    {
        get;
        init => field = value is null ? null : OptionCheck.ClassNames(value);
    }

    /// <summary>Words of a caption that are read, 1 or more; TaI-DPT reads 77 of a localized narrative.</summary>
    public int MaxWords
    {
        get;
        init => field = OptionCheck.Range(value, 1, int.MaxValue);
    } = int.MaxValue;

    /// <summary>Drops rows whose caption names no class.</summary>
    public bool DropUnlabelled { get; init; } = true;

    /// <summary>
    /// Keeps this many rows of each class at most, the first ones, a row counting for its rarest label; null for all. TaI-DPT keeps 1,000
    /// of
    /// the localized narratives.
    /// </summary>
    public int? MaxPerClass
    {
        get;
        init => field = value is { } most ? OptionCheck.Range(most, 1, int.MaxValue) : null;
    }

    /// <summary>Checked before each row when rows are counted.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <exception cref="ArgumentException">None or several of the sources are set, or no caption can name one of the class
    /// names.</exception>
    internal NounTable Table()
    {
        var sources = new object?[] { Nouns, NounFile, ClassNames }.Count(source => source is not null);
        return sources != 1
                ? throw new ArgumentException(
                    $"{sources} of {nameof(Nouns)}, {nameof(NounFile)} and {nameof(ClassNames)} are set; expected one of them."
                )
            : ClassNames?.FirstOrDefault(name => NounLemma.Words(name).Count == 0) is { } wordless
                ? throw new ArgumentException(
                    $"{nameof(ClassNames)}: '{wordless}' has no letter or digit, so that no caption could name it; use {nameof(NounFile)}."
                )
            : Nouns is { } set ? NounTable.Of(set)
            : NounFile is { } file ? NounTable.Load(file)
            : NounTable.OfNames(ClassNames!);
    }
}
