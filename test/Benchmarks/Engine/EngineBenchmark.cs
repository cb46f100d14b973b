using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks.Engine;

/// <summary>The offline TorchSharp against Python's PyTorch on the same LibTorch, one thread each, taking turns.</summary>
internal static class EngineBenchmark
{
    private const string Python = "/usr/bin/python3";
    private const double WantedShapeNanoseconds = 20;

    // Name, what it is, calls per measurement, warm-ups, measurements, highest ratio wanted.
    private static readonly (string Name, string Title, int Calls, int WarmUps, int Repeats, double Wanted)[] Works =
    [
        ("add", "add of 4 elements", 50_000, 8, 31, 1.2),
        ("mlp", "3-layer MLP, AdamW step", 200, 8, 31, 0.8),
        ("forward", "ViT-B/32 forward, batch 16", 1, 1, 11, 1.02),
        ("backward", "ViT 192×6 forward and backward, batch 64", 1, 2, 15, 1.02),
    ];

    public static void Run()
    {
        Console.WriteLine($"engine: LibTorch {__version__}, one thread, medians; ratio: median over turns of ours to Python's, by the clock and, which other programs disturb less, in processor time");
        Console.WriteLine($"  {"",-42}{"ours",12}{"Python",12}{"ratio",8}{"CPU",9}   peak memory, ours and Python's");
        foreach (var work in Works)
        {
            Print(work);
        }

        Shape();
        Allocation();
    }

    private static void Print((string Name, string Title, int Calls, int WarmUps, int Repeats, double Wanted) work)
    {
        using var ours = new Side(Own(work.Name, work.Calls, work.WarmUps));
        using var theirs = File.Exists(Python) ? new Side(Other(work.Name, work.Calls, work.WarmUps)) : null;
        var (mine, other, ratios, busy) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var k = 0; k < work.Repeats; k++)
        {
            var here = ours.Go();
            mine.Add(here.Seconds);
            if (theirs != null)
            {
                var there = theirs.Go();
                other.Add(there.Seconds);
                ratios.Add(here.Seconds / there.Seconds);
                busy.Add(here.Processor / there.Processor);
            }
        }

        var peak = ours.End();
        if (theirs == null)
        {
            Console.WriteLine($"  {work.Title,-42}{Time(mine),12}   {peak:0} MB; no ratio: Python's torch is not installed");
            return;
        }

        var ratio = BenchmarkData.Median(ratios);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {work.Title,-42}{Time(mine),12}{Time(other),12}{ratio,7:0.000}×{BenchmarkData.Median(busy),8:0.000}×   {peak:0} MB, {theirs.End():0} MB ({(ratio <= work.Wanted ? "ok" : "TOO SLOW")}: {work.Wanted}× wanted)"));
    }

    private static void Shape()
    {
        const int Reads = 5_000_000;
        using var tensor = ones(2, 3);
        var times = Enumerable.Range(0, 9).Select(_ =>
        {
            var sum = 0L;
            var clock = Stopwatch.StartNew();
            for (var k = 0; k < Reads; k++)
            {
                sum += tensor.shape[1];
            }

            return sum == 3L * Reads ? clock.Elapsed.TotalNanoseconds / Reads : throw new InvalidOperationException("the shape is wrong");
        }).Skip(2).ToArray();
        var median = BenchmarkData.Median(times);
        Console.WriteLine($"  reading .shape: {median:0.0} ns ({(median <= WantedShapeNanoseconds ? "ok" : "TOO SLOW")}: {WantedShapeNanoseconds} ns wanted)");
    }

    private static void Allocation()
    {
        using var a = ones(3, 4);
        using var b = ones(4, 4);
        using var indices = zeros([2], int64);
        (string Name, Func<Tensor> Work)[] operators =
        [
            ("a + b", () => a + a), ("a * 2.0", () => a * 2.0), ("matmul", () => a.matmul(b)), ("sum", () => a.sum()), ("sum(1)", () => a.sum(1)), ("softmax", () => a.softmax(1)), ("relu", () => nn.functional.relu(a)),
            ("transpose", () => a.transpose(0, 1)), ("index_select", () => a.index_select(0, indices)), ("linear", () => nn.functional.linear(a, b)), ("view", () => a.view(4, 3)), ("a[0]", () => a[0]),
        ];
        var one = Bytes(() => a.alias());
        Console.WriteLine($"  managed bytes per call, of which one tensor object is {one}:");
        Console.WriteLine("    " + string.Join(", ", operators.Select(o => $"{o.Name} {Bytes(o.Work)}")));
    }

    private static long Bytes(Func<Tensor> work)
    {
        const int Calls = 2000;
        for (var k = 0; k < 200; k++)
        {
            work().Dispose();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var k = 0; k < Calls; k++)
        {
            work().Dispose();
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / Calls;
    }

    private static string Time(List<double> seconds)
    {
        var median = BenchmarkData.Median(seconds);
        return median < 1e-4 ? $"{median * 1e9:0} ns" : median < 0.1 ? $"{median * 1e6:0} µs" : $"{median * 1e3:0} ms";
    }

    private static ProcessStartInfo Own(string name, int calls, int warmUps)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!);
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(EngineBenchmark).Assembly.Location);
        }

        start.ArgumentList.Add("engine-child");
        return With(start, name, calls, warmUps);
    }

    private static ProcessStartInfo Other(string name, int calls, int warmUps)
    {
        var start = new ProcessStartInfo(Python);
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Engine", "engine.py"));
        return With(start, name, calls, warmUps);
    }

    private static ProcessStartInfo With(ProcessStartInfo start, string name, int calls, int warmUps)
    {
        start.ArgumentList.Add(name);
        start.ArgumentList.Add(calls.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add(warmUps.ToString(CultureInfo.InvariantCulture));
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["OPENBLAS_NUM_THREADS"] = "1";
        (start.RedirectStandardInput, start.RedirectStandardOutput) = (true, true);
        return start;
    }

    /// <summary>A process that waits for its turns.</summary>
    private sealed class Side : IDisposable
    {
        private readonly Process process;

        public Side(ProcessStartInfo start)
        {
            process = Process.Start(start)!;
            if (Read() != "ready")
            {
                throw new InvalidOperationException($"{start.FileName} did not start the benchmark");
            }
        }

        public (double Seconds, double Processor) Go()
        {
            process.StandardInput.WriteLine("go");
            process.StandardInput.Flush();
            var numbers = Read().Split(' ');
            return (double.Parse(numbers[0], CultureInfo.InvariantCulture), double.Parse(numbers[1], CultureInfo.InvariantCulture));
        }

        /// <summary>Ends the process and gives its peak memory in MB.</summary>
        public double End()
        {
            process.StandardInput.WriteLine("end");
            process.StandardInput.Flush();
            return double.Parse(Read(), CultureInfo.InvariantCulture) / 1024;
        }

        public void Dispose()
        {
            process.StandardInput.Close();
            process.WaitForExit();
            process.Dispose();
        }

        private string Read() => process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the benchmark's other process ended");
    }
}
