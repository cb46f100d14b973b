using System.Security.Cryptography;
using System.Text;
using AirMLNet.Data;
using AirMLNet.Features;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Experiments;

/// <summary>Images of one part with their features, which are computed when they are first asked for and then kept.</summary>
internal sealed class EncodedImages(IReadOnlyList<LabelledImage> images, Func<float[][]> encode)
{
    private float[][]? _features;

    public EncodedImages(IReadOnlyList<LabelledImage> images, string clip, CancellationToken cancellation)
        : this(images, () => Encode(images, clip, cancellation)) { }

    public IReadOnlyList<LabelledImage> Images { get; } = images;

    /// <summary>What tells these images from others: names, sizes and classes, but not where they lie.</summary>
    public string Fingerprint { get; } = Hash(images);

    public float[][] Features => _features ??= encode();

    /// <summary>Some of the images, each under a class of its own; their features are encoded with those of all others.</summary>
    public EncodedImages Pick(IReadOnlyList<(int Image, int Class)> some) =>
        new([.. some.Select(s => Images[s.Image] with { Class = s.Class })], () => [.. some.Select(s => Features[s.Image])]);

    private static float[][] Encode(IReadOnlyList<LabelledImage> images, string clip, CancellationToken cancellation)
    {
        var ml = new MLContext(1);
        var view = ml.Data.LoadFromEnumerable(images.Select(i => new ImageRow { ImagePath = i.Path }));
        using var encoder = ml
            .Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions
                {
                    ClipFolder = clip,
                    CancellationToken = cancellation,
                    KeepTrainingFeatures = false,
                }
            )
            .Fit(view);
        var encoded = encoder.Transform(view);
        var features = new List<float[]>(images.Count);
        var column = encoded.Schema["Features"];
        using var cursor = encoded.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> value = default;
        while (cursor.MoveNext())
        {
            getter(ref value);
            features.Add([.. value.DenseValues()]);
        }
        return [.. features];
    }

    private static string Hash(IReadOnlyList<LabelledImage> images)
    {
        var text = new StringBuilder();
        foreach (var image in images)
        {
            var file = new FileInfo(image.Path);
            text.Append(file.Directory!.Name)
                .Append('/')
                .Append(file.Name)
                .Append('|')
                .Append(file.Exists ? file.Length : -1)
                .Append('|')
                .Append(image.Class)
                .Append('\n');
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}

/// <summary>A data set opened for an experiment.</summary>
internal sealed class ExperimentData
{
    private readonly Dictionary<string, EncodedImages> _synthetic = new(StringComparer.Ordinal);
    private readonly string _clip;
    private readonly CancellationToken _cancellation;
    private readonly Lazy<EncodedImages> _spare;

    public ExperimentData(ExperimentDataSet entry, string clip, CancellationToken cancellation)
    {
        (Entry, _clip, _cancellation) = (entry, clip, cancellation);
        var options = new DataSetOptions { Pool = entry.Pool };
        var set =
            entry.Csv is { } csv ? GenericDataSets.FromCsv(csv, entry.Name, options)
            : Data.DataSets.Names.Contains(entry.Name, StringComparer.OrdinalIgnoreCase)
                ? Data.DataSets.Open(entry.Name, entry.Folder!, options)
            : GenericDataSets.FromFolders(entry.Folder!, entry.Name);
        ClassNames = set.ClassNames;
        Train = new(Some(set.Train, entry.MostTrain), clip, cancellation);
        _spare = new(() => Spare(set));
        Test = new(Some(set.Test, entry.MostTest), clip, cancellation);
        Split = entry.SplitFile is { } file ? ClassSplit.Load(file, ClassNames) : ClassSplit.Draw(ClassNames.Count, entry.SplitSeed);
    }

    public ExperimentDataSet Entry { get; }
    public IReadOnlyList<string> ClassNames { get; }
    public EncodedImages Train { get; }
    public EncodedImages Test { get; }
    public ClassSplit Split { get; }

    /// <summary>The synthetic images of a folder with a sub-folder per class.</summary>
    /// <exception cref="InvalidDataException">A sub-folder is no class.</exception>
    public EncodedImages Synthetic(string folder)
    {
        if (_synthetic.TryGetValue(folder, out var known))
        {
            return known;
        }

        var images = SyntheticImageFolder.FromFolder(folder, ClassNames, Entry.MostSynthetic);
        return _synthetic[folder] = new(images, _clip, _cancellation);
    }

    /// <summary>Photos in the place of synthetic images.</summary>
    /// <exception cref="InvalidDataException">There are too few, or of other classes.</exception>
    public EncodedImages StandIn(SyntheticStandIn photos, int seed) =>
        _spare.Value.Pick(photos.Draw([.. _spare.Value.Images.Select(i => i.Class)], ClassNames.Count, seed));

    /// <summary>Photos that are not of the pool, with their classes.</summary>
    private EncodedImages Spare(ImageDataSet set)
    {
        if (Entry.SyntheticFrom?.Csv is not { } csv)
        {
            HashSet<string> pool = [.. Train.Images.Select(i => i.Path)];
            return new([.. set.Train.Where(i => !pool.Contains(i.Path))], _clip, _cancellation);
        }

        var other = GenericDataSets.FromCsv(csv, Entry.Name, new DataSetOptions());
        int[] classes = [.. other.ClassNames.Select(n => ClassNames.ToList().IndexOf(n))];
        return Array.IndexOf(classes, -1) is var k && k < 0
            ? new([.. other.Train.Select(i => i with { Class = i.Class < 0 ? -1 : classes[i.Class] })], _clip, _cancellation)
            : throw new InvalidDataException(
                $"{csv}: '{other.ClassNames[k]}' is none of the classes of '{Entry.Name}': {string.Join(", ", ClassNames.Take(20))}."
            );
    }

    private static IReadOnlyList<LabelledImage> Some(IReadOnlyList<LabelledImage> images, int? most) =>
        most is { } n && n < images.Count ? [.. new NumpyRandom(0).Choice(images.Count, n).Order().Select(i => images[i])] : images;
}
