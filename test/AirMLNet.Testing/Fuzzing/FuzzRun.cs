using System.Diagnostics;
using System.Globalization;

namespace AirMLNet.Testing;

/// <summary>
/// Reads many damaged files: each is read, or refused with an exception that is documented. AIRMLNET_FUZZ_INPUTS says how many are tried
/// of each reader and sets a limit to the processor time of each (eng/fuzz.sh: 5 s) and to what the process may grow by.
/// </summary>
public static class FuzzRun
{
    private static readonly string? Asked = Environment.GetEnvironmentVariable("AIRMLNET_FUZZ_INPUTS");
    private static readonly TimeSpan MostTime = Asked is { Length: > 0 } ? TimeSpan.FromSeconds(5) : Timeout.InfiniteTimeSpan;

    // Of the clock, on a machine that is busy with something else.
    private static readonly TimeSpan MostWait = 24 * TimeSpan.FromSeconds(5);

    /// <summary>Inputs where nobody asked for a number.</summary>
    public const int Few = 300;

    // Of one input, all managed memory that the thread which reads it asks for, one after the other; and what the process may grow by over
    // all of a reader's.
    private const long MostAllocated = 128L << 20,
        MostGrowth = 512L << 20;

    /// <summary>Tries a reader.</summary>
    /// <param name="reader">Its name, for the report.</param>
    /// <param name="make">Makes the next input.</param>
    /// <param name="read">Reads one; true where it is read, false where it is refused with a documented exception.</param>
    /// <returns>A line for the report.</returns>
    /// <exception cref="InvalidOperationException">An input ended in anything else; it is kept and named.</exception>
    public static string Run(string reader, Func<byte[]> make, Func<byte[], bool> read)
    {
        var inputs = Asked is { Length: > 0 } ? int.Parse(Asked, CultureInfo.InvariantCulture) : Few;
        var done = 0;
        var (slowest, most) = (default((long Value, int Input)), default((long Value, int Input)));
        var peak = Process.GetCurrentProcess().PeakWorkingSet64;
        var all = Stopwatch.StartNew();
        for (var i = 0; i < inputs; i++)
        {
            var input = make();
            var clock = Stopwatch.StartNew();
            var work = Task.Run(() =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                var whole = read(input);
                return (Whole: whole, Allocated: GC.GetAllocatedBytesForCurrentThread() - before);
            });
            try
            {
                if (!Ends(work))
                {
                    throw new TimeoutException($"takes more than {MostTime}");
                }

                most = work.Result.Allocated > most.Value ? (work.Result.Allocated, i) : most;
                if (work.Result.Allocated > MostAllocated)
                {
                    throw new InsufficientMemoryException($"takes {work.Result.Allocated} bytes of managed memory");
                }
            }
            catch (Exception e) when (e is AggregateException or TimeoutException or InsufficientMemoryException)
            {
                var kept = Path.Combine(Path.GetTempPath(), $"airmlnet-fuzz-{reader}-{i}.bin");
                File.WriteAllBytes(kept, input);
                throw new InvalidOperationException($"{reader}, input {i}, kept as {kept}: {e.InnerException ?? e}", e);
            }

            done += work.Result.Whole ? 1 : 0;
            slowest = clock.ElapsedMilliseconds > slowest.Value ? (clock.ElapsedMilliseconds, i) : slowest;
        }

        // In a run of all tests others have been at the peak before, or are at work beside.
        var growth = Process.GetCurrentProcess().PeakWorkingSet64 - peak;
        if (MostTime != Timeout.InfiniteTimeSpan && growth > MostGrowth)
        {
            throw new InvalidOperationException($"{reader}: the process has grown by {growth} bytes");
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"fuzz: {reader}: {inputs} inputs, {done} read, {inputs - done} refused, most managed memory {most.Value / 1048576.0:0.0} MiB "
                + $"(input {most.Input}), slowest {slowest.Value} ms (input {slowest.Input}), growth of the process "
                + $"{growth >> 20} MiB, {all.Elapsed.TotalSeconds:0} s"
        );
    }

    private static bool Ends(Task work)
    {
        if (MostTime == Timeout.InfiniteTimeSpan)
        {
            work.Wait();
            return true;
        }

        var (clock, busy) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        while (!work.Wait(MostTime / 10))
        {
            if (clock.Elapsed > MostWait || Environment.CpuUsage.TotalTime - busy > MostTime)
            {
                return false;
            }
        }

        return true;
    }
}
