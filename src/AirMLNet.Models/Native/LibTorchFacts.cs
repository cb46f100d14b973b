using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;

namespace AirMLNet.Native;

/// <summary>What is known of the LibTorch that was loaded.</summary>
/// <param name="File">The library; null where it is not known.</param>
/// <param name="Release">Its version, such as 2.10.0; null where it is not known.</param>
/// <param name="Build">What it was built with: BLAS, OpenMP, instruction sets; empty where it is not known.</param>
internal sealed record LibTorchFacts(string? File, string? Release, IReadOnlyList<string> Build)
{
    /// <summary>Looks at the library of this process.</summary>
    public static LibTorchFacts Read()
    {
        using var process = Process.GetCurrentProcess();
        var file = process
            .Modules.Cast<ProcessModule>()
            .FirstOrDefault(m => m.ModuleName.Contains("torch_cpu", StringComparison.Ordinal))
            ?.FileName;
        string[] lines = file is null
            ? []
            : [.. ShowConfig(file).Split('\n').Select(l => l.Trim().TrimStart('-').Trim()).Where(l => l.Length > 0)];
        return new(
            file,
            file is null ? null : VersionOf(file)?.ToString(),
            [
                .. lines.Where(l =>
                    !l.StartsWith("Build settings", StringComparison.Ordinal) && !l.StartsWith("PyTorch built", StringComparison.Ordinal)
                ),
            ]
        );
    }

    /// <summary>The version of a library that is loaded; null where it is not known.</summary>
    public static Version? VersionOf(string library)
    {
        const string mark = "TORCH_VERSION=";
        var config = ShowConfig(library);
        var at = config.IndexOf(mark, StringComparison.Ordinal);
        return at >= 0 && Version.TryParse(config[(at + mark.Length)..].Split(',', '\n')[0].Split('+', 'a', 'b', 'r')[0], out var version)
            ? version
            : null;
    }

    /// <summary>The first line that has a word; null where there is none.</summary>
    public string? Line(string word) => Build.FirstOrDefault(l => l.Contains(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The text of <c>at::show_config()</c>, which TorchSharp does not have: a std::string, given back through a hidden pointer.
    /// </summary>
    private static unsafe string ShowConfig(string library)
    {
        // How the text is given back is known of this system only.
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return "";
        }

        if (
            !NativeLibrary.TryLoad(library, out var handle)
            || !NativeLibrary.TryGetExport(handle, "_ZN2at11show_configB5cxx11Ev", out var function)
        )
        {
            return "";
        }

        Span<nint> text = stackalloc nint[4]; // address, length, and room for short texts
        fixed (nint* result = text)
        {
            ((delegate* unmanaged[Cdecl]<nint*, nint*>)function)(result);
            // Its memory is left to the end of the process: it belongs to the allocator of the C++ library.
            return Encoding.UTF8.GetString((byte*)text[0], (int)text[1]);
        }
    }

    /// <summary>How many times as fast a product of matrices is in bfloat16 as in float32 here.</summary>
    public static double BFloat16Gain()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        var a = torch.ones(1024, 1024);
        var b = a.to_type(torch.ScalarType.BFloat16);
        return Best(a) / Best(b);

        static double Best(torch.Tensor x) =>
            Enumerable
                .Range(0, 5)
                .Min(_ =>
                {
                    var clock = Stopwatch.StartNew();
                    x.mm(x).Dispose();
                    return clock.Elapsed.TotalSeconds;
                });
    }
}
