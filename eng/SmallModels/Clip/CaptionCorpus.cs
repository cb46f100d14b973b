using AirMLNet.Optimisation;

namespace AirMLNet.SmallModels;

/// <summary>
/// Captions for CIFAR-10 photos that behave like text found beside pictures on the web: mostly another word for the
/// thing (jet, sedan, kitten), often only what kind of thing it is (vehicle, animal), seldom the class's own name,
/// sometimes about something else. What the name means must be inferred, so zero-shot classification stays below what
/// the image features allow, and there is something to adapt.
/// </summary>
internal sealed class CaptionCorpus(
    double nameShare,
    double wrongShare,
    int seed,
    double ambiguousNameShare = 0,
    double kindShare = CaptionCorpus.KindShare,
    IReadOnlyCollection<int>? ambiguous = null
)
{
    /// <summary>Share of captions that say only what kind of thing it is.</summary>
    public const double KindShare = 0.20;

    /// <summary>Other words for each class.</summary>
    public static readonly IReadOnlyList<string[]> OtherWords =
    [
        ["jet", "plane", "aircraft", "airliner", "biplane"],
        ["car", "sedan", "coupe", "hatchback", "roadster"],
        ["sparrow", "ostrich", "finch", "robin", "parrot"],
        ["kitten", "kitty", "feline", "tabby", "tomcat"],
        ["stag", "elk", "fawn", "doe", "moose"],
        ["puppy", "hound", "terrier", "pup", "spaniel"],
        ["toad", "bullfrog", "amphibian", "tadpole", "treefrog"],
        ["pony", "mare", "stallion", "foal", "colt"],
        ["boat", "vessel", "ferry", "freighter", "yacht"],
        ["lorry", "pickup", "van", "hauler", "tipper"],
    ];

    // Which classes' names stand beside a photo of each class when names are ambiguous.
    private static readonly int[][] Similar =
    [
        [8, 2],
        [9, 8],
        [0, 6],
        [5, 6],
        [7, 5],
        [3, 7],
        [3, 2],
        [4, 5],
        [0, 1],
        [1, 0],
    ];

    /// <summary>Words for any of the animals.</summary>
    public static readonly IReadOnlyList<string> Animals = ["animal", "creature", "wildlife"];

    /// <summary>Words for any of the machines.</summary>
    public static readonly IReadOnlyList<string> Machines = ["vehicle", "transport", "machine"];

    private static readonly string[] Titles =
    [
        "a photo of a {}",
        "a photo of a {}.",
        "my {}",
        "the {} in the picture",
        "{} for sale",
        "a small {}",
        "picture of {} today",
        "look at this {}",
        "{}",
        "a blurry photo of the {}",
        "nice {} we saw on our trip",
        "one {} seen from the side",
        "stock image of a {}, free download",
        "a close up of a {}",
        "the {} is here",
        "an old {}",
        "{} 2009",
        "our {} again",
    ];

    private static readonly string[] Openings =
    [
        "uploaded to my album of last summer with the new camera",
        "from the archive of the local club",
        "taken in the early morning near the town where we live",
        "this is what we found when we came back home",
        "for more pictures like this one see the rest of the page",
        "dear friends, here is the one that you asked for",
    ];

    private static readonly string[] Endings =
    [
        ": a {}",
        ", the {} of the day",
        ", you can see the {} here",
        ", it is a {}.",
        ", a big {} in the middle",
        " - {}",
    ];

    /// <summary>A line of a few words, as a title beside the photo.</summary>
    public string Title(int photo, int label)
    {
        var random = Stream(photo, 0);
        return Pick(Titles, random).Replace("{}", Noun(label, random), StringComparison.Ordinal);
    }

    /// <summary>A longer line in which the thing comes late, so that the text tower learns to look at late positions too.</summary>
    public string Description(int photo, int label)
    {
        var random = Stream(photo, 1);
        var text = Pick(Openings, random) + Pick(Endings, random);
        return text.Replace("{}", Noun(label, random), StringComparison.Ordinal);
    }

    private string Noun(int label, Random random)
    {
        if (random.NextDouble() < wrongShare)
        {
            label = random.Next(Cifar10.ClassNames.Count);
        }

        var kind = random.NextDouble();
        return kind < nameShare ? Cifar10.ClassNames[IsAmbiguous(label, random) ? Similar[label][random.Next(2)] : label]
            : kind < nameShare + kindShare ? Pick(IsAnimal(label) ? Animals : Machines, random)
            : Pick(OtherWords[label], random);
    }

    // One number is drawn whatever the class, so that which names are ambiguous changes no other caption.
    private bool IsAmbiguous(int label, Random random) =>
        random.NextDouble() < ambiguousNameShare && (ambiguous is null || ambiguous.Contains(label));

    /// <summary>Whether a class is an animal.</summary>
    public static bool IsAnimal(int label) => label is >= 2 and <= 7;

    private static string Pick(IReadOnlyList<string> from, Random random) => from[random.Next(from.Count)];

    private Random Stream(int photo, int kind) => SeededRandom.Create(seed, 100 + kind, photo);
}
