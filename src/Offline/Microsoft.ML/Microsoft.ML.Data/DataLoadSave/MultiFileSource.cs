namespace Microsoft.ML.Data;

/// <summary>Some streams that loaders read one after the other.</summary>
public interface IMultiStreamSource
{
    int Count { get; }

    /// <summary>The file behind a stream, or null where there is none.</summary>
    string GetPathOrNull(int index);

    Stream Open(int index);

    TextReader OpenTextReader(int index);
}

/// <summary>Files, named one by one.</summary>
public sealed class MultiFileSource : IMultiStreamSource
{
    private readonly string[] _paths;

    /// <param name="paths">The files, in order. A null or an empty list stands for none; a single null is taken for that.</param>
    /// <exception cref="ArgumentNullException">One of several names is null or empty.</exception>
    public MultiFileSource(params string[] paths)
    {
        _paths = paths is null or [null] ? [] : paths;
        foreach (string path in _paths)
            ArgumentException.ThrowIfNullOrEmpty(path, nameof(paths));
    }

    public int Count => _paths.Length;

    public string GetPathOrNull(int index) => _paths[Check(index)];

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public Stream Open(int index) => new FileStream(_paths[Check(index)], FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);

    public TextReader OpenTextReader(int index) => new StreamReader(Open(index));

    private int Check(int index) =>
        (uint)index < (uint)_paths.Length ? index : throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {_paths.Length} files");
}
