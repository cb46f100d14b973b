using AirMLNet.Options;

namespace AirMLNet.Clip;

/// <summary>Prompt templates for zero-shot classification; <c>{}</c> stands for the class name (docs/methods.md §1.7).</summary>
public static class PromptTemplates
{
    /// <summary>One template: "a photo of a {}."</summary>
    public static IReadOnlyList<string> Single { get; } = new ValueList<string>([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>
    /// The seven templates that OpenAI found to serve ImageNet about as well as all eighty (Radford et al. 2021, published notebook).
    /// </summary>
    public static IReadOnlyList<string> Ensemble { get; } =
        new ValueList<string>([
            "itap of a {}.",
            "a bad photo of the {}.",
            "a origami {}.",
            "a photo of the large {}.",
            "a {} in a video game.",
            "art of the {}.",
            "a photo of the small {}.",
        ]);

    private const string Photo = "a photo of a {}.",
        Bare = "a photo of a {}";

    // Name; CoOp; LatteCLIP's code; GRIP, CPL and AiR.
    private static readonly (string Name, string? CoOp, string? Latte, string? Grip)[] Known =
    [
        ("OxfordPets", "a photo of a {}, a type of pet.", Photo, null),
        ("Flowers102", "a photo of a {}, a type of flower.", "a photo of a {}, a type of flower.", Bare),
        ("FGVCAircraft", "a photo of a {}, a type of aircraft.", "a photo of a {}, a type of aircraft.", Bare),
        ("DTD", "{} texture.", "{} texture.", Bare),
        ("EuroSAT", "a centered satellite photo of {}.", Photo, Bare),
        ("StanfordCars", Photo, Photo, null),
        ("SUN397", Photo, Photo, null),
        ("Caltech101", Photo, Photo, null),
        ("Food101", "a photo of {}, a type of food.", "a photo of a {}, a type of food.", null),
        ("UCF101", "a photo of a person doing {}.", "a photo of a person doing {}", null),
        ("RESISC45", null, null, Bare),
    ];

    /// <summary>The data sets that <see cref="For(string)"/> knows.</summary>
    public static IReadOnlyList<string> DataSets { get; } = [.. Known.Select(k => k.Name)];

    /// <summary>The template that the literature uses for a data set: CoOp's, where it has one.</summary>
    /// <param name="dataSet">A name of <see cref="DataSets"/>; case, blanks, hyphens and underscores do not matter.</param>
    /// <exception cref="ArgumentException">The data set is not known; the message lists those that are.</exception>
    public static IReadOnlyList<string> For(string dataSet) => For(dataSet, TemplateSource.CoOp);

    /// <param name="dataSet">A name of <see cref="DataSets"/>.</param>
    /// <param name="source">Whose template; where they have none for the data set, that of the first who has.</param>
    internal static IReadOnlyList<string> For(string dataSet, TemplateSource source)
    {
        ArgumentNullException.ThrowIfNull(dataSet);
        OptionCheck.Defined(source);
        var wanted = Plain(dataSet);
        var found = Array.Find(Known, k => Plain(k.Name) == wanted);
        if (found.Name is null)
        {
            throw new ArgumentException($"dataSet = '{dataSet}'; expected one of {string.Join(", ", DataSets)}.", nameof(dataSet));
        }

        var own = source switch
        {
            TemplateSource.CoOp => found.CoOp,
            TemplateSource.LatteClip => found.Latte,
            _ => found.Grip,
        };
        return new ValueList<string>([own ?? found.CoOp ?? found.Latte ?? found.Grip!]);
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
}

/// <summary>Whose template for a data set.</summary>
internal enum TemplateSource
{
    /// <summary>CoOp's zero-shot CLIP.</summary>
    CoOp,

    /// <summary>LatteCLIP's code.</summary>
    LatteClip,

    /// <summary>GRIP, CPL and AiR: no full stop.</summary>
    Grip,
}
