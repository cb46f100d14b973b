using System.IO.MemoryMappedFiles;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.Weights;

/// <summary>
/// A safetensors file, read through a memory map: opening it costs its header, and a tensor costs memory only when it is
/// asked for. Nothing in the file is ever executed. Safe for concurrent reads until disposed.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;
    private byte* _base;

    private SafetensorsFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view, long length)
    {
        (Path, _map, _view) = (path, map, view);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _base);
        try
        {
            var prefix = new ReadOnlySpan<byte>(_base, (int)Math.Min(length, SafetensorsHeader.PrefixLength));
            var headerLength = SafetensorsHeader.ReadLength(prefix, length, path);
            _dataStart = SafetensorsHeader.PrefixLength + headerLength;
            _header = SafetensorsHeader.Parse(
                new ReadOnlySpan<byte>(_base + SafetensorsHeader.PrefixLength, headerLength).ToArray(),
                length - _dataStart,
                path
            );
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>What the file holds, by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The free-form strings of the header's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="SafetensorsException">The file is corrupt, truncated or of another format.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = RealFile.Of(path);
        if (!file.Exists)
        {
            throw new FileNotFoundException(
                Directory.Exists(path) ? $"{path} is a folder; name a file in it." : $"{path}: the file does not exist.",
                path
            );
        }

        if (file.Length < SafetensorsHeader.PrefixLength)
        {
            throw new SafetensorsException($"{path}: {file.Length} bytes are too few for a safetensors file.");
        }

        var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        MemoryMappedViewAccessor view;
        try
        {
            view = map.CreateViewAccessor(0, file.Length, MemoryMappedFileAccess.Read);
        }
        catch
        {
            map.Dispose();
            throw;
        }

        return new(path, map, view, file.Length);
    }

    /// <summary>The bytes of a tensor, little-endian, row-major; valid until the file is disposed.</summary>
    /// <exception cref="KeyNotFoundException">The file has no tensor of that name.</exception>
    /// <exception cref="SafetensorsException">The tensor is larger than 2 GiB.</exception>
    public ReadOnlySpan<byte> GetBytes(string name)
    {
        ObjectDisposedException.ThrowIf(_base is null, this);
        var entry = Entry(name);
        return entry.Length <= int.MaxValue
            ? new(_base + _dataStart + entry.Offset, (int)entry.Length)
            : throw new SafetensorsException($"{Path}: the tensor '{name}' has {entry.Length} bytes; at most {int.MaxValue} can be read.");
    }

    /// <summary>Copies a tensor to a new CPU tensor, which the caller owns.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="dtype">Converts to this type; null keeps the file's.</param>
    /// <exception cref="KeyNotFoundException">The file has no tensor of that name.</exception>
    public Tensor GetTensor(string name, ScalarType? dtype = null) => Safetensors.ToTensor(Entry(name), GetBytes(name), dtype);

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        if (_base is not null)
        {
            _base = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        _view.Dispose();
        _map.Dispose();
    }

    private SafetensorsEntry Entry(string name) =>
        Entries.TryGetValue(name, out var entry) ? entry : throw new KeyNotFoundException($"{Path} has no tensor '{name}'.");
}
