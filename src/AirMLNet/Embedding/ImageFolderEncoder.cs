using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Features;
using AirMLNet.Files;
using AirMLNet.Images;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Embedding;

/// <summary>
/// Features of a folder of images, in a file. Finished chunks lie in a folder beside the output until all are there, so that
/// an interrupted run continues where it stopped; shards do their chunks on different machines and are merged. Chunks are the
/// same however the work is split, so the file is, too, bit for bit.
/// </summary>
internal sealed class ImageFolderEncoder
{
    private const int Format = 1;
    private const string Changes = "changes_sha256";
    private readonly MLContext _ml;
    private readonly ImageFolderEncoderOptions _options;
    private readonly List<ImageRow> _rows;
    private readonly string[] _names; // relative to the folder, with slashes
    private readonly Lazy<string> _listHash;
    private string? _unread;

    /// <summary>Lists the images.</summary>
    /// <param name="ml">Decides the device.</param>
    /// <param name="options">What to embed, and where to.</param>
    /// <exception cref="ArgumentException">The output's ending is not known.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no folder of images.</exception>
    /// <exception cref="InvalidDataException">The folder has no images, or a name with a line break.</exception>
    public ImageFolderEncoder(MLContext ml, ImageFolderEncoderOptions options)
    {
        ArgumentNullException.ThrowIfNull(ml);
        ArgumentNullException.ThrowIfNull(options);
        FeatureTable.Format(options.Output, options.Formats);
        (_ml, _options) = (ml, options);
        var images = ImageFolder.Open(options.Images, labelsFromSubfolders: false);
        if (images.Others is { } others)
        {
            options.Warn?.Invoke(others);
        }
        _rows = [.. images.Entries.Select(e => new ImageRow { ImagePath = e.Path })];
        _names = [.. _rows.Select(r => ImageFolder.NameOf(options.Images, r.ImagePath))];
        if (Array.Find(_names, n => n.Contains('\n')) is { } broken)
        {
            throw new InvalidDataException($"'{broken}': a file name with a line break cannot be listed.");
        }

        _listHash = new(ListHash);
    }

    private ImageFolderEncoder(ImageFolderEncoder listed, ImageFolderEncoderOptions options) =>
        (_ml, _options, _rows, _names, _listHash) = (listed._ml, options, listed._rows, listed._names, listed._listHash);

    /// <summary>Number of images of all shards.</summary>
    public int Count => _rows.Count;

    /// <summary>
    /// The file that this run writes: the output, or of a shard the output's name with shard and number before .safetensors.
    /// </summary>
    public string Target => _options.Shard.IsWhole ? _options.Output : FeatureMerge.FileOf(_options.Output, _options.Shard);

    /// <summary>
    /// A shard of the same images, which are not listed again: a process that does many shards looks at the folder once.
    /// </summary>
    /// <param name="shard">Which part.</param>
    /// <param name="cancellation">Takes the place of the options' own.</param>
    public ImageFolderEncoder OfShard(Shard shard, CancellationToken cancellation) =>
        new(this, _options with { Shard = shard, CancellationToken = cancellation });

    /// <summary>Encodes what is not on disk yet, and writes <see cref="Target"/>.</summary>
    /// <returns>Number of features in the target.</returns>
    /// <exception cref="InvalidDataException">
    /// Chunks of another model, of other images or of other options lie where this run's should.
    /// </exception>
    /// <exception cref="InvalidDataException">There are images, and not one of them can be read.</exception>
    /// <exception cref="UnreadableImageException">An image cannot be read, and that is not to be skipped.</exception>
    public int Run()
    {
        AtomicFile.Probe(Target);
        var view = _ml.Data.LoadFromEnumerable(_rows.Take(1));
        using var stage = _ml
            .Transforms.ClipFeature(
                "Features",
                "ImagePath",
                _options.Clip with
                {
                    KeepTrainingFeatures = false,
                    CancellationToken = _options.CancellationToken,
                }
            )
            .Fit(view);
        var metadata = Metadata(stage);
        var folder = Target + ".parts";
        using var alone = FolderLock.Take(folder);
        var chunks = Chunks();
        var (done, total) = (0, chunks.Sum(c => Range(c).Count));
        foreach (var chunk in chunks)
        {
            var file = ChunkFile(folder, chunk);
            var changes = ChangesHash(Range(chunk));
            var known = File.Exists(file) ? FeatureMerge.Check(file, metadata).GetValueOrDefault(Changes) : null;
            if (known != changes)
            {
                var part = Encode(stage, Range(chunk), done, total);
                Dictionary<string, string> about = new(metadata, StringComparer.Ordinal) { [Changes] = changes };
                FeatureTable.Format(file).Write(file, new(stage.FeatureDimension, part.Paths, about, [part]));
            }

            done += Range(chunk).Count;
            _options.Progress?.Report(new("Embed", "encoding images", done, total));
        }

        string[] files = [.. chunks.Select(c => ChunkFile(folder, c))];
        if (total > 0 && files.All(f => FeatureTable.Read(f).Part.Paths.Count == 0))
        {
            Directory.Delete(folder, recursive: true); // nothing is in it, and another run is to say the reasons again
            throw new InvalidDataException(
                $"None of the {total} images in '{_options.Images}' can be read{(_unread is null ? "." : $"; the first: {_unread}")}"
            );
        }

        var written = FeatureMerge.Join(Target, metadata, files, _options.Formats);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        return written;
    }

