using System.Diagnostics;
using AirMLNet.Data;
using AirMLNet.Tool.Output;
using Microsoft.ML;

namespace AirMLNet.Tool.Pipelines;

/// <summary>One timed part of a comparison.</summary>
internal sealed record TimedStep(string Name, double Seconds);

/// <summary>Accuracies of one method over the seeds; the spread is the sample standard deviation.</summary>
internal sealed record MethodScore(string Method, string Title, IReadOnlyList<double> Accuracies, double FitSeconds)
{
    public double Mean => Accuracies.Average();

    public double Spread => Accuracies.Count < 2 ? 0 : Math.Sqrt(Accuracies.Sum(a => (a - Mean) * (a - Mean)) / (Accuracies.Count - 1));
}

/// <summary>What <c>airml compare</c> found.</summary>
internal sealed record Comparison(int PoolImages, int TestImages, IReadOnlyList<MethodScore> Methods, IReadOnlyList<TimedStep> Steps);

/// <summary>Encodes pool and test images once, then fits and scores each method with each seed on the cached features.</summary>
internal sealed class ComparisonRun(AdaptPlan plan, bool skipUnreadable, CancellationToken cancellation)
{
    private readonly List<TimedStep> _steps = [];

    public Comparison Run(string poolFolder, string testFolder, IReadOnlyList<AdaptMethod> methods, IReadOnlyList<int> seeds)
    {
        var ml = new MLContext(seed: 1);
        var (pool, test) = Timed("check images", () =>
        {
            var testRows = Photos.Open(testFolder, labels: true, skipUnreadable, cancellation);
            LabelledImages.MatchLabels(testRows, [.. plan.ClassNames], testFolder);
            return (Photos.Open(poolFolder, labels: false, skipUnreadable, cancellation), testRows);
        });
        var poolFeatures = Encode(ml, pool, "pool");
        var testFeatures = Encode(ml, test, "test");
        return new Comparison(pool.Count, test.Count, [.. methods.Select(method => Score(method, seeds, poolFeatures, testFeatures))], _steps);
    }

    private IDataView Encode(MLContext ml, IReadOnlyList<ImageRow> rows, string what) =>
        Timed($"encode {rows.Count} {what} images", () => Terminal.Work($"Encoding {what} images", rows.Count, step =>
        {
            var view = ml.Data.LoadFromEnumerable(Terminal.Counted(rows, step, cancellation));
            var encoded = AdaptChain.Encoder(ml, plan, cancellation).Fit(view).Transform(view);
            var cached = ml.Data.Cache(encoded, "Features", "Label");
            // The cache fills when it is read: read it here, so that no method pays for the encoding.
            using var cursor = cached.GetRowCursor([cached.Schema["Features"], cached.Schema["Label"]]);
            while (cursor.MoveNext())
            {
            }

            return cached;
        }));

    private MethodScore Score(AdaptMethod method, IReadOnlyList<int> seeds, IDataView pool, IDataView test)
    {
        var name = AdaptPlan.Methods.First(pair => pair.Value == method).Key;
        var accuracies = new List<double>();
        var fitting = 0.0;
        foreach (var seed in seeds)
        {
            accuracies.Add(Timed($"{name}, seed {seed}", () => Terminal.Work($"{name}, seed {seed}", 1, step =>
            {
                // A fresh context per seed: its seed is the only one.
                var ml = new MLContext(seed);
                var clock = Stopwatch.StartNew();
                var model = AdaptChain.ForFeatures(ml, plan with { Method = method }, step, cancellation).Fit(pool);
                fitting += clock.Elapsed.TotalSeconds;
                return LabelledImages.Of(ml, model.Transform(test), [.. plan.ClassNames]).MicroAccuracy;
            })));
        }

        return new MethodScore(name, AdaptChain.Title(method), accuracies, fitting / Math.Max(seeds.Count, 1));
    }

    private T Timed<T>(string name, Func<T> work)
    {
        var clock = Stopwatch.StartNew();
        var result = work();
        _steps.Add(new TimedStep(name, clock.Elapsed.TotalSeconds));
        return result;
    }
}
