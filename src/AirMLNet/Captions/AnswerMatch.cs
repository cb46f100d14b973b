using AirMLNet.Clip;

namespace AirMLNet.Captions;

/// <summary>
/// Which class a language model's answer names (<c>docs/methods.md</c> §5.5): the one whose name it is, case, punctuation and a leading
/// article aside. The paper does not say its rule.
/// </summary>
internal sealed class AnswerMatch
{
    private readonly Dictionary<string, int> _classes = new(StringComparer.Ordinal);

    public AnswerMatch(IReadOnlyList<string> classNames)
    {
        for (var c = 0; c < classNames.Count; c++)
        {
            _classes.TryAdd(Plain(ClassPrompt.Spoken(classNames[c])), c);
        }
    }

    /// <summary>LatteCLIP's question.</summary>
    public static string Question(IReadOnlyList<string> classNames) =>
        "Select the most appropriate category for the image from the following "
        + $"options:{string.Join(", ", classNames.Select(ClassPrompt.Spoken))}. "
        + "Write only the category name.";

    /// <summary>The class of an answer; −1 where it is none.</summary>
    public int Of(string answer) => _classes.GetValueOrDefault(Plain(answer), -1);

    private static string Plain(string text)
    {
        var letters = string.Concat(text.Select(c => char.IsLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' '));
        var words = letters.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words is ["a" or "an" or "the", _, ..] ? words[1..] : words);
    }
}
