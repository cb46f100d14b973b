using System.Collections.Concurrent;

namespace AirMLNet.Data;

/// <summary>
/// What a list says of images. A path that leads to a file, from the list's folder on, means that file. One that leads nowhere, as where
/// the photos were moved, means the photo of its name in a folder of its folder's name; a bare file name the one photo that is called so.
/// Safe for concurrent use once filled.
/// </summary>
/// <typeparam name="T">What it says.</typeparam>
/// <param name="list">The file with the list.</param>
/// <param name="contradict">Whether two lines of one path contradict each other; null: the last counts.</param>
internal sealed class ImagePathMap<T>(string list, Func<T, T, bool>? contradict = null)
    where T : class
{
    private static readonly char[] Separators = ['/', '\\'];

    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(list))!;
    private readonly Dictionary<string, Entry> _byPath = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Entry>> _elsewhere = new(StringComparer.Ordinal); // by file name
    private readonly ConcurrentDictionary<string, string> _called = new(StringComparer.Ordinal); // bare names, and the photo of each

    /// <summary>Adds a line of the list.</summary>
    /// <exception cref="InvalidDataException">The path cannot be one, or contradicts another line.</exception>
    public void Add(int line, string image, T value)
    {
        if (image.Contains('\0', StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{list}, line {line}: the image's path holds a null character.");
        }

        var full = Path.GetFullPath(image, _folder);
        var parts = image.Split(Separators, StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").ToArray();
        Entry entry = new(line, parts, value);
        if (_byPath.TryGetValue(full, out var before))
        {
            if (contradict?.Invoke(before.Value, value) == true)
            {
                throw new InvalidDataException($"{list}, line {line}: {image} is in line {before.Line} too, which says otherwise.");
            }
            _elsewhere.GetValueOrDefault(entry.Name)?.Remove(before);
        }
        _byPath[full] = entry;
        if (!File.Exists(full))
        {
            if (!_elsewhere.TryGetValue(entry.Name, out var others))
            {
                _elsewhere[entry.Name] = others = [];
            }
            others.Add(entry);
        }
    }

    /// <summary>The lines that no image was found by, in their order.</summary>
    public IReadOnlyList<(int Line, string Image)> Unfound =>
        [.. _byPath.Values.Where(e => !e.IsFound).OrderBy(e => e.Line).Select(e => (e.Line, string.Join('/', e.Parts)))];

    /// <summary>What the list says of an image; null for nothing.</summary>
    /// <exception cref="InvalidDataException">A bare file name of the list is that of two photos.</exception>
    public T? Find(string image)
    {
        var full = Path.GetFullPath(image);
        if (_byPath.TryGetValue(full, out var entry))
        {
            entry.IsFound = true;
            return entry.Value;
        }
        var photo = full.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        if (photo.Length == 0 || !_elsewhere.TryGetValue(photo[^1], out var named))
        {
            return null;
        }
        // The line that has the most folders in common; of two equals none.
        var best = named.Select(e => (Entry: e, Common: Common(e.Parts, photo))).Where(c => c.Common >= Math.Min(2, c.Entry.Parts.Length));
        (Entry Entry, int Common)[] found = [.. best.OrderByDescending(c => c.Common).Take(2)];
        if (found.Length == 0 || (found.Length == 2 && found[0].Common == found[1].Common))
        {
            return null;
        }
        var (line, parts, value) = found[0].Entry;
        found[0].Entry.IsFound = true;
        if (parts.Length == 1 && _called.GetOrAdd(photo[^1], full) is var first && first != full)
        {
            throw new InvalidDataException(
                $"{list}, line {line}: {photo[^1]} is the name of two photos, {first} and {full}; name them with their folders."
            );
        }
        return value;
    }

    private static int Common(string[] a, string[] b) =>
        Enumerable.Reverse(a).Zip(Enumerable.Reverse(b)).TakeWhile(pair => pair.First == pair.Second).Count();

    private sealed record Entry(int Line, string[] Parts, T Value)
    {
        public bool IsFound { get; set; } // by any thread, which all write the same

        public string Name => Parts.Length > 0 ? Parts[^1] : "";
    }
}
