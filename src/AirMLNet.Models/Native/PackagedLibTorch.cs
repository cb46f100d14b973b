using System.Reflection;
using System.Runtime.InteropServices;
using AirMLNet.BuildTasks;
using AirMLNet.Files;
using TorchSharp;

namespace AirMLNet.Native;

/// <summary>
/// LibTorch in a notebook that asked for it by <c>#r "nuget: TorchSharp-cpu"</c>: every package lies in a folder of its own in the
/// package cache, no build has patched TorchSharp's library for older systems, and one library does not find the next.
/// </summary>
internal static class PackagedLibTorch
{
    private const string NewVersion = "GLIBCXX_3.4.32";

    /// <summary>Whether TorchSharp was loaded from a package cache.</summary>
    public static bool Holds(string torchSharp, string version) =>
        torchSharp.Contains(Path.Combine("torchsharp", version, "lib"), StringComparison.OrdinalIgnoreCase);

    /// <summary>Loads LibTorch for the processor from the cache that holds TorchSharp; on Linux only.</summary>
    /// <param name="torchSharp">The file of the assembly TorchSharp.</param>
    /// <param name="version">Its version.</param>
    /// <returns>TorchSharp's native library, which loads now; null where there is no such cache, or no such package in it.</returns>
    /// <exception cref="DllNotFoundException">A library of the package cannot be loaded.</exception>
    public static string? Load(string torchSharp, string version)
    {
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || !Holds(torchSharp, version))
        {
            return null;
        }

        var package = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(torchSharp)!, "..", ".."));
        var packages = Path.GetFullPath(Path.Combine(package, "..", ".."));
        var system = LibTorch.Platform;
        var library = Path.Combine(package, "runtimes", system, "native", "libLibTorchSharp.so");
        var folder = Path.Combine(packages, $"libtorch-cpu-{system}", LibTorchVersion(), "runtimes", system, "native");
        if (!File.Exists(library) || !File.Exists(Path.Combine(folder, "libtorch_cpu.so")))
        {
            return null;
        }

        // Each comes after what it asks for: the next finds it by its name.
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            NativeLibrary.Load(Path.Combine(folder, name));
        }

        return Loadable(library, version);
    }

    /// <summary>The LibTorch that TorchSharp was built for; its constant is read without starting it.</summary>
    private static string LibTorchVersion() =>
        typeof(torch).GetField("libtorchPackageVersion", BindingFlags.Static | BindingFlags.NonPublic)?.GetRawConstantValue() is string text
        && Version.TryParse(text, out var version)
            ? version.ToString(3)
            : "";

    /// <summary>The library, or where this system lacks the C++ library of GCC 13 a copy that goes without it.</summary>
    private static string Loadable(string library, string version)
    {
        try
        {
            NativeLibrary.Load(library);
            return library;
        }
        catch (DllNotFoundException e) when (e.Message.Contains("GLIBCXX", StringComparison.Ordinal))
        {
            var copy = Path.Combine(AirHome.Folder, "torchsharp", version, Path.GetFileName(library));
            if (!File.Exists(copy))
            {
                var bytes = File.ReadAllBytes(library);
                if (!new ElfFile(bytes, library).MakeWeak(NewVersion))
                {
                    throw;
                }

                AtomicFile.Write(copy, stream => stream.Write(bytes));
            }

            return copy;
        }
    }
}
