using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

namespace AirMLNet.Benchmarks;

/// <summary>
/// Peak memory of a process that encodes a folder through the pipeline and keeps every feature. Pixels must not pile up:
/// five times the images may cost little more than their features.
/// </summary>
internal static class MemoryBenchmark
{
    private const int Few = 2_000;
    private const int Many = 10_000;
    private const double AllowedMegabytes = 50;

    public static void Run()
    {
        BenchmarkData.Images(Many);
        var (few, many) = (PeakOf(Few), PeakOf(Many));
        Console.WriteLine($"peak memory, {Few} images:   {few:0.0} MB");
        Console.WriteLine($"peak memory, {Many} images:  {many:0.0} MB");
        var difference = many - few;
        Console.WriteLine(
            $"difference:                {difference:0.0} MB ({(difference < AllowedMegabytes ? "ok" : "TOO MUCH")}: under "
                + $"{AllowedMegabytes:0} MB wanted)"
        );
    }

    /// <summary>Encodes, then prints the peak of this process in kB.</summary>
    public static void Child(int count)
    {
        var ml = new MLContext(seed: 1);
        var view = ml.Data.LoadFromEnumerable(BenchmarkData.Images(count));
        var features = Features.Read(
            ml.Transforms.ClipFeature("Features", "ImagePath", BenchmarkData.ClipFolder()).Fit(view).Transform(view)
        );
        Console.WriteLine(PeakKilobytes());
        GC.KeepAlive(features);
    }

    private static double PeakOf(int count)
    {
        // A fresh process each: a peak cannot be reset.
        var peaks = Enumerable
            .Range(0, 3)
            .Select(_ =>
            {
                var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
                if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
                {
                    start.ArgumentList.Add(typeof(MemoryBenchmark).Assembly.Location);
                }

                start.ArgumentList.Add("memory-child");
                start.ArgumentList.Add(count.ToString(CultureInfo.InvariantCulture));
                using var child = Process.Start(start)!;
                var output = child.StandardOutput.ReadToEnd();
                child.WaitForExit();
                return child.ExitCode == 0
                    ? double.Parse(output, CultureInfo.InvariantCulture) / 1024
                    : throw new InvalidOperationException($"the child process failed with exit code {child.ExitCode}");
            });
        return BenchmarkData.Median([.. peaks]);
    }

    /// <summary>The most memory that this process has held, in kB.</summary>
    public static long PeakKilobytes()
    {
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', '\t', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
