using System.Globalization;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Soak;

/// <summary>How long the tests of this folder go on: AIRMLNET_SOAK_STEPS and AIRMLNET_SOAK_MINUTES (eng/soak.sh), or a moment.</summary>
internal static class SoakRun
{
    private const int FewSteps = 60;

    /// <summary>Whether a long run was asked for, with nothing beside it: only then memory says something.</summary>
    public static bool IsLong => Number("AIRMLNET_SOAK_STEPS") is not null;

    public static int Steps => Number("AIRMLNET_SOAK_STEPS") ?? FewSteps;

    public static TimeSpan Time => TimeSpan.FromMinutes(Number("AIRMLNET_SOAK_MINUTES") ?? 0);

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}

/// <summary>What a process holds at a moment.</summary>
/// <param name="Tensors">Made on this thread and not freed.</param>
/// <param name="Managed">Bytes that the collector keeps.</param>
/// <param name="Resident">Bytes of the process, native ones included.</param>
internal readonly record struct Held(long Tensors, long Managed, long Resident)
{
    private const double Mebibyte = 1 << 20;

    public static Held Now() => new(LiveTensors.Count, ManagedMemory(), Environment.WorkingSet);

    // What the last full collection left: GetTotalMemory estimates, and with little on the heap is negative.
    private static long ManagedMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        var info = GC.GetGCMemoryInfo(GCKind.FullBlocking);
        return info.HeapSizeBytes - info.FragmentedBytes;
    }

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Tensors} tensors, {Managed / Mebibyte:0.0} MiB managed, {Resident / Mebibyte:0} MiB of the process"
        );
}

/// <summary>Looks at memory at an early step and at the last.</summary>
internal sealed class StepMeter(int steps)
{
    private int _seen;

    public int Early { get; } = Math.Min(100, steps / 4);

    public Held First { get; private set; }

    public Held Last { get; private set; }

    public int Seen => _seen;

    public void Step()
    {
        if (++_seen == Early)
        {
            First = Held.Now();
        }

        if (_seen == steps)
        {
            Last = Held.Now();
        }
    }
}
