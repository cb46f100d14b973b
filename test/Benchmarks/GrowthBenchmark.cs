using System.Globalization;
using AirMLNet.Features;
using AirMLNet.Prompts;
using AirMLNet.ZeroShot;
using Microsoft.ML;
using Microsoft.ML.Data;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace AirMLNet.Benchmarks;

/// <summary>
/// How cost grows with the number of images, their size, the number of classes and that of rounds. Behind each figure stands its growth:
/// the power of the size that it followed since the figure before; 1 is in proportion, 0 is none.
/// </summary>
internal static class GrowthBenchmark
{
    private const int Repeats = 3;
    private const int Rows = 1000;

    public static void Run(string clip)
    {
        var ml = new MLContext(seed: 1);
        Images(ml, clip);
        Sizes(ml, clip);
        var features = Features.Read(Encoder(ml, clip).Transform(ml.Data.LoadFromEnumerable(BenchmarkData.Images(Rows))));
        Classes(ml, clip, features);
        Rounds(ml, clip, features);
    }

    private static void Images(MLContext ml, string clip)
    {
        var encoder = Encoder(ml, clip);
        Table(
            "images of 32×32 pixels: seconds of Transform",
            [250, 500, 1000, 2000, 4000],
            count =>
            {
                var view = ml.Data.LoadFromEnumerable(BenchmarkData.Images(count));
                return () => Features.Read(encoder.Transform(view));
            }
        );
    }

    private static void Sizes(MLContext ml, string clip)
    {
        const int Count = 16;
        var encoder = Encoder(ml, clip);
        Table(
            $"image size, thousands of pixels: seconds of Transform, {Count} JPEG files",
            [250, 1000, 4000, 16_000],
            thousands =>
            {
                var path = Jpeg(thousands);
                var view = ml.Data.LoadFromEnumerable(Enumerable.Repeat(new Data.ImageRow { ImagePath = path }, Count));
                return () => Features.Read(encoder.Transform(view));
            }
        );
    }

    private static void Classes(MLContext ml, string clip, List<float[]> features)
    {
        var texts = 0;
        Table(
            "classes: seconds of a zero-shot fit, with names that were not seen before",
            [10, 100, 1000],
            classes =>
            {
                var view = View(ml, features, Names(classes));
                return () =>
                    ml
                        .MulticlassClassification.Trainers.ZeroShot(
                            new ZeroShotOptions { ClipFolder = clip, ClassNames = Names(classes, $"{texts++}") }
                        )
                        .Fit(view);
            }
        );
        Table(
            $"classes: seconds of scoring {Rows} features",
            [10, 100, 1000],
            classes =>
            {
                var view = View(ml, features, Names(classes));
                var options = new ZeroShotOptions { ClipFolder = clip, ClassNames = Names(classes) };
                var model = ml.MulticlassClassification.Trainers.ZeroShot(options).Fit(view);
                return () =>
                {
                    _ = model.Transform(view).GetColumn<float[]>("Score").Count();
                };
            }
        );
        Table(
            $"classes: seconds of an epoch of prompt training, {Rows} labels, batches of 64",
            [10, 30, 100, 300, 1000],
            classes =>
            {
                // What does not repeat with the epochs drops out of a difference of two fits.
                var view = View(ml, features, Names(classes));
                var options = Options(clip, classes) with { Rounds = 1, PerClass = Math.Max(1, Rows / classes) };
                void Fit(int epochs) => ml.MulticlassClassification.Trainers.PromptAdapter(options with { Epochs = epochs }).Fit(view);
                return () => BenchmarkData.Timed(() => Fit(2)) - BenchmarkData.Timed(() => Fit(1));
            }
        );
    }

    private static void Rounds(MLContext ml, string clip, List<float[]> features) =>
        Table(
            $"rounds: seconds of a fit, {Rows} features, 10 classes, 16 labels of each in every round, 5 epochs a round",
            [1, 2, 4, 8, 16],
            rounds =>
            {
                var view = View(ml, features, Names(10));
                var options = Options(clip, 10) with { Rounds = rounds, Epochs = 5 };
                return () => ml.MulticlassClassification.Trainers.PromptAdapter(options).Fit(view);
            }
        );

    private static IDataView View(MLContext ml, List<float[]> features, string[] names)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, features[0].Length);
        var view = ml.Data.LoadFromEnumerable(features.Select((f, i) => new Row { Features = f, Name = names[i % names.Length] }), schema);
        var keys = ml.Data.LoadFromEnumerable(names.Select(n => new ClassName { Name = n }));
        return ml.Data.Cache(ml.Transforms.Conversion.MapValueToKey("PseudoLabel", "Name", keyData: keys).Fit(view).Transform(view));
    }

    private static PromptAdapterOptions Options(string clip, int classes) =>
        new()
        {
            ClipFolder = clip,
            ClassNames = Names(classes),
            BatchSize = 64,
        };

    private static ITransformer Encoder(MLContext ml, string clip) =>
        ml
            .Transforms.ClipFeature("Features", "ImagePath", new ClipFeatureOptions { ClipFolder = clip, KeepTrainingFeatures = false })
            .Fit(ml.Data.LoadFromEnumerable(BenchmarkData.Images(1)));

    // Two syllables and a number: texts of three to five tokens, all different.
    private static string[] Names(int count, string more = "")
    {
        string[] syllables = ["ka", "lo", "mi", "ren", "tu", "sa", "vel", "bor", "nek", "din"];
        return [.. Enumerable.Range(0, count).Select(i => $"{syllables[i % 10]}{syllables[i / 10 % 10]} {i} {more}".Trim())];
    }

    private static string Jpeg(int thousands)
    {
        var path = Path.Combine(BenchmarkData.Root, "artifacts", "bench", $"growth-{thousands.ToString(CultureInfo.InvariantCulture)}.jpg");
        if (!File.Exists(path))
        {
            var photo = BenchmarkData.Photo(1, (int)Math.Sqrt(thousands * 1000.0));
            using var image = Image.LoadPixelData<Rgb24>(photo.Pixels.ToArray(), photo.Width, photo.Height);
            image.SaveAsJpeg(path);
        }

        return path;
    }

    private static void Table(string what, int[] sizes, Func<int, Action> work) =>
        Table(
            what,
            sizes,
            size =>
            {
                var run = work(size);
                return () => BenchmarkData.Timed(run);
            }
        );

    private static void Table(string what, int[] sizes, Func<int, Func<double>> seconds)
    {
        Console.WriteLine($"{what}, median of {Repeats}");
        var (lastSize, last) = (0, 0.0);
        foreach (var size in sizes)
        {
            var measure = seconds(size);
            measure();
            var taken = BenchmarkData.Median([.. Enumerable.Range(0, Repeats).Select(_ => measure())]);
            var growth = last > 0 ? Math.Log(taken / last) / Math.Log((double)size / lastSize) : double.NaN;
            Console.WriteLine($"  {size, 8:N0} {taken, 9:0.000} s {(last > 0 ? $"{growth, 6:0.00}" : "")}");
            (lastSize, last) = (size, taken);
        }
    }

    private sealed class Row
    {
        public float[] Features { get; set; } = [];

        public string Name { get; set; } = "";
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}
