using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AirMLNet.Files;

namespace AirMLNet.Data;

/// <summary>Reads and checks lists of class names.</summary>
public static partial class ClassNames
{
    /// <summary>
    /// Reads one name a line, in UTF-8 or with a byte order mark; white space around names and empty lines at the end are dropped, and
    /// names are brought into one Unicode form (NFC).
    /// </summary>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">Fewer than two names, an empty one, one twice, another encoding, or more than names, such as
    /// numbers, quotation marks or comments; the message names the line.</exception>
    public static IReadOnlyList<string> Load(string file)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        if (Directory.Exists(file))
        {
            throw new FileNotFoundException($"{file} is a folder; a file with one class name a line was expected.", file);
        }
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"{file}: the file of class names does not exist.", file);
        }

        // One form for what looks the same: names of folders, which some systems write in another, are compared with these.
        string[] names = [.. TextFile.Lines(TextFile.ReadAll(file).TrimEnd()).Select(line => UnicodeForms.Compose(line.Trim()))];
        return (Fault(names, "line") ?? FormFault(names)) is { } fault ? throw new InvalidDataException($"{file}: {fault}") : names;
    }

    /// <summary>What shows that a file is no list of names alone: they would be asked for with all that stands around them.</summary>
    private static string? FormFault(string[] names)
    {
        for (var i = 0; i < names.Length; i++)
        {
            if (names[i].FirstOrDefault(IsNoPartOfAName) is var odd && odd != default)
            {
                return $"line {i + 1} holds the character U+{(int)odd:X4}, which is no part of a name; expected one name a line.";
            }
            if (names[i].StartsWith("# ", StringComparison.Ordinal) || names[i].StartsWith("//", StringComparison.Ordinal))
            {
                return $"line {i + 1} is '{names[i]}'; comments are no names, take them out.";
            }
        }

        var form =
            names[0] == "[" ? "JSON"
            : names.All(n => Listed().IsMatch(n)) ? "a list with a mark before each name"
            : names.All(n => n.Length > 2 && n[0] == n[^1] && n[0] is '"' or '\'') ? "names in quotation marks"
            : names[..^1].All(n => n[^1] is ',' or ';') ? "names with a comma after each"
            : names.Select((n, i) => (Match: Numbered().Match(n), i)).All(n => n.Match.Success && IsNumber(n.Match, n.i)) ? "numbered names"
            : null;
        return form is null ? null : $"line 1 is '{names[0]}': the file holds {form}; expected the names alone, one a line.";

        bool IsNumber(Match match, int place) =>
            int.TryParse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number - place is 0 or 1;
    }

    // Tabs separate columns; a zero-width space, soft hyphen or change of direction comes with what is copied from pages, unseen.
    private static bool IsNoPartOfAName(char c) =>
        char.IsControl(c) || c is '\u00ad' or '\u200b' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    [GeneratedRegex(@"\A[-*•]\s+\S", RegexOptions.CultureInvariant)]
    private static partial Regex Listed();

    // Not "0 - zero", as torchvision calls the classes of MNIST.
    [GeneratedRegex(@"\A(?<number>\d+)\s*[.):;,]\s*\S", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Numbered();

    /// <summary>Checks for at least two names, none of them empty and none twice, ignoring case.</summary>
    /// <param name="names">The names.</param>
    /// <param name="source">Where they come from, for the message: an option, a column.</param>
    /// <exception cref="ArgumentException">The list breaks a rule; the message says which name.</exception>
    public static void Check(IReadOnlyList<string> names, string source)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (Fault(names, "name") is { } fault)
        {
            throw new ArgumentException($"{source}: {fault}", nameof(names));
        }
    }

    private static string? Fault(IReadOnlyList<string> names, string unit)
    {
        var seen = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < names.Count; i++)
        {
            if (!names[i].EnumerateRunes().Any(IsVisible))
            {
                return names.Count == 1
                    ? "no class names; at least two were expected."
                    : $"{unit} {i + 1} is empty; a class name was expected.";
            }

            var name = UnicodeForms.Compose(names[i].Trim());
            if (!seen.TryAdd(name, i))
            {
                return $"{unit} {i + 1}: the class '{names[i]}' is already {unit} {seen[name] + 1}.";
            }
        }

        return names.Count < 2 ? $"{names.Count} class name{(names.Count == 1 ? "" : "s")}; at least two were expected." : null;
    }

    // A zero-width space, as pages of the web leave them, is no name.
    private static bool IsVisible(Rune rune) =>
        !Rune.IsWhiteSpace(rune) && !Rune.IsControl(rune) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.Format;
}