    /// <summary>Joins the files of all shards into the output. The files stay.</summary>
    /// <returns>Number of features in the output.</returns>
    /// <exception cref="FileNotFoundException">A shard is missing; the message says which.</exception>
    /// <exception cref="InvalidDataException">Shards are of different models or images.</exception>
    public int Merge()
    {
        var parts = _options.Shard.Parts;
        var all = Enumerable.Range(1, parts).Select(part => FeatureMerge.FileOf(_options.Output, new(part, parts)));
        string[] there = [.. all.Where(File.Exists)];
        if (there.Length == 0)
        {
            throw new FileNotFoundException($"None of the {parts} shards of {_options.Output} is there.");
        }

        var files = FeatureMerge.InOrder(there);
        // Before they are compared with each other: that would name the one that is right.
        if (Array.Find(files, f => FeatureTable.Read(f).Metadata.GetValueOrDefault(FeatureMerge.ImagesKey) != _listHash.Value) is { } other)
        {
            throw new InvalidDataException(
                $"{other}: its shard was made of other images than {_options.Images} holds now; run that shard anew."
            );
        }

        var metadata = FeatureMerge.Agreed(files);
        return FeatureMerge.Join(_options.Output, metadata, files, _options.Formats, _names.ToHashSet(StringComparer.Ordinal));
    }

    private FeaturePart Encode(ClipFeatureTransformer stage, (int Start, int Count) range, int before, int total)
    {
        var view = stage.Transform(_ml.Data.LoadFromEnumerable(_rows.GetRange(range.Start, range.Count)));
        var column = view.Schema["Features"];
        List<string> paths = [];
        List<float> values = new(range.Count * stage.FeatureDimension);
        using var cursor = view.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> value = default;
        for (var i = 0; cursor.MoveNext(); i++)
        {
            try
            {
                getter(ref value);
            }
            catch (UnreadableImageException e) when (_options.SkipUnreadable)
            {
                _unread ??= e.Message;
                _options.Warn?.Invoke($"left out: {e.Message}");
                continue;
            }

            paths.Add(_names[range.Start + i]);
            values.AddRange(value.GetValues());
            _options.Progress?.Report(new("Embed", "encoding images", before + i + 1, total));
        }

        return new(paths, [.. values]);
    }

    private Dictionary<string, string> Metadata(ClipFeatureTransformer stage) =>
        new(StringComparer.Ordinal)
        {
            ["format"] = "airml-features-" + Format.ToString(CultureInfo.InvariantCulture),
            ["model"] = stage.Backbone.Name,
            ["model_sha256"] = stage.Backbone.WeightsSha256,
            ["precision"] = _options.Clip.Precision.ToString(),
            ["preprocessing"] = stage.Backbone.Preprocessor.Description,
            ["activation"] = stage.Backbone.Model.Config.Text.Activation.ToString(),
            ["configuration"] = ClipFacts.Hash(stage.Backbone),
            ["dimension"] = stage.FeatureDimension.ToString(CultureInfo.InvariantCulture),
            ["chunk"] = _options.ChunkSize.ToString(CultureInfo.InvariantCulture),
            [FeatureMerge.ImagesKey] = _listHash.Value,
        };

    /// <summary>A hash of the images' names and sizes: what a chunk of this run belongs to.</summary>
    private string ListHash()
    {
        var list = new StringBuilder();
        for (var i = 0; i < _rows.Count; i++)
        {
            list.Append(CultureInfo.InvariantCulture, $"{RealFile.Length(_rows[i].ImagePath)} {_names[i]}\n");
        }

        return Hash(list);
    }

    /// <summary>A hash of when images were changed: a chunk of before is made anew. Not of shards, whose machines have copies.</summary>
    private string ChangesHash((int Start, int Count) range)
    {
        var list = new StringBuilder();
        foreach (var row in _rows.GetRange(range.Start, range.Count))
        {
            list.Append(CultureInfo.InvariantCulture, $"{RealFile.Of(row.ImagePath).LastWriteTimeUtc.Ticks}\n");
        }

        return Hash(list);
    }

    private static string Hash(StringBuilder list) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list.ToString())));

    /// <summary>The chunks of a shard: as even a share as whole chunks allow.</summary>
    private int[] Chunks()
    {
        var chunks = (_rows.Count + _options.ChunkSize - 1) / _options.ChunkSize;
        return [.. Enumerable.Range(0, chunks).Take(_options.Shard.RangeOf(chunks))];
    }

    private (int Start, int Count) Range(int chunk)
    {
        var start = chunk * _options.ChunkSize;
        return (start, Math.Min(_options.ChunkSize, _rows.Count - start));
    }

    private static string ChunkFile(string folder, int chunk) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"chunk-{chunk:000000}.safetensors"));
}
