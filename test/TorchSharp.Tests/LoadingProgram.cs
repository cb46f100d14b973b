using System.Runtime.InteropServices;

namespace TorchSharp.Tests;

/// <summary>What <see cref="LoadingTests"/> runs in a process of its own: one tensor, or what prevents it, and what native code sees of the environment.</summary>
internal static partial class LoadingProgram
{
    internal const int Refused = 3;

    public static int Main(string[] names)
    {
        try
        {
            using var one = ones(2);
            Console.WriteLine(one.sum().item<float>());
            foreach (var name in names) Console.WriteLine($"{name}={Marshal.PtrToStringUTF8(getenv(name))}");
            return 0;
        }
        catch (Exception e)
        {
            Console.WriteLine($"{e.GetType().Name}: {e.Message}");
            return Refused;
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getenv(string name);
}
