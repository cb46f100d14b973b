using System.Diagnostics;
using AirMLNet.Data;
using AirMLNet.Features;
using AirMLNet.Pipeline;
using AirMLNet.Recipes;
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
internal sealed record MethodComparison(int PoolImages, int TestImages, IReadOnlyList<MethodScore> Methods, IReadOnlyList<TimedStep> Steps);

/// <summary>Encodes pool and test images once, then fits and scores each method with each seed on the cached features.</summary>
internal sealed class ComparisonRun(
    AdaptSettings settings,
    DeviceChoice device,
    bool skipUnreadable,
    double? share,
    bool sideBySide,
    CancellationToken cancellation
)
{
    private readonly List<TimedStep> _steps = [];

    public MethodComparison Run(string poolFolder, string testFolder, IReadOnlyList<Recipe> recipes, IReadOnlyList<int> seeds)
    {
        var ml = device.Context(seed: 1);
        var (pool, test) = Timed(
            "check images",
            () =>
            {
                var testRows = Photos.Open(testFolder, labels: true, skipUnreadable, cancellation);
                ImageLabels.MatchLabels(testRows, [.. settings.ClassNames], testFolder);
                return (Photos.Pool(poolFolder, labels: false, skipUnreadable, cancellation), testRows);
            }
        );
        if (share is { } part)
        {
            // Of the first seed for all: what the seeds tell apart is the training.
            pool = [.. PoolShare.Choose(pool.Count, part, seeds[0]).Select(i => pool[i])];
        }

        var poolFeatures = Encode(ml, pool, "pool");
        var testFeatures = Encode(ml, test, "test");
        return new MethodComparison(pool.Count, test.Count, Score(recipes, seeds, poolFeatures, testFeatures), _steps);
    }

    private IDataView Encode(MLContext ml, IReadOnlyList<ImageRow> rows, string what) =>
        Timed(
            $"encode {rows.Count} {what} images",
            () =>
                Terminal.Work(
                    $"Encoding {what} images",
                    rows.Count,
                    step =>
                    {
                        var view = ml.Data.LoadFromEnumerable(Terminal.Counted(rows, step, cancellation));
                        var encoded = ml
                            .Transforms.ClipFeature(
                                "Features",
                                "ImagePath",
                                new ClipFeatureOptions { ClipFolder = settings.ClipFolder, CancellationToken = cancellation }
                            )
                            .Fit(view)
                            .Transform(view);
                        var cached = ml.Data.Cache(encoded, "Features", "Label");
                        // The cache fills when it is read: read it here, so that no method pays for the encoding.
                        using var cursor = cached.GetRowCursor([cached.Schema["Features"], cached.Schema["Label"]]);
                        while (cursor.MoveNext()) { }

                        return cached;
                    }
                )
        );

    /// <summary>
    /// Every method with every seed. Fits whose operators want one thread run side by side; a model is the same as when it is fitted
    /// alone, since that is decided by the model and not by who else computes.
    /// </summary>
    private List<MethodScore> Score(IReadOnlyList<Recipe> recipes, IReadOnlyList<int> seeds, IDataView pool, IDataView test)
    {
        (Recipe Recipe, int Seed)[] runs = [.. recipes.SelectMany(recipe => seeds.Select(seed => (recipe, seed)))];
        var results = new (double Accuracy, double FitSeconds)[runs.Length];
        var done = 0;
        Terminal.Work(
            $"{runs.Length} fits",
            runs.Length,
            step =>
            {
                var side = new ParallelOptions
                {
                    CancellationToken = cancellation,
                    MaxDegreeOfParallelism = sideBySide ? Environment.ProcessorCount : 1,
                };
                Parallel.For(
                    0,
                    runs.Length,
                    side,
                    i =>
                    {
                        var name = $"{runs[i].Recipe.Name}, seed {runs[i].Seed}";
                        results[i] = Timed(name, () => Score(runs[i].Recipe, runs[i].Seed, pool, test));
                        step.Report(Interlocked.Increment(ref done), runs.Length, name);
                    }
                );
                return 0;
            }
        );
        return
        [
            .. recipes
                .Select((recipe, m) => (Recipe: recipe, Own: results.Skip(m * seeds.Count).Take(seeds.Count).ToArray()))
                .Select(r => new MethodScore(
                    r.Recipe.Name,
                    r.Recipe.Title,
                    [.. r.Own.Select(o => o.Accuracy)],
                    r.Own.Average(o => o.FitSeconds)
                )),
        ];
    }

    private (double Accuracy, double FitSeconds) Score(Recipe recipe, int seed, IDataView pool, IDataView test)
    {
        // A fresh context per seed: its seed is the only one.
        var ml = device.Context(seed);
        if (recipe.FineTune is not null)
        {
            Terminal.Listen(ml, verbose: false); // whose texts are they, and which are missing
        }

        var work = recipe.FineTune is null ? null : Directory.CreateTempSubdirectory("airml-tuned-");
        try
        {
            var clock = Stopwatch.StartNew();
            var model = Fit(ml, settings with { Recipe = recipe, Work = work?.FullName }, pool, cancellation);
            var fitting = clock.Elapsed.TotalSeconds;
            var accuracy = Accuracy(ml, model.Transform(test));
            (model as IDisposable)?.Dispose();
            return (accuracy, fitting);
        }
        finally
        {
            work?.Delete(recursive: true);
        }
    }

    /// <summary>The share of right answers; an image without a predicted class counts as wrong.</summary>
    private double Accuracy(MLContext ml, IDataView scored)
    {
        var keyed = ImageLabels.WithKeys(ml, scored, settings.ClassNames);
        using var cursor = keyed.GetRowCursor([keyed.Schema["PredictedLabel"], keyed.Schema[AdaptSettings.LabelColumn]]);
        var predicted = cursor.GetGetter<uint>(keyed.Schema["PredictedLabel"]);
        var wanted = cursor.GetGetter<uint>(keyed.Schema[AdaptSettings.LabelColumn]);
        int rows = 0,
            right = 0;
        while (cursor.MoveNext())
        {
            uint a = 0,
                b = 0;
            predicted(ref a);
            wanted(ref b);
            rows++;
            right += a == b && b > 0 ? 1 : 0;
        }
        return right / (double)Math.Max(1, rows);
    }

    /// <summary>Fits to features: the same model as <see cref="AdaptRun.Fit"/> from the images.</summary>
    internal static ITransformer Fit(MLContext ml, AdaptSettings settings, IDataView features, CancellationToken cancellation) =>
        settings.Recipe.Stages(ml, settings.Task(hasFeatures: true) with { CancellationToken = cancellation }).Fit(features);

    private T Timed<T>(string name, Func<T> work)
    {
        var clock = Stopwatch.StartNew();
        var result = work();
        lock (_steps)
        {
            _steps.Add(new TimedStep(name, clock.Elapsed.TotalSeconds));
        }

        return result;
    }
}
