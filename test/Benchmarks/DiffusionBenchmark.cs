using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using AirMLNet.Diffusion;
using AirMLNet.Options;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Two Stable Diffusion v1 models with random weights, a tiny one and one of a quarter of the width, against plain PyTorch
/// with the same weights, inputs and threads, in turns: a call of the UNet, a generation of 50 steps, a training step of LoRA
/// and peak memory. The UNet is also compared with PyTorch's trace of it in the LibTorch of this process.
/// AIRML_BENCH_THREADS, AIRML_BENCH_REPEATS, AIRML_BENCH_MODEL and AIRML_BENCH_PYTHON change what they name.
/// </summary>
internal static class DiffusionBenchmark
{
    private const int Steps = 50;
    private const double Guidance = 7.5;

    public static void Run()
    {
        var threads = BenchmarkData.Setting("AIRML_BENCH_THREADS", Environment.ProcessorCount);
        var repeats = BenchmarkData.Setting("AIRML_BENCH_REPEATS", 3);
        set_num_threads(threads);
        var only = Environment.GetEnvironmentVariable("AIRML_BENCH_MODEL");
        foreach (var (name, config, vae, text) in DiffusionBenchmarkModels.All())
        {
            if (only is { Length: > 0 } && only != name)
            {
                continue;
            }

            var folder = DiffusionBenchmarkModels.Write(name, config, vae, text);
            var script = Path.Combine(BenchmarkData.Root, "test", "Benchmarks", "Peer", "diffusion.py");
            var peers = StartPeers(script, threads);
            if (peers.Count == 0)
            {
                return;
            }

            try
            {
                Compare(name, config, folder, script, threads, repeats, peers);
            }
            finally
            {
                peers.ForEach(p => p.Process.Dispose());
            }
        }
    }

    private static void Compare(
        string name,
        UNet2DConditionConfig config,
        string folder,
        string script,
        int threads,
        int repeats,
        List<(PythonPeer Process, int Torch)> peers
    )
    {
        var versions = peers.Select(p => p.Process.Ask("load", folder, Text(p.Torch))).ToList();
        Console.WriteLine(
            $"{name}, {config.SampleSize.Height} x {config.SampleSize.Width} latents, against {versions[0]}, {threads} threads, "
                + $"best of {repeats} turns "
                + $"each"
        );
        using var model = StableDiffusionPipeline.Load(folder);
        var inputs = DiffusionBenchmarkModels.Inputs(folder, model);
        var calls = config.BlockOutChannels[0] < 64 ? 50 : 4;
        List<Taken>[] times =
        [
            [],
            [],
            [],
            [],
            [],
            [],
            [],
        ];
        var (trained, batch) = config.BlockOutChannels[0] < 64 ? (40, 8) : (3, 2);
        float[] picture = [];
        var file = Path.Combine(folder, "unet-trace.pt");
        peers[0].Process.Ask("trace", file, Text(config.SampleSize.Height), "2");
        using var trace = new TraceModel(file, ScalarType.Float32);
        Step((s, t, x) => trace.Run(s, t, x), config, calls);
        Step((s, t, x) => model.UNet.Forward(s, t, x), config, calls); // the first calls of a process are slow everywhere
        AskAll(peers, calls, "step", Text(config.SampleSize.Height), "2", Text(calls));
        Generate(model, inputs, out _, steps: 5);
        AskAll(
            peers,
            1,
            "generate",
            "5",
            Guidance.ToString(CultureInfo.InvariantCulture),
            inputs.Ids,
            inputs.Negative,
            inputs.Latents,
            inputs.Output
        );
        Train(model, batch, 2);
        AskAll(peers, 2, "lora", Text(config.SampleSize.Height), Text(batch), "16", "2");
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            times[0].Add(Step((s, t, x) => model.UNet.Forward(s, t, x), config, calls));
            times[6].Add(Step((s, t, x) => trace.Run(s, t, x), config, calls));
            times[1].AddRange(AskAll(peers, calls, "step", Text(config.SampleSize.Height), "2", Text(calls)));
            times[2].Add(Generate(model, inputs, out picture));
            times[3]
                .AddRange(
                    AskAll(
                        peers,
                        1,
                        "generate",
                        Text(Steps),
                        Guidance.ToString(CultureInfo.InvariantCulture),
                        inputs.Ids,
                        inputs.Negative,
                        inputs.Latents,
                        inputs.Output
                    )
                );
            times[4].Add(Train(model, batch, trained));
            times[5].AddRange(AskAll(peers, trained, "lora", Text(config.SampleSize.Height), Text(batch), "16", Text(trained)));
        }

