using AirMLNet.Optimisation;

namespace AirMLNet.SmallModels;

/// <summary>A text for a scene and one for one of its objects.</summary>
/// <param name="Scene">Names most of the objects.</param>
/// <param name="Words">The words that it names them by.</param>
/// <param name="Object">Names one object.</param>
/// <param name="Word">The word in it.</param>
internal sealed record SceneTexts(string Scene, IReadOnlyList<string> Words, string Object, string Word);

/// <summary>
/// Texts for scenes that behave like text found on the web: mostly another word for a thing, seldom its class's own name, which then may
/// stand beside a similar thing; sometimes about something else.
/// </summary>
/// <param name="nameShare">Share of words that are the class's own name.</param>
/// <param name="ambiguousShare">Share of those that stand beside a similar thing instead.</param>
/// <param name="wrongShare">Share of words for something that is not there.</param>
/// <param name="seed">Of all texts.</param>
internal sealed class SceneCaptions(double nameShare, double ambiguousShare, double wrongShare, int seed)
{
    // Words beside the names, and beside those that the captions of the data set use.
    private static readonly string[][] Others =
    [
        ["terrier", "spaniel"],
        ["tabby", "tomcat"],
        ["frankfurter", "sausage roll"],
        ["margherita", "flatbread"],
        ["plantain", "yellow fruit"],
        ["red fruit", "russet"],
        ["gateau", "torte"],
        ["sedan", "hatchback"],
        ["minibus", "shuttle"],
        ["cycle", "two-wheeler"],
        ["yacht", "dinghy"],
        ["jet", "airliner"],
        ["stallion", "mare"],
        ["ox", "heifer"],
        ["lamb", "ram"],
        ["tusker", "pachyderm"],
        ["brolly", "sunshade"],
        ["novel", "volume"],
        ["timepiece", "alarm"],
        ["stool", "armchair"],
    ];

    // What else a class's name may stand beside.
    private static readonly int[] Similar = [1, 0, 3, 6, 5, 4, 2, 8, 7, 7, 11, 10, 13, 14, 12, 13, 19, 18, 17, 16];

    private static readonly string[] Templates = ["a photo of a {}.", "a {}", "there is a {} here.", "one {} in the picture"];

    /// <summary>A word for a class that is not its name.</summary>
    public static string OtherWord(SceneClass c) =>
        c.Words.Length > 1 ? c.Words[1] : Others[MiniScenes.Classes.Index().First(p => p.Item == c).Index][0];

    /// <summary>The texts of a scene in a step.</summary>
    /// <param name="draw">A number that differs by step.</param>
    /// <param name="objects">Indices of the scene's classes.</param>
    public SceneTexts Of(int draw, int[] objects)
    {
        var random = SeededRandom.Create(seed, 40, draw);
        int[] order = [.. objects];
        random.Shuffle(order);
        List<string> words = [];
        string Word(int c)
        {
            words.Add(Draw(c, random));
            return words[^1];
        }
        var scene = MiniScenes.Caption(order, random, MiniScenes.LeftOut, Word);
        var one = words[random.Next(words.Count)];
        return new(scene, words, Templates[random.Next(Templates.Length)].Replace("{}", one, StringComparison.Ordinal), one);
    }

    private string Draw(int c, Random random)
    {
        if (random.NextDouble() < wrongShare)
        {
            c = random.Next(MiniScenes.Classes.Count);
        }
        if (random.NextDouble() < nameShare)
        {
            return MiniScenes.Classes[random.NextDouble() < ambiguousShare ? Similar[c] : c].Name;
        }
        string[] words = [.. MiniScenes.Classes[c].Words.Skip(1), .. Others[c]];
        return words[random.Next(words.Length)];
    }
}
