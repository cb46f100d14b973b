using System.Globalization;
using AirMLNet.Files;

namespace AirMLNet.Embedding;

/// <summary>Files of features that shards wrote, and their joining.</summary>
internal static class FeatureMerge
{
    /// <summary>What a file says that its list of images is known by.</summary>
    public const string ImagesKey = "images_sha256";

    private const string Mark = ".shard-",
        Of = "-of-",
        Ending = ".safetensors";

    /// <summary>The file of a shard: the output's name, with shard and number before .safetensors.</summary>
    public static string FileOf(string output, Shard shard) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.ChangeExtension(output, null)}{Mark}{shard.Part:00000}{Of}{shard.Parts:00000}{Ending}"
        );

    /// <summary>Which shard a file is of, by its name; null where it is none.</summary>
    public static Shard? ShardOf(string path)
    {
        var name = Path.GetFileName(path);
        var mark = name.LastIndexOf(Mark, StringComparison.Ordinal);
        if (mark < 0 || !name.EndsWith(Ending, StringComparison.Ordinal))
        {
            return null;
        }

        var numbers = name[(mark + Mark.Length)..^Ending.Length].Split(Of);
        return
            numbers.Length == 2
            && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out var part)
            && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out var parts)
            && part >= 1
            && part <= parts
            && parts <= Shard.Most
            ? new(part, parts)
            : null;
    }

    /// <summary>The files of all shards of one output, in order.</summary>
    /// <param name="files">In any order.</param>
    /// <exception cref="InvalidDataException">A file is none of a shard's, is there twice, or is of another number of shards.</exception>
    /// <exception cref="FileNotFoundException">A shard is missing; the message says which.</exception>
    public static string[] InOrder(IEnumerable<string> files)
    {
        SortedDictionary<int, string> found = [];
        var parts = 0;
        foreach (var file in files)
        {
            var shard =
                ShardOf(file)
                ?? throw new InvalidDataException($"{file} is no shard's file: their names end in {Mark}00001{Of}00016{Ending}.");
            if (parts != 0 && shard.Parts != parts)
            {
                throw new InvalidDataException($"{file} is one of {shard.Parts} shards, but {found.First().Value} one of {parts}.");
            }

            parts = shard.Parts;
            if (!found.TryAdd(shard.Part, file))
            {
                throw new InvalidDataException($"{file} and {found[shard.Part]} are the same shard.");
            }
        }

        int[] missing = [.. Enumerable.Range(1, parts).Where(p => !found.ContainsKey(p))];
        return missing.Length == 0
            ? [.. found.Values]
            : throw new FileNotFoundException(
                $"{missing.Length} of {parts} shards are missing: "
                    + $"{string.Join(", ", missing.Take(5))}{(missing.Length > 5 ? ", …" : "")}."
            );
    }

    /// <summary>What is known of all files alike.</summary>
    /// <exception cref="InvalidDataException">One was made in another way than the first; the message says what differs.</exception>
    public static IReadOnlyDictionary<string, string> Agreed(IReadOnlyList<string> files)
    {
        var metadata = FeatureTable.Read(files[0]).Metadata;
        foreach (var file in files)
        {
            Check(file, metadata, files[0]);
        }

        return metadata;
    }

    /// <summary>Writes the rows of the files, in their order, into one. The files stay.</summary>
    /// <param name="target">The file to write.</param>
    /// <param name="metadata">What it says of itself.</param>
    /// <param name="files">The files of the shards.</param>
    /// <param name="formats">Which it may have; null for those that need no other package.</param>
    /// <param name="names">The images that there are; null where that is not known.</param>
    /// <returns>Number of rows.</returns>
    /// <exception cref="InvalidDataException">They are no files of shards, or an image is there twice or is none of the names.</exception>
    public static int Join(
        string target,
        IReadOnlyDictionary<string, string> metadata,
        IReadOnlyList<string> files,
        IReadOnlyList<FeatureFormat>? formats = null,
        IReadOnlySet<string>? names = null
    )
    {
        if (!metadata.TryGetValue("dimension", out var text) || !int.TryParse(text, CultureInfo.InvariantCulture, out var dimension))
        {
            throw new InvalidDataException($"{files[0]}: this is no file of a shard; it does not say how long its features are.");
        }

        List<string> paths = [];
        Dictionary<string, string> places = new(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var path in FeatureTable.Read(file).Part.Paths)
            {
                if (names?.Contains(path) == false)
                {
                    throw new InvalidDataException(
                        $"{file} has a feature of '{path}', which is none of the images; delete it, to start anew."
                    );
                }
                if (!places.TryAdd(path, file))
                {
                    var where = places[path] == file ? $"{file} has" : $"{places[path]} and {file} both have";
                    throw new InvalidDataException($"{where} a feature of '{path}', which must be there once; delete it, to start anew.");
                }

                paths.Add(path);
            }
        }

        FeatureTable.Format(target, formats).Write(target, new(dimension, paths, metadata, files.Select(f => FeatureTable.Read(f).Part)));
        return paths.Count;
    }

    /// <param name="file">The file of a shard.</param>
    /// <param name="metadata">What it is to say of itself.</param>
    /// <param name="other">The file that says so; null where the options of a run do.</param>
    /// <returns>All that the file says of itself.</returns>
    /// <exception cref="InvalidDataException">It says something else.</exception>
    public static IReadOnlyDictionary<string, string> Check(string file, IReadOnlyDictionary<string, string> metadata, string? other = null)
    {
        var (_, found) = FeatureTable.Read(file);
        var different = metadata.Keys.Where(k => !found.TryGetValue(k, out var value) || value != metadata[k]).ToList();
        if (different.Count > 0)
        {
            var images = different.Remove(ImagesKey) ? " of other images" : "";
            var others = different.Count > 0 ? $" with another {string.Join(", ", different)}" : "";
            var both = images.Length > 0 && others.Length > 0 ? " and" : "";
            var help = other is null
                ? "; delete it, or name another output, to start anew."
                : $" than {other}; delete the one that is wrong, and run its shard anew.";
            throw new InvalidDataException($"{file} was made{images}{both}{others}{help}");
        }

        return found;
    }
}
