using System.Diagnostics;
using AirMLNet.Features;
using Microsoft.ML;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Seconds of three-fold cross-validation of a chain from images, and of permutation importance on it, without a cache of features, with
/// an empty one, and with one that an earlier run has filled.
/// </summary>
internal static class CacheBenchmark
{
    private const int Images = 360;
    private static readonly string[] Names = ["cat", "dog", "ship"];

    public static void Run(string clip)
    {
        var folder = Directory.CreateTempSubdirectory("airml-bench-").FullName;
        try
        {
            var rows = BenchmarkData.Images(Images);
            for (var i = 0; i < rows.Count; i++)
            {
                rows[i].Label = Names[i % Names.Length];
            }

            var options = new ClipFeatureOptions { ClipFolder = clip };
            Console.WriteLine($"{Images} images, seconds of three-fold cross-validation and of permutation importance over all features");
            Write("no cache", rows, options);
            Write("an empty cache", rows, options with { CacheFolder = folder });
            Write("a full cache", rows, options with { CacheFolder = folder });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Write(string what, IReadOnlyList<Data.ImageRow> rows, ClipFeatureOptions options)
    {
        var ml = new MLContext(seed: 1);
        var view = ml.Data.LoadFromEnumerable(rows);
        view = ml.Transforms.Conversion.MapValueToKey("LabelKey", "Label").Fit(view).Transform(view);
        var chain = ml
            .Transforms.ClipFeature("Features", "ImagePath", options)
            .Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy("LabelKey"));
        var clock = Stopwatch.StartNew();
        ml.MulticlassClassification.CrossValidate(view, chain, numberOfFolds: 3, labelColumnName: "LabelKey");
        var validated = clock.Elapsed.TotalSeconds;
        var model = chain.Fit(view);
        clock.Restart();
        ml.MulticlassClassification.PermutationFeatureImportance(
            model.LastTransformer,
            model.Transform(view),
            "LabelKey",
            numberOfExamplesToUse: Images,
            permutationCount: 1
        );
        Console.WriteLine($"  {what, -16}{validated, 8:0.00}{clock.Elapsed.TotalSeconds, 8:0.00}");
    }
}
