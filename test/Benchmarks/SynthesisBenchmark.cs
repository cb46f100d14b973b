using AirMLNet.Captions;
using AirMLNet.Diffusion;
using AirMLNet.Recipes;
using AirMLNet.Synthesis;
using Microsoft.ML;
using TorchSharp;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Images a second of the small diffusion model alone, and rows a second of all of T2I-PAL that begins with captions: nouns, an image of
/// each caption on disk, features of every place, training. What the pipeline costs beside the images is the difference.
/// AIRML_BENCH_THREADS and AIRML_BENCH_REPEATS change what they name.
/// </summary>
internal static class SynthesisBenchmark
{
    private const int Captions = 100;
    private static readonly string[] Names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    private static readonly StableDiffusionOptions Generation = new()
    {
        Steps = 20,
        Guidance = 4,
        BatchSize = 50,
    };

    public static void Run(string clip)
    {
        var diffusion = Path.Combine(BenchmarkData.Root, "models", "mini-diffusion");
        if (!Directory.Exists(diffusion))
        {
            Console.WriteLine($"synthesis: not run, there is no {diffusion}");
            return;
        }

        torch.set_num_threads(BenchmarkData.Setting("AIRML_BENCH_THREADS", torch.get_num_threads()));
        var work = Path.Combine(BenchmarkData.Root, "artifacts", "bench", "synthesis");
        var file = Path.Combine(BenchmarkData.Root, "artifacts", "bench", "captions.txt");
        string[] texts = [.. Enumerable.Range(0, Captions).Select(i => $"a photo of a {Names[i % 10]} and a {Names[(i + 3) % 10]}, {i}")];
        File.WriteAllLines(file, texts);
        using var model = StableDiffusionPipeline.Load(diffusion);
        var turns = new Turns();
        turns.Add(
            "images",
            Captions,
            () =>
            {
                // Without braces the count would be taken for seconds.
                _ = model.Generate([.. texts.Select((t, i) => new TextToImageRequest(t, i))], Generation).Count();
            }
        );
        turns.Add(
            "pipeline",
            Captions,
            () =>
            {
                if (Directory.Exists(work))
                {
                    Directory.Delete(work, recursive: true);
                }

                Fit(clip, diffusion, work, file);
            }
        );
        turns.Run(BenchmarkData.Setting("AIRML_BENCH_REPEATS", 3));
        Console.WriteLine(
            $"synthesis, mini-diffusion, {Generation.Steps} guided steps, {torch.get_num_threads()} threads: "
                + $"{turns.Rate("images"):0.0} images/s "
                + $"alone; T2I-PAL from {Captions} captions {turns.Rate("pipeline"):0.0} rows/s, "
                + $"{turns.Ratio("pipeline", "images"):0.00} of it"
        );
    }

    private static void Fit(string clip, string diffusion, string work, string captions)
    {
        var ml = new MLContext(seed: 1);
        var task = new MultiLabelTask
        {
            ClipFolder = clip,
            Nouns = new NounFilterOptions { ClassNames = Names },
            Synthesis = new DiffusionSynthesisOptions
            {
                ClipFolder = clip,
                ClassNames = Names,
                DiffusionFolder = diffusion,
                WorkFolder = work,
                ImagesPerCaption = 1,
                Generation = Generation,
            },
        };
        using var model = MultiLabelRecipe.T2iPal.Stages(ml, task).Fit(ml.Data.LoadCaptions(captions)).LastTransformer;
    }
}
