using System.Security.Cryptography;
using System.Text;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Evaluation;
using AirMLNet.Features;
using AirMLNet.Files;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace AirMLNet.Experiments;

/// <summary>Images of one part with their features, which are computed when they are first asked for and then kept.</summary>
internal sealed class EncodedImages(IReadOnlyList<LabelledImage> images, Func<float[][]> encode)
{
    private float[][]? _features;

    public EncodedImages(IReadOnlyList<LabelledImage> images, ExperimentContext context)
        : this(images, () => Encode(images, context)) { }

    public IReadOnlyList<LabelledImage> Images { get; } = images;

    /// <summary>What tells these images from others: names, sizes and classes, but not where they lie.</summary>
    public string Fingerprint { get; } = Hash(images);

    public float[][] Features => _features ??= encode();

    /// <summary>Some of the images, each under a class of its own; their features are encoded with those of all others.</summary>
    public EncodedImages Pick(IReadOnlyList<(int Image, int Class)> some) =>
        new([.. some.Select(s => Images[s.Image] with { Class = s.Class })], () => [.. some.Select(s => Features[s.Image])]);

    private static float[][] Encode(IReadOnlyList<LabelledImage> images, ExperimentContext context)
    {
        var ml = context.Device.Context(1);
        var view = ml.Data.LoadFromEnumerable(images.Select(i => new ImageRow { ImagePath = i.Path }));
        using var encoder = ml
            .Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions
                {
                    ClipFolder = context.File.Clip,
                    CancellationToken = context.CancellationToken,
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
                .Append(RealFile.Length(image.Path))
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
    private readonly ExperimentContext _context;
    private readonly HashSet<string> _tested;
    private readonly Lazy<EncodedImages> _spare;
    private readonly Lazy<double?> _probe;

    public ExperimentData(ExperimentDataSet entry, ExperimentContext context)
    {
        (Entry, _context) = (entry, context);
        var set = Open(entry);
        ClassNames = set.ClassNames;
        _tested = [.. set.Test.Select(i => Path.GetFullPath(i.Path))];
        Train = new(Some(set.Train, entry.MostTrain), context);
        _spare = new(() => Spare(set));
        Test = new(Some(set.Test, entry.MostTest), context);
        _probe = new(FitProbe);
        Split = entry.SplitFile is { } file ? ClassSplit.Load(file, ClassNames) : ClassSplit.Draw(ClassNames.Count, entry.SplitSeed);
    }

    public ExperimentDataSet Entry { get; }
    public IReadOnlyList<string> ClassNames { get; }
    public EncodedImages Train { get; }
    public EncodedImages Test { get; }
    public ClassSplit Split { get; }

    /// <summary>Accuracy on the test images of a linear probe with all labels of the pool; null where some label is not known.</summary>
    public double? Probe => _probe.Value;

    /// <summary>Templates of the zero-shot classifier.</summary>
    public IReadOnlyList<string> Templates =>
        Entry.Templates ?? (Entry.IsPublished ? PromptTemplates.For(Entry.Name, _context.File.Paper) : PromptTemplates.Single);

    /// <summary>What comes before a class name in the diffusion model's prompts.</summary>
    public string Domain => Entry.Domain ?? Data.DataSets.Description(Entry.Name) ?? ClassPrompt.DefaultDescription;

    /// <summary>Whether an image of the pool is a test image too, as in EuroSAT's pool of the published code.</summary>
    public bool IsTested(LabelledImage image) => _tested.Contains(Path.GetFullPath(image.Path));

    /// <summary>The synthetic images of a folder with a sub-folder per class.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="most">At most so many per class; null for all.</param>
    /// <exception cref="InvalidDataException">A sub-folder is no class.</exception>
    public EncodedImages Synthetic(string folder, int? most)
    {
        var key = $"{folder}|{most}";
        return _synthetic.TryGetValue(key, out var known)
            ? known
            : _synthetic[key] = new(SyntheticImageFolder.FromFolder(folder, ClassNames, most), _context);
    }

    /// <summary>A share of the pool; the same share of the same seed is the same images.</summary>
    public EncodedImages Share(double share, int seed) =>
        Train.Pick([.. PoolShare.Choose(Train.Images.Count, share, seed).Select(i => (i, Train.Images[i].Class))]);

    /// <summary>Photos in the place of synthetic images.</summary>
    /// <exception cref="InvalidDataException">There are too few, or of other classes.</exception>
    public EncodedImages StandIn(SyntheticStandIn photos, int seed) =>
        _spare.Value.Pick(photos.Draw([.. _spare.Value.Images.Select(i => i.Class)], ClassNames, seed, Bad));

    private double? FitProbe()
    {
        if (Train.Images.Concat(Test.Images).Any(i => i.Class < 0))
        {
            return null;
        }

        using var scope = torch.NewDisposeScope();
        (var features, var labels) = Rows(Train);
        (var seen, var truth) = Rows(Test);
        using var probe = LinearProbe.Choose(features, labels, ClassNames.Count);
        return probe.Accuracy(seen, truth);

        static (torch.Tensor Features, torch.Tensor Labels) Rows(EncodedImages images)
        {
            // Files lie in the order of their classes.
            int[] order = [.. new NumpyRandom(0).Choice(images.Images.Count, images.Images.Count)];
            return (
                torch.stack(order.Select(i => torch.tensor(images.Features[i]))), // [N, D]
                torch.tensor(order.Select(i => (long)images.Images[i].Class).ToArray()) // [N]
            );
        }
    }

    /// <summary>Photos that are not of the pool, with their classes.</summary>
    private EncodedImages Spare(ImageDataSet set)
    {
        if (Entry.SyntheticFrom?.Csv is not { } csv)
        {
            HashSet<string> pool = [.. Train.Images.Select(i => i.Path)];
            return new([.. set.Train.Where(i => !pool.Contains(i.Path))], _context);
        }

        var other = GenericDataSets.FromCsv(csv, Entry.Name, new DataSetOptions());
        int[] classes = [.. other.ClassNames.Select(n => ClassNames.ToList().IndexOf(n))];
        return Array.IndexOf(classes, -1) is var k && k < 0
            ? new([.. other.Train.Select(i => i with { Class = i.Class < 0 ? -1 : classes[i.Class] })], _context)
            : throw Bad(
                $"syntheticFrom.csv is {csv}: '{other.ClassNames[k]}' is none of the classes of the data set: "
                    + $"{string.Join(", ", ClassNames.Take(20))}."
            );
    }

    private ImageDataSet Open(ExperimentDataSet entry)
    {
        var options = new DataSetOptions { Pool = entry.Pool };
        var set =
            entry.Csv is { } csv ? GenericDataSets.FromCsv(csv, entry.Name, options)
            : entry.IsPublished ? Data.DataSets.Open(entry.Name, entry.Folder!, options)
            : GenericDataSets.FromFolders(entry.Folder!, entry.Name);
        if (entry.Classes is not { } names)
        {
            return set;
        }

        int[] kept =
        [
            .. names.Select(n =>
                set.ClassNames.ToList().IndexOf(n) is var c && c >= 0
                    ? c
                    : throw Bad($"classes: '{n}' is none of {string.Join(", ", set.ClassNames.Take(20))}.")
            ),
        ];
        IReadOnlyList<LabelledImage> Of(IReadOnlyList<LabelledImage> images) =>
            [.. images.Select(i => i with { Class = Array.IndexOf(kept, i.Class) }).Where(i => i.Class >= 0)];
        return new(set.Name, entry.Csv ?? entry.Folder!, names, Of(set.Train), Of(set.Test));
    }

    private InvalidDataException Bad(string message) => _context.File.Bad($"data set '{Entry.Name}': {message}");

    private static IReadOnlyList<LabelledImage> Some(IReadOnlyList<LabelledImage> images, int? most) =>
        most is { } n && n < images.Count ? [.. new NumpyRandom(0).Choice(images.Count, n).Order().Select(i => images[i])] : images;
}
