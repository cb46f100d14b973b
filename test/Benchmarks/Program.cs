using System.Globalization;
using AirMLNet.Benchmarks;

// `airml-bench [NAME...]`, with the names below; some run this program again, as
// "memory-child N" and "diffusion-child FOLDER THREADS".
string[] known =
[
    "throughput",
    "memory",
    "epoch",
    "pipeline",
    "tokenizer",
    "air",
    "cache",
    "growth",
    "precision",
    "training",
    "synthesis",
    "clip",
    "diffusion",
];
if (args is ["memory-child", var count])
{
    MemoryBenchmark.Child(int.Parse(count, CultureInfo.InvariantCulture));
    return 0;
}

if (args is ["diffusion-child", var model, var threads])
{
    DiffusionBenchmark.Child(model, threads);
    return 0;
}

// For eng/gpu.sh, on a machine that has neither this repository nor the models.
if (args is ["gpu", var where, ..])
{
    GpuBenchmark.Run(where, small: args.Contains("small"));
    return 0;
}

var unknown = args.Except(known).FirstOrDefault();
if (unknown != null)
{
    Console.Error.WriteLine($"bench: '{unknown}' is none of {string.Join(", ", known)}");
    return 2;
}

// Only when asked for: photos that must be fetched first, and comparisons of whole models, which need Python and take minutes.
var chosen = args.Length == 0 ? known[..^5] : args;
var clip = BenchmarkData.ClipFolder();
Console.WriteLine(
    $"model {Path.GetFileName(clip)}, {Environment.ProcessorCount} processors, {TorchSharp.torch.get_num_threads()} LibTorch threads"
);
foreach (var name in chosen)
{
    Console.WriteLine();
    switch (name)
    {
        case "throughput":
            ThroughputBenchmark.Run(clip);
            break;
        case "memory":
            MemoryBenchmark.Run();
            break;
        case "tokenizer":
            TokenizerBenchmark.Run();
            break;
        case "air":
            AirBenchmark.Run(clip);
            break;
        case "cache":
            CacheBenchmark.Run(clip);
            break;
        case "growth":
            GrowthBenchmark.Run(clip);
            break;
        case "synthesis":
            SynthesisBenchmark.Run(clip);
            break;
        case "training":
            TrainingBenchmark.Run(clip);
            break;
        case "precision":
            PrecisionBenchmark.Run(clip);
            break;
        case "clip":
            ClipPeerBenchmark.Run();
            break;
        case "diffusion":
            DiffusionBenchmark.Run();
            break;
        case "pipeline":
            PipelineBenchmark.Run();
            break;
        default:
            EpochBenchmark.Run(clip);
            break;
    }
}

return 0;
