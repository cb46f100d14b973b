using AirMLNet.Files;

namespace AirMLNet.Captions;

/// <summary>Words of a caption as singular nouns: irregular plurals by a list, the others by the endings that WordNet's rules
/// remove.</summary>
internal static class NounLemma
{
    private static readonly Dictionary<string, string> Irregular = new(StringComparer.Ordinal)
    {
        ["men"] = "man",
        ["women"] = "woman",
        ["children"] = "child",
        ["mice"] = "mouse",
        ["geese"] = "goose",
        ["feet"] = "foot",
        ["teeth"] = "tooth",
        ["oxen"] = "ox",
        ["dice"] = "die",
        ["knives"] = "knife",
        ["wives"] = "wife",
        ["lives"] = "life",
        ["leaves"] = "leaf",
        ["loaves"] = "loaf",
        ["wolves"] = "wolf",
        ["calves"] = "calf",
        ["halves"] = "half",
        ["shelves"] = "shelf",
        ["scarves"] = "scarf",
        ["elves"] = "elf",
        ["thieves"] = "thief",
        ["hooves"] = "hoof",
        ["buses"] = "bus",
        ["busses"] = "bus",
        ["omnibuses"] = "omnibus",
        ["minibuses"] = "minibus",
        ["gases"] = "gas",
        ["lenses"] = "lens",
        ["cactuses"] = "cactus",
        ["cacti"] = "cactus",
        ["octopuses"] = "octopus",
        ["movies"] = "movie",
        ["cookies"] = "cookie",
        ["brownies"] = "brownie",
        ["ties"] = "tie",
        ["neckties"] = "necktie",
        ["bowties"] = "bowtie",
        ["pies"] = "pie",
        ["selfies"] = "selfie",
        ["hoodies"] = "hoodie",
        ["doggies"] = "doggie",
        ["birdies"] = "birdie",
        ["smoothies"] = "smoothie",
        ["veggies"] = "veggie",
        ["shoes"] = "shoe",
        ["canoes"] = "canoe",
        ["toes"] = "toe",
        ["hoes"] = "hoe",
        ["aches"] = "ache",
        ["headaches"] = "headache",
        ["avalanches"] = "avalanche",
        ["axes"] = "axe",
    };

    // Singular although they end in s.
    private static readonly HashSet<string> Singular = new([
        "bus",
        "omnibus",
        "minibus",
        "gas",
        "lens",
        "this",
        "his",
        "its",
        "is",
        "was",
        "has",
    ]);

    /// <summary>The words of a text, lower-case, each as a singular noun; hyphens and all else but letters and digits end a word.</summary>
    public static IReadOnlyList<string> Words(string text)
    {
        List<string> words = [];
        text = UnicodeForms.Compose(text); // a letter and an accent of its own would end the word
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            var inside = i < text.Length && char.IsLetterOrDigit(text[i]);
            if (inside && start < 0)
            {
                start = i;
            }
            else if (!inside && start >= 0)
            {
                words.Add(Of(text[start..i].ToLowerInvariant()));
                start = -1;
                if (
                    i + 1 < text.Length
                    && text[i] is '\'' or '\u2019'
                    && i + 1 < text.Length
                    && text[i + 1] is 's' or 'S'
                    && Ends(text, i + 2)
                )
                {
                    i++; // the s of "the dog's"
                }
            }
        }
        return words;
    }

    /// <summary>The singular of a lower-case word.</summary>
    public static string Of(string word) =>
        Irregular.TryGetValue(word, out var singular) ? singular
        : Singular.Contains(word) || word.Length < 4 || !word.EndsWith('s') ? Man(word)
        : word.EndsWith("ss", StringComparison.Ordinal)
        || word.EndsWith("us", StringComparison.Ordinal)
        || word.EndsWith("is", StringComparison.Ordinal)
            ? word == "skis" || word == "taxis" ? word[..^1]
                : word
        : word.EndsWith("ies", StringComparison.Ordinal) ? word[..^3] + "y"
        : word.EndsWith("sses", StringComparison.Ordinal)
        || word.EndsWith("xes", StringComparison.Ordinal)
        || word.EndsWith("ches", StringComparison.Ordinal)
        || word.EndsWith("shes", StringComparison.Ordinal)
        || word.EndsWith("oes", StringComparison.Ordinal)
        || word.EndsWith("zzes", StringComparison.Ordinal)
            ? word[..^2]
        : word[..^1];

    // "policemen", "fishermen"; not "specimen" and the like, of which there are few.
    private static string Man(string word) =>
        word.Length > 4
        && word.EndsWith("men", StringComparison.Ordinal)
        && word is not ("specimen" or "abdomen" or "omen" or "ramen" or "women")
            ? word[..^3] + "man"
            : word;

    private static bool Ends(string text, int at) => at >= text.Length || !char.IsLetterOrDigit(text[at]);
}
