using AirMLNet.Features;
using AirMLNet.Prompts;
using Microsoft.ML;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Seconds of prompt training per epoch when features are computed once and kept, as the pipeline does, against encoding
/// the images again in every epoch, as a training loop over images does.
/// </summary>
internal static class EpochBenchmark
{
    private const int PerClass = 64;
    private const int Repeats = 5;
    private static readonly string[] Names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    public static void Run(string clip)
    {
        var ml = new MLContext(seed: 1);
        var rows = BenchmarkData.Images(PerClass * Names.Length);
        for (var i = 0; i < rows.Count; i++)
        {
            rows[i].Label = Names[i % Names.Length];
        }

        var images = ml.Data.LoadFromEnumerable(rows);
        var encoder = ml
            .Transforms.ClipFeature("Features", "ImagePath", new ClipFeatureOptions { ClipFolder = clip, KeepTrainingFeatures = false })
            .Fit(images);
        var cached = Keyed(ml, ml.Data.Cache(encoder.Transform(images)));
        Features.Read(cached);

        // What does not repeat with the epochs (class texts, schedule) drops out of a difference of two fits.
        var kept = Median(() => (Fit(ml, clip, cached, 7) - Fit(ml, clip, cached, 2)) / 5);
        var encoding = Median(() => BenchmarkData.Timed(() => Features.Read(encoder.Transform(images))));
        Console.WriteLine($"prompt training, {rows.Count} images of {Names.Length} classes, seconds per epoch, median of {Repeats}");
        Console.WriteLine($"  features kept                      {kept, 8:0.000}");
        Console.WriteLine(
            $"  images encoded again in each epoch {kept + encoding, 8:0.000}   ({encoding:0.000} of it for encoding; "
                + $"{(kept + encoding) / kept:0.0} times as long)"
        );
    }

    private static IDataView Keyed(MLContext ml, IDataView view) =>
        ml.Transforms.Conversion.MapValueToKey("LabelKey", "Label").Fit(view).Transform(view);

    private static double Fit(MLContext ml, string clip, IDataView features, int epochs) =>
        BenchmarkData.Timed(() =>
            ml
                .MulticlassClassification.Trainers.PromptAdapter(
                    new PromptAdapterOptions
                    {
                        ClipFolder = clip,
                        ClassNames = Names,
                        LabelColumn = "LabelKey",
                        Rounds = 1,
                        Epochs = epochs,
                    }
                )
                .Fit(features)
        );

    private static double Median(Func<double> measure) => BenchmarkData.Median([.. Enumerable.Range(0, Repeats).Select(_ => measure())]);
}
