using System.Globalization;
using System.Text;
using AirMLNet.Files;

namespace AirMLNet.Data;

/// <summary>Reads and checks lists of class names.</summary>
public static class ClassNames
{
    /// <summary>
    /// Reads one name a line, in UTF-8 or with a byte order mark; white space around names and empty lines at the end are dropped, and
    /// names are brought into one Unicode form (NFC).
    /// </summary>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">Fewer than two names, an empty one, one twice, or another encoding; the message names the
    /// line.</exception>
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
        return Fault(names, "line") is { } fault ? throw new InvalidDataException($"{file}: {fault}") : names;
    }

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
