using System.Diagnostics;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Features;
using AirMLNet.Images;
using Microsoft.ML;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Images per second through <c>Transform</c>, decoding included, against plain loops over the same module with the same
/// batch size: one that decodes and preprocesses first, and one whose pixels lie ready.
/// </summary>
internal static class ThroughputBenchmark
{
    private const int Count = 1024;
    private const int Batch = 64;
    private const int Repeats = 7;
    private const double WantedShare = 0.9;

    public static void Run(string clip)
    {
        var rows = BenchmarkData.Images(Count);
        var ml = new MLContext(seed: 1);
        var view = ml.Data.LoadFromEnumerable(rows);
        var encoder = ml
            .Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions
                {
                    ClipFolder = clip,
                    BatchSize = Batch,
                    KeepTrainingFeatures = false,
                }
            )
            .Fit(view);
        var backbone = ClipBackbone.Acquire(clip);
        var values = 3 * backbone.Preprocessor.Size * backbone.Preprocessor.Size;
        var ready = new float[Count * values];
        for (var i = 0; i < Count; i++)
        {
            backbone.Preprocessor.Preprocess(ImageFile.Load(rows[i].ImagePath), ready.AsSpan(i * values, values));
        }

        var runs = new (string Name, Action Work)[]
        {
            ("Transform", () => Features.Read(encoder.Transform(view))),
            ("plain loop: decode, then module", () => PlainLoop(backbone, rows, values)),
            ("plain loop: module only", () => ModuleLoop(backbone, ready, values)),
        };
        // Taking turns, so that a slow moment of the machine meets all of them.
        var speeds = runs.Select(_ => new List<double>()).ToArray();
        for (var repeat = -1; repeat < Repeats; repeat++)
        {
            for (var i = 0; i < runs.Length; i++)
            {
                var clock = Stopwatch.StartNew();
                runs[i].Work();
                if (repeat >= 0)
                {
                    speeds[i].Add(Count / clock.Elapsed.TotalSeconds);
                }
            }
        }

        backbone.Release();
        Console.WriteLine($"images per second, batches of {Batch}, median of {Repeats} runs over {Count} images of 32×32");
        for (var i = 0; i < runs.Length; i++)
        {
            Console.WriteLine($"  {runs[i].Name, -34} {BenchmarkData.Median(speeds[i]), 8:0}");
        }

        for (var i = 1; i < runs.Length; i++)
        {
            var share = BenchmarkData.Median(speeds[0]) / BenchmarkData.Median(speeds[i]);
            Console.WriteLine(
                $"  Transform reaches {100 * share:0} % of \"{runs[i].Name}\" ({(share >= WantedShare ? "ok" : "TOO SLOW")}: "
                    + $"{100 * WantedShare:0} % wanted)"
            );
        }
    }

    private static void PlainLoop(ClipBackbone backbone, IReadOnlyList<ImageRow> rows, int values)
    {
        var pixels = new float[Batch * values];
        var features = new float[Batch * backbone.FeatureDimension];
        for (var start = 0; start < Count; start += Batch)
        {
            for (var i = 0; i < Batch; i++)
            {
                backbone.Preprocessor.Preprocess(ImageFile.Load(rows[start + i].ImagePath), pixels.AsSpan(i * values, values));
            }

            backbone.EncodeImages(pixels, Batch, features);
        }
    }

    private static void ModuleLoop(ClipBackbone backbone, float[] pixels, int values)
    {
        var features = new float[Batch * backbone.FeatureDimension];
        for (var start = 0; start < Count; start += Batch)
        {
            backbone.EncodeImages(pixels.AsSpan(start * values, Batch * values), Batch, features);
        }
    }
}
