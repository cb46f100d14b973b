using System.Reflection;
using AirMLNet.Files;

namespace AirMLNet.Captions;

/// <summary>
/// Which words of a caption mean which class (<c>docs/methods.md</c> §6.1). Longer phrases are looked for first, and what was found is
/// taken
/// away, so that "hot dog" is no dog.
/// </summary>
internal sealed class NounTable
{
    private const int None = -1;
    private const string Ignored = "!";
    private readonly Dictionary<string, int[]> _phrases = new(StringComparer.Ordinal); // words joined by blanks, to classes
    private readonly int _longest;

    private NounTable(IReadOnlyList<string> lines, IReadOnlyList<(string Name, string[] Phrases)> classes, string source)
    {
        Lines = lines;
        List<string> names = [];
        foreach (var (name, phrases) in classes)
        {
            var ignored = name == Ignored;
            foreach (var phrase in phrases)
            {
                Add(phrase, ignored ? None : names.Count);
            }
            if (!ignored)
            {
                names.Add(name);
            }
        }
        if (names.Count < 2)
        {
            throw new InvalidDataException($"{source} has {names.Count} classes; expected 2 or more.");
        }
        ClassNames = names;
        _longest = _phrases.Keys.Select(phrase => phrase.Count(c => c == ' ') + 1).DefaultIfEmpty().Max();
    }

    /// <summary>The classes, in their order.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The table as it was read, to be saved.</summary>
    public IReadOnlyList<string> Lines { get; }

    /// <summary>A table that comes with the library.</summary>
    public static NounTable Of(NounSet set)
    {
        var name = set switch
        {
            NounSet.Voc2007 => "voc20",
            NounSet.Coco2014 => "coco80",
            _ => "nus81",
        };
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"AirMLNet.Captions.Nouns.{name}.txt")!;
        using var reader = new StreamReader(stream);
        return Parsed(reader.ReadToEnd().Split('\n'), name);
    }

    /// <summary>A table in a file.</summary>
    public static NounTable Load(string path) =>
        File.Exists(path)
            ? Parsed(TextFile.ReadLines(path), path)
            : throw new FileNotFoundException($"There is no table of nouns {path}.", path);

    /// <summary>Classes whose names are all that means them, whatever marks of a table's file are in them.</summary>
    public static NounTable OfNames(IReadOnlyList<string> names) =>
        new(
            [.. names.Select(name => $"{name}: {name.Replace('_', ' ')}")],
            [.. names.Select(name => (name, new[] { name.Replace('_', ' ') }))],
            "the class names"
        );

    /// <summary>A saved table.</summary>
    public static NounTable OfLines(IReadOnlyList<string> lines) => Parsed(lines, "the saved table of nouns");

    /// <summary>The classes that a caption names.</summary>
    /// <param name="caption">The caption.</param>
    /// <param name="mostWords">How many of its first words are read.</param>
    /// <returns>[C], 1 or 0.</returns>
    public float[] Labels(string caption, int mostWords = int.MaxValue)
    {
        var labels = new float[ClassNames.Count];
        string?[] words = [.. NounLemma.Words(caption).Take(mostWords)];
        for (var length = Math.Min(_longest, words.Length); length > 0; length--)
        {
            for (var i = 0; i + length <= words.Length; i++)
            {
                if (
                    Array.IndexOf(words, null, i, length) < 0
                    && _phrases.TryGetValue(string.Join(' ', words.Skip(i).Take(length)), out var classes)
                )
                {
                    foreach (var c in classes.Where(c => c != None))
                    {
                        labels[c] = 1;
                    }
                    Array.Fill(words, null, i, length);
                }
            }
        }
        return labels;
    }

    private static NounTable Parsed(IReadOnlyList<string> lines, string source)
    {
        List<(string Name, string[] Phrases)> classes = [];
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }
            var colon = line.IndexOf(':');
            if (colon < 1)
            {
                throw new InvalidDataException($"{source}: line {i + 1} is '{line}'; expected \"class: noun, noun\".");
            }
            var name = line[..colon].Trim();
            if (name != Ignored && !seen.Add(name))
            {
                throw new InvalidDataException($"{source}: line {i + 1} has the class '{name}' a second time.");
            }
            classes.Add((name, line[(colon + 1)..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)));
        }
        return new(lines, classes, source);
    }

    private void Add(string phrase, int @class)
    {
        var words = NounLemma.Words(phrase);
        foreach (
            var form in words.Count > 1 && @class != None
                ? new[] { string.Join(' ', words), string.Concat(words) }
                : [string.Join(' ', words)]
        )
        {
            if (form.Length == 0)
            {
                continue;
            }
            _phrases[form] = _phrases.TryGetValue(form, out var known) ? [.. known.Append(@class).Distinct()] : [@class];
        }
    }
}
