using System.Diagnostics;
using System.Globalization;
using AirMLNet.Images;

namespace AirMLNet.Tests.Images;

/// <summary>
/// Damaged image files are read, or refused with <see cref="UnreadableImageException"/> that names the file: nothing else, in
/// bounded memory. AIRMLNET_FUZZ_INPUTS says how many are tried and sets a limit to the time of each (eng/fuzz.sh: 100,000, 5 s).
/// </summary>
[TestClass]
[DoNotParallelize] // counts what is allocated
public sealed class FuzzTests
{
    private const string Name = "photos/damaged";
    private const long MaxPixels = 4_000_000,
        Mebibyte = 1 << 20;

    // Thrice an image at the limit in pixels of 64 bits: decoders keep one or two copies beside the result.
    private const long MostAllocated = 3 * 8 * MaxPixels;

    // And of the process, with what decoders keep for the next image and the collector has not yet given back.
    private const long MostGrowth = 256 * Mebibyte;

    private static readonly string? Asked = Environment.GetEnvironmentVariable("AIRMLNET_FUZZ_INPUTS");
    private static readonly int Inputs = int.Parse(Asked is { Length: > 0 } ? Asked : "1500", CultureInfo.InvariantCulture);
    private static readonly TimeSpan? MostTime = Asked is { Length: > 0 } ? TimeSpan.FromSeconds(5) : null;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Every_file_that_damage_starts_from_is_whole()
    {
        foreach ((var name, var file) in SeedImages.All)
        {
            var image = ImageFile.Decode(file, name);
            Assert.HasCount(3 * image.Width * image.Height, image.Pixels, name);
        }
    }

    [TestMethod]
    public void Damaged_files_are_read_or_refused_by_name()
    {
        var mutator = new Mutator(seed: 21);
        IReadOnlyList<byte[]> seeds = [.. SeedImages.All.Values];
        var read = 0;
        (long Value, int Input) most = default,
            slowest = default;
        var peak = Process.GetCurrentProcess().PeakWorkingSet64;
        var clock = new Stopwatch();
        for (var i = 0; i < Inputs; i++)
        {
            var file = mutator.Damage(seeds);
            var before = GC.GetTotalAllocatedBytes();
            clock.Restart();
            var work = Task.Run(() => IsRead(file));
            if (!((IAsyncResult)work).AsyncWaitHandle.WaitOne(MostTime ?? Timeout.InfiniteTimeSpan))
            {
                Fail(i, file, $"takes more than {MostTime}");
            }

            if (work.Exception is { } e)
            {
                Fail(i, file, e.InnerException!.ToString());
            }

            if (work.Result)
            {
                read++;
            }

            most = Larger(most, (GC.GetTotalAllocatedBytes() - before, i));
            slowest = Larger(slowest, (clock.ElapsedTicks, i));
            if (most.Value > MostAllocated)
            {
                Fail(i, file, $"takes {most.Value} bytes of managed memory");
            }
        }

        var newPeak = Process.GetCurrentProcess().PeakWorkingSet64;
        TestContext.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"fuzz: {Inputs} image files: {read} read, {Inputs - read} refused; most managed memory "
                    + $"{most.Value / (double)Mebibyte:0.0} MiB (input {most.Input}), slowest "
                    + $"{1000.0 * slowest.Value / Stopwatch.Frequency:0} ms (input {slowest.Input}), peak memory of the process "
                    + $"{newPeak / Mebibyte} MiB, {(newPeak - peak) / Mebibyte} MiB more than before"
            )
        );
        // What decoders take beside managed memory shows here; in a run of all tests, others have been at the peak before.
        if (MostTime is not null)
        {
            Assert.IsLessThan(MostGrowth, newPeak - peak);
        }

        Assert.IsGreaterThan(Inputs / 20, read, "damage that a decoder cannot even begin to read tests little");
    }

    private static (long Value, int Input) Larger((long Value, int Input) a, (long Value, int Input) b) => b.Value > a.Value ? b : a;

    /// <summary>Whether the file is read; false where it is refused as it should be.</summary>
    private static bool IsRead(byte[] file)
    {
        try
        {
            var image = ImageFile.Decode(file, Name, MaxPixels);
            Assert.IsLessThanOrEqualTo(MaxPixels, (long)image.Width * image.Height);
            return true;
        }
        catch (UnreadableImageException e) when (e.ImagePath == Name && e.Message.StartsWith(Name, StringComparison.Ordinal))
        {
            return false;
        }
    }

    private static void Fail(int input, byte[] file, string what)
    {
        var kept = Path.Combine(Path.GetTempPath(), $"airmlnet-fuzz-{input}.bin");
        File.WriteAllBytes(kept, file);
        Assert.Fail($"Input {input}, kept as {kept}: {what}");
    }
}
