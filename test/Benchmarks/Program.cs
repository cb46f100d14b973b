using AirMLNet.Benchmarks;

// `airml-bench [throughput|memory|epoch|pipeline]`; the memory benchmark runs itself again as a child with "memory-child N".
string[] known = ["throughput", "memory", "epoch", "pipeline"];
if (args is ["memory-child", var count])
{
    MemoryBenchmark.Child(int.Parse(count, System.Globalization.CultureInfo.InvariantCulture));
    return 0;
}

var unknown = args.Except(known).FirstOrDefault();
if (unknown != null)
{
    Console.Error.WriteLine($"bench: '{unknown}' is none of {string.Join(", ", known)}");
    return 2;
}

var chosen = args.Length == 0 ? known : args;
var clip = BenchmarkData.ClipFolder();
Console.WriteLine($"model {Path.GetFileName(clip)}, {Environment.ProcessorCount} processors, {TorchSharp.torch.get_num_threads()} LibTorch threads");
foreach (var name in chosen)
{
    Console.WriteLine();
    switch (name)
    {
        case "throughput": ThroughputBenchmark.Run(clip); break;
        case "memory": MemoryBenchmark.Run(); break;
        case "pipeline": PipelineBenchmark.Run(); break;
        default: EpochBenchmark.Run(clip); break;
    }
}

return 0;
