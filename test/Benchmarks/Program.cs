using AirMLNet.Benchmarks;

// `airml-bench [throughput|memory|epoch|tokenizer|clip]`; the memory benchmark runs itself again as a child with "memory-child N".
string[] known = ["throughput", "memory", "epoch", "tokenizer", "clip"];
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

// The comparison with PyTorch takes minutes and needs Python: only when asked for.
var chosen = args.Length == 0 ? known[..^1] : args;
var clip = BenchmarkData.ClipFolder();
Console.WriteLine($"model {Path.GetFileName(clip)}, {Environment.ProcessorCount} processors, {TorchSharp.torch.get_num_threads()} LibTorch threads");
foreach (var name in chosen)
{
    Console.WriteLine();
    switch (name)
    {
        case "throughput": ThroughputBenchmark.Run(clip); break;
        case "memory": MemoryBenchmark.Run(); break;
        case "tokenizer": TokenizerBenchmark.Run(); break;
        case "clip": ClipPeerBenchmark.Run(); break;
        default: EpochBenchmark.Run(clip); break;
    }
}

return 0;
