using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Images;

namespace AirMLNet.MultiLabel;

/// <summary>
/// Features of many images in a folder, in float16: <c>cache.json</c> says what they are, <c>part-00000.f16</c> and so on hold
/// <see cref="PartRows"/> rows each of (1 + N)·D values. A part is there when it is whole; several processes may make parts of one folder,
/// each its own shard, and an interrupted one continues. Reading maps the files, so that memory does not grow with the rows.
/// </summary>
internal sealed class DenseFeatureCache
{
    /// <summary>Rows of a part; the last one may have fewer.</summary>
    public const int PartRows = 2048;

    /// <summary>The file that says what the others are.</summary>
    public const string Manifest = "cache.json";

    private readonly string _folder;
    private readonly DenseEncoder _encoder;
    private readonly IReadOnlyList<string> _images;

    private DenseFeatureCache(string folder, DenseEncoder encoder, IReadOnlyList<string> images) =>
        (_folder, _encoder, _images) = (folder, encoder, images);

    /// <summary>Number of parts.</summary>
    public int Parts => (_images.Count + PartRows - 1) / PartRows;

    /// <summary>The parts that are not there.</summary>
    public IReadOnlyList<int> Missing => [.. Enumerable.Range(0, Parts).Where(part => !IsWhole(part))];

    /// <summary>Size of the whole cache on disk.</summary>
    public long Bytes => (long)_images.Count * _encoder.RowLength * 2;

    /// <summary>The size, for people, to be said before anything is made.</summary>
    public string Description =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{_images.Count} images of 1 + {_encoder.Places} features of {_encoder.Dimension} in float16: "
                + $"{Bytes / 1048576.0:0.0} MiB in {Parts} files"
        );

    /// <summary>Opens a folder for a list of images, or begins it.</summary>
    /// <param name="folder">Created if missing.</param>
    /// <param name="encoder">Makes the features.</param>
    /// <param name="images">Paths; their order is the rows'.</param>
    /// <exception cref="InvalidDataException">The folder holds features of other images, or made otherwise; the message says what
    /// differs.</exception>
    public static DenseFeatureCache Open(string folder, DenseEncoder encoder, IReadOnlyList<string> images)
    {
        JsonObject now = new()
        {
            ["features"] = encoder.Settings,
            ["rows"] = images.Count,
            ["partRows"] = PartRows,
            ["images"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', images)))),
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
        return new(folder, encoder, images);
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
            ? new MappedRows([.. Enumerable.Range(0, Parts).Select(PathOf)], _images.Count, _encoder.Places, _encoder.RowLength)
            : throw new InvalidDataException(
                $"{_folder} lacks {missing.Count} of {Parts} parts "
                    + $"(the first is {Path.GetFileName(PathOf(missing[0]))}): a shard has not run."
            );
    }

    private int RowsOf(int part) => Math.Min(PartRows, _images.Count - (part * PartRows));

    private string PathOf(int part) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"part-{part:00000}.f16"));

    private bool IsWhole(int part) =>
        new FileInfo(PathOf(part)) is { Exists: true } file && file.Length == 2L * RowsOf(part) * _encoder.RowLength;

    private void MakePart(int part, CancellationToken cancellation) =>
        AtomicFile.Write(
            PathOf(part),
            stream =>
            {
                foreach (var row in Encode(_encoder, _images.Skip(part * PartRows).Take(RowsOf(part)), cancellation))
                {
                    stream.Write(MemoryMarshal.AsBytes(row.Span));
                }
            }
        );

    /// <summary>Rows of images in float16, batch after batch; the memory is used again.</summary>
    public static IEnumerable<ReadOnlyMemory<Half>> Encode(DenseEncoder encoder, IEnumerable<string> images, CancellationToken cancellation)
    {
        var ready = new Queue<Half[]>();
        var batcher = new ImageBatcher(
            encoder.Preprocessor,
            encoder.BatchSize,
            (pixels, count) => ready.Enqueue(Rows(encoder, pixels, count)),
            cancellation
        );
        foreach (var image in images)
        {
            batcher.Add(() => ImageFile.Load(image));
            while (ready.TryDequeue(out var rows))
            {
                yield return rows;
            }
        }
        batcher.Complete();
        while (ready.TryDequeue(out var rows))
        {
            yield return rows;
        }
    }

    /// <summary>Features of preprocessed images in float16.</summary>
    public static Half[] Rows(DenseEncoder encoder, ReadOnlyMemory<float> pixels, int count)
    {
        var values = new float[count * encoder.RowLength];
        encoder.Images(pixels.Span, count, values);
        return Array.ConvertAll(values, value => (Half)value);
    }

    /// <summary>The parts, mapped into memory.</summary>
    private sealed class MappedRows : IDenseRows
    {
        private readonly MemoryMappedFile[] _files;
        private readonly MemoryMappedViewAccessor[] _views;
        private readonly int _length;

        public MappedRows(string[] paths, int count, int places, int length)
        {
            (Count, Places, _length) = (count, places, length);
            _files = [.. paths.Select(path => MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read))];
            _views = [.. _files.Select(file => file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read))];
        }

        public int Count { get; }

        public int Places { get; }

        public void Copy(int row, Span<Half> destination) =>
            _views[row / PartRows]
                .SafeMemoryMappedViewHandle.ReadSpan(
                    (ulong)(row % PartRows) * 2 * (ulong)_length,
                    MemoryMarshal.Cast<Half, short>(destination)
                );

        public void Dispose()
        {
            foreach (var disposable in _views.Cast<IDisposable>().Concat(_files))
            {
                disposable.Dispose();
            }
        }
    }
}
