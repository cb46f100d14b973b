namespace AirMLNet.Data;

/// <summary>
/// What a list says of images: found by the path that the list names, from its folder on, or by a file name that no other line has.
/// </summary>
/// <typeparam name="T">What it says.</typeparam>
/// <param name="list">The file with the list.</param>
internal sealed class ImagePathMap<T>(string list)
    where T : class
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(list))!;
    private readonly Dictionary<string, T> _byPath = new(StringComparer.Ordinal);
    private readonly Dictionary<string, T?> _byName = new(StringComparer.Ordinal);

    /// <summary>Adds a line of the list; of several with one path the last counts.</summary>
    /// <exception cref="InvalidDataException">The path cannot be one.</exception>
    public void Add(int line, string image, T value)
    {
        if (image.Contains('\0', StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{list}, line {line}: the image's path holds a null character.");
        }

        _byPath[Path.GetFullPath(image, _folder)] = value;
        var name = Path.GetFileName(image);
        _byName[name] = _byName.ContainsKey(name) ? null : value; // ambiguous: none
    }

    /// <summary>What the list says of an image; null for nothing.</summary>
    public T? Find(string image) =>
        _byPath.GetValueOrDefault(Path.GetFullPath(image)) ?? _byName.GetValueOrDefault(Path.GetFileName(image));
}
