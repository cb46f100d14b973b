using System.Globalization;
using System.Runtime.InteropServices;
using AirMLNet.Clip;
using static AirMLNet.Clip.ClipPrecision;

namespace AirMLNet.Benchmarks;

/// <summary>
/// ViT-B/32 with random weights: the model alone against a trace of the plain network in the same LibTorch, ONNX Runtime and
/// Python's PyTorch, and the whole pipeline over JPEG files of about one megapixel against what decoding and encoding take one
/// after the other, and against PyTorch with Pillow. AIRML_BENCH_IMAGES, AIRML_BENCH_THREADS, AIRML_BENCH_REPEATS and
/// AIRML_BENCH_PYTHON change what they name.
/// </summary>
internal static class ClipPeerBenchmark
{
    private const int Batch = 64;
    private static readonly int Count = BenchmarkData.Setting("AIRML_BENCH_IMAGES", 256);
    private static readonly int Threads = BenchmarkData.Setting("AIRML_BENCH_THREADS", Environment.ProcessorCount);
    private static readonly ClipPrecision[] Precisions = [Float32, BFloat16];
    private static readonly int[] Batches = [16, Batch];

    public static void Run()
    {
        using var peer = PythonPeer.Start(ClipPeerFiles.Script, Threads);
        if (peer is null)
        {
            return;
        }

        var repeats = BenchmarkData.Setting("AIRML_BENCH_REPEATS", 5);
        TorchSharp.torch.set_num_threads(Threads);
        var files = new ClipPeerFiles(peer, Count, Threads);
        using var models = new ClipPeerModels(files, Threads, Batch);
        var turns = new Turns();
        AddModels(turns, models, peer);
        var pipeline = new ClipPeerPipeline(files.Images, files.Clip, models.Backbone, Batch, Threads);
        pipeline.AddTo(turns, Precisions);
        turns.Add("peer pipeline", Count, () => peer.Seconds("pipeline", files.Images, Text(Batch), files.Features), warmUp: false);
        turns.Run(repeats);

        Console.WriteLine(
            $"ViT-B/32 with random weights, {Threads} thread{(Threads == 1 ? "" : "s")} each; images/s, medians of {repeats} turns; ratios "
                + $"are medians of the turns' own"
        );
        Console.WriteLine($"peers: a trace in LibTorch {TorchSharp.torch.__version__}, ONNX Runtime {OnnxModel.Version}, {files.Peer}");
        PrintModels(turns);
        PrintPipeline(turns);
        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(files.Features)).ToArray();
        PrintFeatures(models, pipeline, expected);
    }

    private static void AddModels(Turns turns, ClipPeerModels models, PythonPeer peer)
    {
        foreach (var batch in Batches)
        {
            var calls = Batch / batch; // as many images whatever the batch
            void Add(string name, Func<float[]> encode) =>
                turns.Add(
                    $"{name} {batch}",
                    Batch,
                    () =>
                    {
                        for (var i = 0; i < calls; i++)
                        {
                            encode();
                        }
                    }
                );
            foreach (var precision in Precisions)
            {
                Add($"ours {precision}", models.Ours(precision, batch));
                Add($"trace {precision}", models.Trace(precision, batch));
            }

            Add($"onnx {Float32}", models.Onnx(batch));
            turns.Add($"peer {Float32} {batch}", Batch, () => peer.Seconds("model", Text(batch), Text(calls)));
        }
    }

    private static void PrintModels(Turns turns)
    {
        Console.WriteLine();
        Console.WriteLine(
            $"{"model alone", -22}{"here", 8}{"trace", 9}{"ratio", 8}  {"", -24}{"ONNX", 8}{"ratio", 8}{"PyTorch", 10}{"ratio", 8}"
        );
        foreach (var precision in Precisions)
        {
            foreach (var batch in Batches)
            {
                string Name(string who) => $"{who} {precision} {batch}";
                var verdict = Verdict(turns.Ratio(Name("ours"), Name("trace")), precision == Float32 ? 1.2 : 1.3);
                var others =
                    precision == Float32
                        ? $"{turns.Rate(Name("onnx")), 8:0.0}{turns.Ratio(Name("ours"), Name("onnx")), 8:0.00}"
                            + $"{turns.Rate(Name("peer")), 10:0.0}{turns.Ratio(Name("ours"), Name("peer")), 8:0.00}"
                        : $"{"-", 8}{"-", 8}{"-", 10}{"-", 8}";
                Console.WriteLine(
                    $"  {$"{Label(precision)}, batch {batch}", -20}{turns.Rate(Name("ours")), 8:0.0}"
                        + $"{turns.Rate(Name("trace")), 9:0.0}{verdict}{others}"
                );
            }
        }
    }

    private static void PrintPipeline(Turns turns)
    {
        Console.WriteLine();
        Console.WriteLine($"{"decoding and preprocessing", -26}{"here", 8}");
        Console.WriteLine($"  {"1 thread", -24}{turns.Rate("decode 1"), 8:0.0}");
        if (Threads > 1)
        {
            Console.WriteLine($"  {$"{Threads} threads", -24}{turns.Rate("decode"), 8:0.0}");
        }

        Console.WriteLine();
        Console.WriteLine(
            $"{$"whole pipeline, {Count} files", -22}{"here", 8}{"added", 9}{"ratio", 8}  {"", -24}{"PyTorch, Pillow", 18}{"ratio", 8}   "
                + $"(added: 1 / (1/decoding + 1/model))"
        );
        foreach (var precision in Precisions)
        {
            var model = $"ours {precision} {Batch}";
            var ours = $"pipeline {precision}";
            var verdict = Verdict(turns.Ratio(ours, turn => Added(turns.Rate("decode", turn), turns.Rate(model, turn))), 0.95);
            var other =
                precision == Float32
                    ? $"{turns.Rate("peer pipeline"), 18:0.0}{turns.Ratio(ours, "peer pipeline"), 8:0.00}"
                    : $"{"-", 18}{"-", 8}";
            Console.WriteLine(
                $"  {$"{Label(precision)}, batch {Batch}", -20}{turns.Rate(ours), 8:0.0}"
                    + $"{Added(turns.Rate("decode"), turns.Rate(model)), 9:0.0}{verdict}{other}"
            );
        }
    }

    private static void PrintFeatures(ClipPeerModels models, ClipPeerPipeline pipeline, float[] expected)
    {
        const int batch = 16;
        float[] ours = models.Ours(Float32, batch)(),
            half = models.Ours(BFloat16, batch)();
        Console.WriteLine();
        Console.WriteLine("largest difference of a feature");
        Differ("float32 to the trace", ours, models.Trace(Float32, batch)(), 1e-5);
        Differ("float32 to ONNX Runtime", ours, models.Onnx(batch)(), 1e-5);
        Differ("bfloat16 to the trace in bfloat16", half, models.Trace(BFloat16, batch)(), 5e-3);
        Differ("bfloat16 to float32", half, ours, 5e-3);
        Differ("whole pipeline to PyTorch and Pillow", pipeline.Features(Float32), expected, 1e-3);
    }

    private static void Differ(string name, float[] a, float[] b, double allowed)
    {
        var largest = a.Length == b.Length ? a.Zip(b).Max(p => Math.Abs(p.First - p.Second)) : float.NaN;
        Console.WriteLine($"  {name, -38}{largest, 8:0.0e+00}  {(largest <= allowed ? "ok" : "TOO MUCH")} ({allowed:0e+00} allowed)");
    }

    private static double Added(double decoding, double model) => 1 / ((1 / decoding) + (1 / model));

    private static string Verdict(double ratio, double wanted) =>
        $"{ratio, 8:0.00}  {$"{(ratio >= wanted ? "ok" : "TOO SLOW")} ({wanted:0.00} wanted)", -24}";

    private static string Label(ClipPrecision precision) => precision == Float32 ? "float32" : "bfloat16";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
