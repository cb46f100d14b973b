using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Training;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks;

/// <summary>
/// ViT-B/32 with random weights on 512 JPEG files of about one megapixel, against plain PyTorch with Pillow with the same
/// weights, files, batch and threads, in turns. AIRML_BENCH_IMAGES, AIRML_BENCH_THREADS, AIRML_BENCH_REPEATS and
/// AIRML_BENCH_PYTHON change what they name.
/// </summary>
internal static class ClipPeerBenchmark
{
    private static readonly int Count = BenchmarkData.Setting("AIRML_BENCH_IMAGES", 512);
    private const int Batch = 64;
    private const int ModelRuns = 2;

    public static void Run()
    {
        var root = Path.Combine(BenchmarkData.Root, "artifacts", "bench");
        var images = Path.Combine(root, "jpeg-" + Count.ToString(CultureInfo.InvariantCulture));
        var clip = Model(Path.Combine(root, "vit-b-32"));
        var threads = BenchmarkData.Setting("AIRML_BENCH_THREADS", Environment.ProcessorCount);
        using var peer = PythonPeer.Start(Path.Combine(BenchmarkData.Root, "test", "Benchmarks", "Peer", "clip_vit.py"), threads);
        if (peer is null)
        {
            return;
        }

        var repeats = BenchmarkData.Setting("AIRML_BENCH_REPEATS", 3);
        set_num_threads(threads);
        peer.Ask("images", images, Count.ToString(CultureInfo.InvariantCulture));
        Console.WriteLine($"peer: {peer.Ask("load", Path.Combine(clip, "model.safetensors"), threads.ToString(CultureInfo.InvariantCulture))}, {threads} threads");
        var rows = Directory.GetFiles(images, "*.jpg").Order(StringComparer.Ordinal).Select(p => new ImageRow { ImagePath = p }).ToList();
        var ml = new MLContext(seed: 1);
        var view = ml.Data.LoadFromEnumerable(rows);
        using var stage = Stage(ml, clip, ClipPrecision.Float32).Fit(view);
        using var half = Stage(ml, clip, ClipPrecision.BFloat16).Fit(view);
        var backbone = ClipBackbone.Acquire(clip);

        List<double>[] times = [[], [], [], [], [], [], []];
        var output = Path.Combine(root, "peer-features.bin");
        float[] features = [], halved = [];
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            times[0].Add(Time(() => features = [.. Features.Read(stage.Transform(view)).SelectMany(f => f)]));
            times[1].Add(peer.Seconds("pipeline", images, Batch.ToString(CultureInfo.InvariantCulture), output));
            times[2].Add(Time(() => ModelOnly(backbone)));
            times[3].Add(peer.Seconds("model", Batch.ToString(CultureInfo.InvariantCulture), ModelRuns.ToString(CultureInfo.InvariantCulture)));
            times[4].Add(Time(() => MatrixProducts(backbone.Model.Config.Vision)));
            times[5].Add(Time(() => halved = [.. Features.Read(half.Transform(view)).SelectMany(f => f)]));
            times[6].Add(Time(() => Preprocess(backbone, rows)));
        }

        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(output)).ToArray();
        backbone.Release();
        var best = times.Select(t => t.Min()).ToArray();
        Console.WriteLine($"best of {repeats} runs in turns, {Count} images, batches of {Batch}");
        Line("whole pipeline", Count / best[0], Count / best[1], 1.3);
        Line("model only", Batch * ModelRuns / best[2], Batch * ModelRuns / best[3], 1.0);
        Console.WriteLine($"  whole pipeline in bfloat16         {Count / best[5],8:0.0} images/s");
        Console.WriteLine($"  decoding and preprocessing alone   {Count / best[6],8:0.0} images/s, one thread");
        var outside = 1 - (best[4] / best[2]);
        Console.WriteLine($"  model time outside matrix products {100 * outside,8:0.0} % ({(outside <= 0.15 ? "ok" : "TOO MUCH")}: 15 % allowed)");
        Console.WriteLine($"  largest difference of a feature    {Largest(features, expected):0.0e+00} to the peer's; bfloat16 to float32 {Largest(features, halved):0.0e+00}, cosine at least {Cosine(features, halved, 512):0.00000}");
    }

    private static ClipFeatureEstimator Stage(MLContext ml, string clip, ClipPrecision precision) => ml.Transforms.ClipFeature(
        "Features", "ImagePath", new ClipFeatureOptions { ClipFolder = clip, BatchSize = Batch, Precision = precision, KeepTrainingFeatures = false });

    private static void Line(string name, double ours, double theirs, double wanted) => Console.WriteLine(
        $"  {name,-18} {ours,8:0.0} images/s, PyTorch {theirs,8:0.0}: {ours / theirs:0.00} × ({(ours >= wanted * theirs ? "ok" : "TOO SLOW")}: {wanted:0.0} × wanted)");

    private static void ModelOnly(ClipBackbone backbone)
    {
        var pixels = new float[Batch * 3 * 224 * 224];
        var random = new Random(1);
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = random.NextSingle() - 0.5f;
        }

        var features = new float[Batch * backbone.FeatureDimension];
        for (var i = 0; i < ModelRuns; i++)
        {
            backbone.EncodeImages(pixels, Batch, features);
        }
    }

    private static void Preprocess(ClipBackbone backbone, List<ImageRow> rows)
    {
        var pixels = new float[3 * 224 * 224];
        foreach (var row in rows)
        {
            backbone.Preprocessor.Preprocess(Images.ImageFile.Load(row.ImagePath), pixels);
        }
    }

    /// <summary>The matrix products of the tower alone, in the shapes in which it makes them.</summary>
    private static void MatrixProducts(ClipVisionConfig c)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        long tokens = 1 + c.Patches, rows = Batch * tokens, w = c.HiddenSize, inner = c.IntermediateSize, head = w / c.Heads, heads = Batch * c.Heads;
        var products = new List<(Tensor A, Tensor B, bool Batched, int Times)>
        {
            (rand(Batch * c.Patches, 3 * c.PatchSize * c.PatchSize), rand(w, 3 * c.PatchSize * c.PatchSize), false, 1),
            (rand(rows, w), rand(w, w), false, 4 * (c.Layers - 1)),
            (rand(rows, w), rand(inner, w), false, c.Layers - 1),
            (rand(rows, inner), rand(w, inner), false, c.Layers - 1),
            (rand(heads, tokens, head), rand(heads, head, tokens), true, c.Layers - 1),
            (rand(heads, tokens, tokens), rand(heads, tokens, head), true, c.Layers - 1),
            (rand(rows, w), rand(w, w), false, 2), // keys and values of the last block; the rest of it sees one token
        };
        for (var run = 0; run < ModelRuns; run++)
        {
            foreach (var (a, b, batched, times) in products)
            {
                for (var i = 0; i < times; i++)
                {
                    using var product = batched ? a.bmm(b) : nn.functional.linear(a, b);
                }
            }
        }
    }

    private static double Time(Action work)
    {
        var clock = Stopwatch.StartNew();
        work();
        return clock.Elapsed.TotalSeconds;
    }

    private static float Largest(float[] a, float[] b) => a.Length == b.Length ? a.Zip(b).Max(p => Math.Abs(p.First - p.Second)) : float.NaN;

    private static double Cosine(float[] a, float[] b, int dimension) => Enumerable.Range(0, a.Length / dimension)
        .Min(i => Enumerable.Range(i * dimension, dimension).Sum(k => (double)a[k] * b[k]));

    private static string Model(string folder)
    {
        if (File.Exists(Path.Combine(folder, "preprocessor_config.json")))
        {
            return folder;
        }

        var vocabulary = BytePairLearner.Learn(["a photo of a cat"], 8, 32, folder);
        using var generator = new Generator(1);
        using var model = new ClipModel(new ClipConfig { Text = new() { ContextLength = 32, VocabularySize = vocabulary } }, generator);
        MiniClipModelFiles.Write(model, folder);
        model.Save(folder, ScalarType.Float32); // the peer reads this type only
        return folder;
    }
}
