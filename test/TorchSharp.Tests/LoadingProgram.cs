using System.Runtime.InteropServices;

namespace TorchSharp.Tests;

/// <summary>What <see cref="LoadingTests"/> runs in a process of its own: one tensor, or what prevents it, and what native code sees of the environment.</summary>
internal static partial class LoadingProgram
{
    internal const int Refused = 3;

    /// <summary>In place of a variable: the page faults of filling and freeing 64 MB of tensors again and again.</summary>
    internal const string Faults = "faults";

    public static int Main(string[] names)
    {
        try
        {
            using var one = ones(2);
            Console.WriteLine(one.sum().item<float>());
            foreach (var name in names) Console.WriteLine($"{name}={(name == Faults ? CountFaults() : Marshal.PtrToStringUTF8(getenv(name)))}");
            return 0;
        }
        catch (Exception e)
        {
            Console.WriteLine($"{e.GetType().Name}: {e.Message}");
            return Refused;
        }
    }

    private static string CountFaults()
    {
        FillAndFree(); // the first time they are new anyway
        var before = MinorFaults();
        for (var round = 0; round < 10; round++) FillAndFree();
        return $"{MinorFaults() - before}";
    }

    private static void FillAndFree()
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < 16; i++) ones(1 << 20); // 4 MB each
    }

    private static long MinorFaults() => long.Parse(File.ReadAllText("/proc/self/stat").Split(") ")[1].Split(' ')[7]);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getenv(string name);
}
