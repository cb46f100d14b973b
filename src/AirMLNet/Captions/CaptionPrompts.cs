using AirMLNet.Options;

namespace AirMLNet.Captions;

/// <summary>Whose wording of LatteCLIP's prompts; they differ in two words (<c>docs/methods.md</c> §5.2).</summary>
public enum CaptionWording
{
    /// <summary>"concisely, less than 20 words": the paper's Figure 2 and the published code.</summary>
    Code,

    /// <summary>"concisely, using less than 20 words" and "in fewer than 20 words": the paper's section 3.1.</summary>
    Paper,
}

/// <summary>LatteCLIP's questions to the language model.</summary>
internal static class CaptionPrompts
{
    // Name; data sets; the image's words, with {} for the class where the published code names it; the group's words.
    private static readonly (string Name, string[] DataSets, string Image, string? WithClass, string Group)[] Known =
    [
        ("object", ["Caltech101"], "object in the photo", null, "objects in all the photos"),
        ("texture", ["DTD"], "texture in the photo", null, "textures in all the photos"),
        ("land use", ["EuroSAT", "RESISC45"], "land use in the satellite image", null, "land use in all the satellite images"),
        ("aircraft", ["FGVCAircraft"], "aircraft in the photo", null, "aircrafts in all the photos"),
        ("flower", ["Flowers102"], "flower in the photo", "{} flower in the photo", "flowers in all the photos"),
        ("food", ["Food101"], "food in the photo", "{} food in the photo", "foods in all the photos"),
        ("pet", ["OxfordPets"], "pet in the photo", null, "pets in all the photos"),
        ("car", ["StanfordCars"], "car in the photo", null, "cars in all the photos"),
        ("scene", ["SUN397"], "scene in the photo", null, "scenes in all the photos"),
        ("action", ["UCF101"], "action of the person in the photo", null, "person's actions in all the photos"),
    ];

    /// <summary>The domains with words of their own.</summary>
    public static IReadOnlyList<string> Domains { get; } = [.. Known.Select(k => k.Name)];

    /// <summary>The domain of a data set or of its own name; "object" for one that is not known.</summary>
    /// <param name="name">A data set's or a domain's name; case, blanks, hyphens and underscores do not matter.</param>
    public static string DomainOf(string? name) => Find(name)?.Name ?? "object";

    /// <summary>The question about one image.</summary>
    /// <param name="domain">What the images show: one of <see cref="Domains"/>, a data set, or a noun of one's own.</param>
    /// <param name="wording">Whose wording.</param>
    /// <param name="nameClass">
    /// Names the image's zero-shot class (as <c>{}</c>) where the published code does: flowers and food.
    /// </param>
    public static string Image(string domain, CaptionWording wording = CaptionWording.Code, bool nameClass = true)
    {
        OptionCheck.NotBlank(domain);
        OptionCheck.Defined(wording);
        var known = Find(domain);
        var words = known is { } k
            ? nameClass && k.WithClass is { } withClass
                ? withClass
                : k.Image
            : domain + " in the photo";
        return $"Describe the {words} concisely, {(wording == CaptionWording.Paper ? "using " : "")}less than 20 words.";
    }

    /// <summary>The question about a group.</summary>
    /// <param name="domain">As for <see cref="Image"/>; an "s" makes the plural of a noun of one's own.</param>
    /// <param name="wording">Whose wording.</param>
    public static string Group(string domain, CaptionWording wording = CaptionWording.Code)
    {
        OptionCheck.NotBlank(domain);
        OptionCheck.Defined(wording);
        var words = Find(domain)?.Group ?? domain + "s in all the photos";
        return $"Describe the common visual attributes of the {words} concisely, {(wording == CaptionWording.Paper ? "in fewer" : "less")} "
            + "than 20 words.";
    }

    private static (string Name, string[] DataSets, string Image, string? WithClass, string Group)? Find(string? name)
    {
        var wanted = Plain(name ?? "");
        var found = Array.Find(Known, k => Plain(k.Name) == wanted || k.DataSets.Any(d => Plain(d) == wanted));
        return found.Name is null ? null : found;
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
}
