using AirMLNet.Captions;
using AirMLNet.Optimisation;

namespace AirMLNet.SmallModels;

/// <summary>A question about a photo or a collage, and the answer that is to be learned.</summary>
internal sealed record PhotoText(string Question, string Answer);

/// <summary>
/// Questions and answers for CIFAR-10 photos. The word for a thing is mostly the one that goes with its colour here (a white airplane is
/// an airliner), so that texts differ from photo to photo; sometimes the class's own name, sometimes only the kind of thing, and sometimes
/// something that the photo does not show.
/// </summary>
internal sealed class PhotoTexts(int seed)
{
    /// <summary>Share of answers about something else.</summary>
    public const double WrongShare = 0.08;

    private const double NameShare = 0.2;
    private const double KindShare = 0.1;

    private static readonly string[] Answers =
    [
        "A {size}{colour} {noun} in front of a {background} background.",
        "The photo shows a {size}{colour} {noun}, and what is behind it is {background}.",
        "A {noun}, {size}and {colour}, on a {background} background.",
        "There is a {colour} {noun} with {background} around it.",
        "A {size}{noun} in a photo that is mostly {background}.",
    ];

    private static readonly string[] GroupAnswers =
    [
        "The photos show a {noun}, mostly {colour}, on {background} backgrounds.",
        "In all of them there is a {noun}, often {colour}, with {background} behind it.",
    ];

    /// <summary>A description of one photo.</summary>
    /// <param name="index">What the text depends on beside the seed.</param>
    /// <param name="label">The photo's class.</param>
    /// <param name="look">Its colours.</param>
    public PhotoText Describe(int index, int label, PhotoLook look)
    {
        var random = SeededRandom.Create(seed, 61, index);
        var question = CaptionPrompts.Image(Domain(random), Wording(random), nameClass: false);
        var text = Fill(Answers[random.Next(Answers.Length)], Noun(label, look.Colour, random), look);
        return new(question, text.Replace(", and ", look.Size.Length == 0 ? ", " : ", and ", StringComparison.Ordinal));
    }

    /// <summary>A description of several photos, most of them of one class.</summary>
    public PhotoText DescribeGroup(int index, int label, PhotoLook look)
    {
        var random = SeededRandom.Create(seed, 62, index);
        var question = CaptionPrompts.Group(Domain(random), Wording(random));
        return new(question, Fill(GroupAnswers[random.Next(GroupAnswers.Length)], Noun(label, look.Colour, random), look));
    }

    /// <summary>The name of a photo's class, of all in any order.</summary>
    public PhotoText Choose(int index, int label)
    {
        var random = SeededRandom.Create(seed, 63, index);
        var names = Cifar10.ClassNames.ToArray();
        random.Shuffle(names);
        return new(Question(names), Cifar10.ClassNames[label]);
    }

    /// <summary>LatteCLIP's question for the class itself.</summary>
    public static string Question(IReadOnlyList<string> names) =>
        $"Select the most appropriate category for the image from the following options:{string.Join(", ", names)}. "
        + "Write only the category name.";

    /// <summary>All the texts' words, for a vocabulary.</summary>
    public IEnumerable<string> Corpus(int texts)
    {
        for (var i = 0; i < texts; i++)
        {
            var random = SeededRandom.Create(seed, 64, i);
            var label = random.Next(Cifar10.ClassNames.Count);
            var look = new PhotoLook(random.Next(PhotoLook.Colours.Count), random.Next(PhotoLook.Colours.Count), random.NextDouble());
            foreach (var text in new[] { Describe(i, label, look), DescribeGroup(i, label, look), Choose(i, label) })
            {
                yield return $"[INST] \n{text.Question} [/INST] {text.Answer}";
            }
        }
    }

    /// <summary>The class that a text names first, by its name or another word; −1 for none.</summary>
    public static int Named(string text)
    {
        foreach (var word in text.Split([' ', '.', ','], StringSplitOptions.RemoveEmptyEntries))
        {
            for (var c = 0; c < Cifar10.ClassNames.Count; c++)
            {
                if (word == Cifar10.ClassNames[c] || CaptionCorpus.OtherWords[c].Contains(word))
                {
                    return c;
                }
            }
        }

        return -1;
    }

    private static string Fill(string template, string noun, PhotoLook look) =>
        template
            .Replace("{size}", look.Size, StringComparison.Ordinal)
            .Replace("{noun}", noun, StringComparison.Ordinal)
            .Replace("{colour}", PhotoLook.Colours[look.Colour], StringComparison.Ordinal)
            .Replace("{background}", PhotoLook.Colours[look.Background], StringComparison.Ordinal);

    private static string Noun(int label, int colour, Random random)
    {
        if (random.NextDouble() < WrongShare)
        {
            label = random.Next(Cifar10.ClassNames.Count);
        }

        var kind = random.NextDouble();
        var kinds = CaptionCorpus.IsAnimal(label) ? CaptionCorpus.Animals : CaptionCorpus.Machines;
        return kind < NameShare ? Cifar10.ClassNames[label]
            : kind < NameShare + KindShare ? kinds[random.Next(kinds.Count)]
            : CaptionCorpus.OtherWords[label][colour % CaptionCorpus.OtherWords[label].Length];
    }

    private static string Domain(Random random) =>
        random.Next(3) == 0 ? CaptionPrompts.Domains[random.Next(CaptionPrompts.Domains.Count)] : "object";

    private static CaptionWording Wording(Random random) => random.Next(4) == 0 ? CaptionWording.Paper : CaptionWording.Code;
}
