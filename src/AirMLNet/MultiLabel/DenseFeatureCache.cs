using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AirMLNet.Files;
using AirMLNet.Images;

namespace AirMLNet.MultiLabel;

/// <summary>
/// Features of many images or texts in a folder, in float16: <c>cache.json</c> says what they are, <c>part-00000.f16</c> and so on hold
/// <see cref="PartRows"/> rows each of (1 + N)·D values, N of a text being its own tokens. A part is there when it is whole; several
/// processes may make parts of one folder, each its own shard, and an interrupted one continues. Reading maps the files, so that memory
/// does not grow with the rows.
/// </summary>
internal sealed class DenseFeatureCache
{
    /// <summary>Rows of a part; the last one may have fewer.</summary>
    public const int PartRows = 2048;

    /// <summary>The file that says what the others are.</summary>
    public const string Manifest = "cache.json";

    private readonly string _folder;
    private readonly DenseSource _source;

    private DenseFeatureCache(string folder, DenseSource source) => (_folder, _source) = (folder, source);

    /// <summary>Number of parts.</summary>
    public int Parts => (_source.Count + PartRows - 1) / PartRows;

    /// <summary>The parts that are not there.</summary>
    public IReadOnlyList<int> Missing => [.. Enumerable.Range(0, Parts).Where(part => !IsWhole(part))];

    /// <summary>Size of the whole cache on disk.</summary>
    public long Bytes => 2 * _source.Start(_source.Count);

    /// <summary>The size, for people, to be said before anything is made.</summary>
    public string Description =>
        string.Create(CultureInfo.InvariantCulture, $"{_source.Description} in float16: {Bytes / 1048576.0:0.0} MiB in {Parts} files");

    /// <summary>Opens a folder, or begins it.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="source">Makes the features.</param>
    /// <exception cref="InvalidDataException">The folder holds other features, or made otherwise; the message says what
    /// differs.</exception>
    public static DenseFeatureCache Open(string folder, DenseSource source)
    {
        JsonObject now = new()
        {
            ["features"] = source.Settings,
            ["rows"] = source.Count,
            ["partRows"] = PartRows,
            [source is DenseTexts ? "texts" : "images"] = HashOf(source),
        };
        var file = Path.Combine(folder, Manifest);
        if (File.Exists(file))
        {
            var before = ConfigFile.Open(file).Root;
            foreach (var (key, value) in now)
            {
                if (before[key]?.ToJsonString() is var was && was != value!.ToJsonString())
                {
                    throw new InvalidDataException(
                        $"{folder} holds features with another '{key}' ({was ?? "none"}, now {value!.ToJsonString()}); "
                            + "choose another folder, or delete this one."
                    );
                }
            }
        }
        else
        {
            AtomicFile.WriteText(file, ConfigFile.Write(now));
        }
        return new(folder, source);
    }

    /// <summary>Which rows they are, as SHA-256.</summary>
    public static string HashOf(DenseSource source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (i, content) in source.Contents.Index())
        {
            hash.AppendData(Encoding.UTF8.GetBytes(i == 0 ? content : "\n" + content));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Makes the parts of a shard that are not there.</summary>
    /// <param name="shard">Whose parts.</param>
    /// <param name="cancellation">Checked before each image.</param>
    /// <param name="progress">Told the number of images done, of this shard, and of how many.</param>
    /// <returns>Number of parts that were made.</returns>
    /// <exception cref="UnreadableImageException">An image cannot be read; the parts before it stay.</exception>
    public int Make(Shard shard, CancellationToken cancellation, Action<long, long>? progress = null)
    {
        int[] own = [.. Enumerable.Range(0, Parts).Where(shard.Owns)];
        var total = own.Sum(part => (long)RowsOf(part));
        var (done, made) = (0L, 0);
        foreach (var part in own)
        {
            if (!IsWhole(part))
            {
                MakePart(part, cancellation);
                made++;
            }
            progress?.Invoke(done += RowsOf(part), total);
        }
        return made;
    }

    /// <summary>Reads the rows.</summary>
    /// <exception cref="InvalidDataException">Parts are missing; the message says how many and which shards.</exception>
    public IDenseRows Read()
    {
        var missing = Missing;
        return missing.Count == 0
            ? new MappedRows([.. Enumerable.Range(0, Parts).Select(PathOf)], _source)
            : throw new InvalidDataException(
                $"{_folder} lacks {missing.Count} of {Parts} parts "
                    + $"(the first is {Path.GetFileName(PathOf(missing[0]))}): a shard has not run."
            );
    }

    private int RowsOf(int part) => Math.Min(PartRows, _source.Count - (part * PartRows));

    private string PathOf(int part) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"part-{part:00000}.f16"));

    private bool IsWhole(int part) =>
        new FileInfo(PathOf(part)) is { Exists: true } file
        && file.Length == 2 * (_source.Start((part * PartRows) + RowsOf(part)) - _source.Start(part * PartRows));

    private void MakePart(int part, CancellationToken cancellation) =>
        AtomicFile.Write(
            PathOf(part),
            stream =>
            {
                foreach (var row in _source.Encode(part * PartRows, RowsOf(part), cancellation))
                {
                    stream.Write(MemoryMarshal.AsBytes(row.Span));
                }
            }
        );

    /// <summary>The parts, mapped into memory.</summary>
    private sealed class MappedRows : IDenseRows
    {
        private readonly MemoryMappedFile[] _files;
        private readonly MemoryMappedViewAccessor[] _views;
        private readonly DenseSource _source;

        public MappedRows(string[] paths, DenseSource source)
        {
            _source = source;
            _files = [.. paths.Select(path => MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read))];
            _views = [.. _files.Select(file => file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read))];
        }

        public int Count => _source.Count;

        public int Places => _source.Places;

        public void Copy(int row, Span<Half> destination)
        {
            var (start, part) = (_source.Start(row), row / PartRows);
            var length = (int)(_source.Start(row + 1) - start);
            _views[part]
                .SafeMemoryMappedViewHandle.ReadSpan(
                    2 * (ulong)(start - _source.Start(part * PartRows)),
                    MemoryMarshal.Cast<Half, short>(destination[..length])
                );
            destination[length..].Clear();
        }

        public void Dispose()
        {
            foreach (var disposable in _views.Cast<IDisposable>().Concat(_files))
            {
                disposable.Dispose();
            }
        }
    }
}
