using System.Globalization;
using System.Text;

namespace AirMLNet.Files;

/// <summary>
/// Unicode's canonical composition (NFC): one form for what is the same to a reader, such as é as one character or as e and an accent,
/// which is how macOS writes names of files. A table of ours, because .NET's own needs ICU, which small systems lack and programs may
/// switch off; it then does nothing, in silence. Safe for concurrent use.
/// </summary>
internal static class UnicodeForms
{
    private const int HangulBase = 0xac00,
        LeadBase = 0x1100,
        VowelBase = 0x1161,
        TailBase = 0x11a7,
        Leads = 19,
        Vowels = 21,
        Tails = 28;

    private static readonly Lazy<Tables> Data = new(Tables.Read);

    /// <summary>A text in NFC; the same object where it is already.</summary>
    /// <param name="text">Any text; halves of surrogate pairs stay as they are.</param>
    public static string Compose(string text)
    {
        // Below U+0300 nothing combines, and nothing composes with what follows.
        if (!text.AsSpan().ContainsAnyInRange('\u0300', '\uffff'))
        {
            return text;
        }
        var tables = Data.Value;
        List<int> points = [];
        for (var i = 0; i < text.Length; i++)
        {
            var pair = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            Decompose(pair ? char.ConvertToUtf32(text[i], text[i + 1]) : text[i], tables, points);
            i += pair ? 1 : 0;
        }
        Order(points, tables);
        Compose(points, tables);
        var result = new StringBuilder(text.Length);
        foreach (var point in points)
        {
            _ = point is >= 0xd800 and <= 0xdfff ? result.Append((char)point) : result.Append(char.ConvertFromUtf32(point));
        }
        var composed = result.ToString();
        return composed == text ? text : composed;
    }

    private static void Decompose(int point, Tables tables, List<int> to)
    {
        var hangul = point - HangulBase;
        if (hangul is >= 0 and < Leads * Vowels * Tails)
        {
            to.Add(LeadBase + (hangul / (Vowels * Tails)));
            to.Add(VowelBase + (hangul % (Vowels * Tails) / Tails));
            if (hangul % Tails is not 0 and var tail)
            {
                to.Add(TailBase + tail);
            }
        }
        else if (tables.Parts.TryGetValue(point, out var parts))
        {
            to.AddRange(parts);
        }
        else
        {
            to.Add(point);
        }
    }

    // Marks on one character are put in the order of their classes; those of one class stay in theirs.
    private static void Order(List<int> points, Tables tables)
    {
        for (var i = 1; i < points.Count; i++)
        {
            var own = tables.Class(points[i]);
            for (var j = i; own > 0 && j > 0 && tables.Class(points[j - 1]) > own; j--)
            {
                (points[j - 1], points[j]) = (points[j], points[j - 1]);
            }
        }
    }

    private static void Compose(List<int> points, Tables tables)
    {
        var starter = -1;
        var kept = 0;
        var last = 0; // class of what was kept after the starter
        for (var i = 0; i < points.Count; i++)
        {
            var own = tables.Class(points[i]);
            if (starter >= 0 && (kept - 1 == starter || last < own) && Pair(points[starter], points[i], tables) is { } composed)
            {
                points[starter] = composed;
                continue;
            }
            if (own == 0)
            {
                starter = kept;
            }
            last = own;
            points[kept++] = points[i];
        }
        points.RemoveRange(kept, points.Count - kept);
    }

    private static int? Pair(int first, int second, Tables tables)
    {
        var (lead, vowel, tail) = (first - LeadBase, second - VowelBase, second - TailBase);
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels)
        {
            return HangulBase + (((lead * Vowels) + vowel) * Tails);
        }
        var hangul = first - HangulBase;
        return hangul is >= 0 and < Leads * Vowels * Tails && hangul % Tails == 0 && tail is > 0 and < Tails ? first + tail
            : tables.Pairs.TryGetValue((first, second), out var composed) ? composed
            : null;
    }

    private sealed record Tables(Dictionary<int, int[]> Parts, Dictionary<(int, int), int> Pairs, Dictionary<int, int> Classes)
    {
        public int Class(int point) => Classes.GetValueOrDefault(point);

        public static Tables Read()
        {
            var tables = new Tables([], [], []);
            using var stream = typeof(UnicodeForms).Assembly.GetManifestResourceStream("AirMLNet.Files.UnicodeForms.txt")!;
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
            {
                if (line.StartsWith('#'))
                {
                    continue;
                }
                var words = line.Split(' ');
                int Hex(int i) => int.Parse(words[i], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                switch (words[0])
                {
                    case "c":
                        for (var point = Hex(1); point <= Hex(2); point++)
                        {
                            tables.Classes[point] = int.Parse(words[3], CultureInfo.InvariantCulture);
                        }
                        break;
                    case "d":
                        tables.Parts[Hex(1)] = [.. Enumerable.Range(2, words.Length - 2).Select(Hex)];
                        break;
                    default:
                        tables.Pairs[(Hex(2), Hex(3))] = Hex(1);
                        break;
                }
            }
            return tables;
        }
    }
}
