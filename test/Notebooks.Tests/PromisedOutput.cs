using System.Globalization;
using System.Text.RegularExpressions;

namespace Notebooks.Tests;

/// <summary>
/// Compares what a cell shows with what its notebook promises: the same words and as many pictures, and numbers that are near. Another
/// processor rounds differently, which trained models show; so a share may differ by six points, and another number by a tenth.
/// </summary>
internal static partial class PromisedOutput
{
    private const double Points = 6;
    private const double Part = 0.1;

    /// <summary>The first difference; null where there is none.</summary>
    public static string? Difference(IReadOnlyList<CellOutput> promised, IReadOnlyList<CellOutput> shown)
    {
        if (promised.Count != shown.Count)
        {
            return $"{promised.Count} outputs are promised, {shown.Count} were shown: {string.Join(" | ", shown.Select(Plain))}";
        }

        foreach (var (old, now) in promised.Zip(shown))
        {
            if ((old.Kind, old.MimeType) != (now.Kind, now.MimeType))
            {
                return $"{old.Kind} of {old.MimeType} is promised, {now.Kind} of {now.MimeType} was shown";
            }

            string[] before = Words(old),
                after = Words(now);
            var place = Enumerable.Range(0, Math.Max(before.Length, after.Length)).FirstOrDefault(i => !Near(before, after, i), -1);
            if (place >= 0)
            {
                return $"'{At(before, place)}' is promised, '{At(after, place)}' was shown, in\n{Plain(now)}\nfor\n{Plain(old)}";
            }
        }

        return null;
    }

    private static string At(string[] words, int place) => place < words.Length ? words[place] : "nothing";

    private static bool Near(string[] before, string[] after, int place)
    {
        if (place >= before.Length || place >= after.Length)
        {
            return false;
        }

        if (!Number(before[place], out var old) || !Number(after[place], out var now))
        {
            return before[place] == after[place];
        }

        var share = At(before, place + 1).StartsWith('%') || (before[place].Contains('.', StringComparison.Ordinal) && Math.Abs(old) <= 1);
        return Math.Abs(old - now)
            <= (share ? (Math.Abs(old) <= 1 && !At(before, place + 1).StartsWith('%') ? Points / 50 : Points) : Part * Math.Abs(old));
    }

    private static bool Number(string word, out double value) =>
        double.TryParse(word, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    private static string[] Words(CellOutput output) => Plain(output).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Text without tags and styles, pictures by their names.</summary>
    private static string Plain(CellOutput output) =>
        output.MimeType == "text/html"
            ? System.Net.WebUtility.HtmlDecode(Tag().Replace(Picture().Replace(Style().Replace(output.Text, ""), " [picture $1] "), " "))
            : output.Text;

    [GeneratedRegex("<img[^>]*?(?:alt=\"([^\"]*)\")?[^>]*>")]
    private static partial Regex Picture();

    [GeneratedRegex("<style>.*?</style>", RegexOptions.Singleline)]
    private static partial Regex Style();

    [GeneratedRegex("<[^>]+>")]
    private static partial Regex Tag();
}