        Line("UNet step, batch 2", times[0], times[6], 1.0, "trace");
        Line("UNet step, batch 2", times[0], times[1], 1.0);
        Line($"generation, {Steps} steps", times[2], times[3], 1.1);
        Line($"LoRA step, batch {batch}", times[4], times[5], 1.0);
        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(inputs.Output));
        var difference = 0f;
        for (var i = 0; i < expected.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs(expected[i] - picture[i]));
        }

        Console.WriteLine($"  largest difference of a picture to the peer's {difference:0.0e+00}, of 1");
        var (ours, theirs) = (PeakOf(folder, inputs, threads), PeerPeak(script, folder, inputs, threads));
        Console.WriteLine(
            $"  peak memory                {ours / 1e6, 9:0} MB, PyTorch {theirs / 1e6, 9:0} MB: {ours / theirs:0.00} × "
                + $"({(ours <= theirs ? "ok" : "TOO MUCH")}: 1.0 × at most)"
        );
    }

    /// <summary>
    /// PyTorch twice: its own threads with OpenBLAS on one, and the other way round. Both on all of them are more threads than
    /// processors, which made a step three times as slow; the better of the two counts.
    /// </summary>
    private static List<(PythonPeer Process, int Torch)> StartPeers(string script, int threads)
    {
        (int Torch, int Blas)[] settings = threads == 1 ? [(1, 1)] : [(threads, 1), (1, threads)];
        List<(PythonPeer, int)> peers = [];
        foreach (var (torch, blas) in settings)
        {
            if (PythonPeer.Start(script, blas) is not { } peer)
            {
                return [];
            }

            peers.Add((peer, torch));
        }

        return peers;
    }

    /// <summary>What each peer takes, one after the other.</summary>
    private static List<Taken> AskAll(List<(PythonPeer Process, int Torch)> peers, int calls, params string[] words) =>
        [.. peers.Select(p => Taken.Parse(p.Process.Ask(words), calls))];

    /// <summary>Generates once in this process and prints the most memory it held, in kB.</summary>
    public static void Child(string folder, string threads)
    {
        set_num_threads(int.Parse(threads, CultureInfo.InvariantCulture));
        using var model = StableDiffusionPipeline.Load(folder);
        Generate(model, DiffusionBenchmarkModels.Inputs(folder, model), out _);
        Console.WriteLine(MemoryBenchmark.PeakKilobytes());
    }

    private static Taken Step(Func<Tensor, Tensor, Tensor, Tensor> unet, UNet2DConditionConfig config, int calls)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(1);
        var sample = randn([2, 4, config.SampleSize.Height, config.SampleSize.Width], generator: generator);
        var text = randn([2, 77, config.CrossAttentionDim], generator: generator);
        var times = tensor(new long[] { 500, 500 });
        return Time(
            () =>
            {
                for (var i = 0; i < calls; i++)
                {
                    using var output = unet(sample, times, text);
                }
            },
            calls
        );
    }

    private static Taken Generate(
        StableDiffusionPipeline model,
        (string Ids, string Negative, string Latents, string Output) inputs,
        out float[] picture,
        int steps = Steps
    )
    {
        float[] result = [];
        var seconds = Time(() =>
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            var side = model.UNet.Config.SampleSize.Height;
            var latents = tensor(MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(inputs.Latents)).ToArray(), [1, 4, side, side]);
            using var run = model.Scheduler.Start(steps);
            using var conditions = model.UNet.Prepare(model.EncodePrompts(["", "a photo of a cat"]), [0, 1], run.Timesteps);
            var options = new StableDiffusionOptions { Guidance = Guidance };
            var end = StableDiffusionRun.Denoise(
                model,
                run,
                latents,
                conditions,
                options,
                () => throw new InvalidOperationException(),
                (_, _, _) => { }
            );
            result = MemoryMarshal.Cast<byte, float>(model.Decode(end).contiguous().bytes).ToArray();
        });
        picture = result;
        return seconds;
    }

    /// <summary>
    /// Rank 16 on the attentions, as <c>airml train lora</c> does; encoding the images beforehand is not counted on either side.
    /// </summary>
    private static Taken Train(StableDiffusionPipeline model, int batch, int steps)
    {
        var side = model.NativeHeight;
        var random = new Random(1);
        LoraExample[] examples =
        [
            .. Enumerable
                .Range(0, 16)
                .Select(i =>
                {
                    var pixels = new byte[3 * side * side];
                    random.NextBytes(pixels);
                    return new LoraExample($"{i}", () => new Images.RgbImage(side, side, pixels), $"a photo {i % 4}");
                }),
        ];
        var folder = Directory.CreateTempSubdirectory("airml-bench-lora-").FullName;
        try
        {
            using var process = Process.GetCurrentProcess();
            TimeSpan started = default;
            Stopwatch clock = new();
            var taken = new Taken();
            var progress = new DirectProgress(p =>
            {
                process.Refresh();
                if (p.Done == 1)
                {
                    (started, clock) = (process.TotalProcessorTime, Stopwatch.StartNew());
                }

                taken = new(
                    clock.Elapsed.TotalSeconds / Math.Max(1, steps),
                    (process.TotalProcessorTime - started).TotalSeconds / Math.Max(1, steps)
                );
            });
            // One step more than is counted: the clock starts when the first is done.
            new LoraTrainer(
                model,
                new()
                {
                    Steps = steps + 1,
                    BatchSize = batch,
                    HorizontalFlip = false,
                    CheckpointEvery = int.Max(steps + 1, 1000),
                    Progress = progress,
                }
            ).Train(examples, folder, 1);
            return taken;
        }
        finally
        {
            model.UnloadLora();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double PeakOf(string folder, (string Ids, string Negative, string Latents, string Output) inputs, int threads)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(DiffusionBenchmark).Assembly.Location);
        }

        foreach (var argument in new[] { "diffusion-child", folder, Text(threads) })
        {
            start.ArgumentList.Add(argument);
        }

        using var child = Process.Start(start)!;
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return 1024 * double.Parse(output, CultureInfo.InvariantCulture);
    }

    private static double PeerPeak(
        string script,
        string folder,
        (string Ids, string Negative, string Latents, string Output) inputs,
        int threads
    )
    {
        using var peer = PythonPeer.Start(script, 1)!;
        peer.Ask("load", folder, Text(threads));
        peer.Ask(
            "generate",
            Text(Steps),
            Guidance.ToString(CultureInfo.InvariantCulture),
            inputs.Ids,
            inputs.Negative,
            inputs.Latents,
            inputs.Output
        );
        return double.Parse(peer.Ask("memory"), CultureInfo.InvariantCulture);
    }

    private static void Line(string name, List<Taken> ours, List<Taken> theirs, double wanted, string other = "PyTorch")
    {
        var (a, b) = (ours.Min(t => t.Clock), theirs.Min(t => t.Clock));
        var processor = theirs.Min(t => t.Processor) / ours.Min(t => t.Processor);
        Console.WriteLine(
            $"  {name, -22} {a * 1000, 9:0.00} ms, {other, -7} {b * 1000, 9:0.00} ms: {b / a:0.00} × "
                + $"({(b >= wanted * a ? "ok" : "TOO SLOW")}: {wanted:0.0} × wanted); in processor time {processor:0.00} ×"
        );
    }

    private static Taken Time(Action work, int calls = 1)
    {
        using var process = Process.GetCurrentProcess();
        var (clock, processor) = (Stopwatch.StartNew(), process.TotalProcessorTime);
        work();
        process.Refresh();
        return new(clock.Elapsed.TotalSeconds / calls, (process.TotalProcessorTime - processor).TotalSeconds / calls);
    }

    /// <summary>Seconds on the clock and of the processor; the latter are disturbed less by what else runs.</summary>
    private readonly record struct Taken(double Clock, double Processor)
    {
        public static Taken Parse(string answer, int calls)
        {
            double[] seconds = [.. answer.Split(' ').Select(s => double.Parse(s, CultureInfo.InvariantCulture) / calls)];
            return new(seconds[0], seconds[1]);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
