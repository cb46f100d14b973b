using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using AirMLNet.Files;
using AirMLNet.Native;
using AirMLNet.Tool.Output;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml doctor</c>: what the command computes with here, and whether it can.</summary>
internal static class DoctorCommand
{
    private const string Unknown = "unknown";

    public static Command Build()
    {
        var json = SharedOptions.Json();
        var command = new Command("doctor", "Say which LibTorch, devices and models there are, and whether a tensor product runs") { json };
        ExamplesHelpAction.Add(command, "airml doctor");
        command.Does((parsed, _) => Run(parsed.GetValue(json)));
        return command;
    }

    private static int Run(bool json)
    {
        var rows = new List<(string Name, string Value)>
        {
            (
                "system",
                $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {RuntimeInformation.FrameworkDescription}"
            ),
            ("memory", Memory()),
            ("disk", Disk("here", Directory.GetCurrentDirectory())),
        };
        rows.AddRange(Models());
        string? problem = null;
        try
        {
            LibTorch.Require();
            rows.AddRange(Torch());
        }
        catch (Exception e) when (e is DllNotFoundException or ExternalException or TypeInitializationException)
        {
            problem = e.Message.Split('\n')[0];
            rows.Add(("LibTorch", $"not usable: {problem}"));
        }

        if (json)
        {
            Terminal.WriteJson(rows.GroupBy(r => r.Name).ToDictionary(g => g.Key, g => string.Join("; ", g.Select(r => r.Value))));
        }
        else
        {
            var table = new Table().AddColumn("what").AddColumn("found");
            foreach (var (name, value) in rows)
            {
                table.AddRow(Markup.Escape(name), Markup.Escape(value));
            }

            Terminal.Write(table);
        }

        return problem is null ? 0 : ExitCode.Failed;
    }

    private static IEnumerable<(string, string)> Torch()
    {
        var facts = LibTorchFacts.Read();
        yield return (
            "LibTorch",
            $"{facts.Release ?? Unknown}, {facts.File ?? "unknown file"}{(LibTorch.Folder is null ? "" : $" ({LibTorch.FolderVariable})")}"
        );
        yield return ("TorchSharp", $"{typeof(torch).Assembly.GetName().Version?.ToString(3)}, made for LibTorch {__version__}");
        yield return ("BLAS", facts.Line("Math Kernel Library Version") ?? facts.Line("LAPACK") ?? Unknown);
        yield return ("convolutions", facts.Line("DNN") ?? Unknown);
        yield return ("OpenMP", facts.Line("OpenMP") ?? Unknown);
        yield return ("instruction set", (facts.Line("capability")?.Split(':')[^1].Trim() ?? Unknown) + Amx());
        yield return ("threads", $"{get_num_threads()} of {Environment.ProcessorCount} processors");
        using var scope = NewDisposeScope();
        var product = ones(2, 3).mm(ones(3, 2)).sum().item<float>();
        yield return (
            "a product of tensors",
            product == 12 ? "runs on cpu" : throw new ExternalException($"A product of tensors gives {product} in place of 12.")
        );
        var gain = LibTorchFacts.BFloat16Gain();
        var advice = gain > 1.2 ? "use it (--precision of embed, synthesize and train lora; Precision in C#)" : "no gain here";
        yield return (
            "bfloat16",
            string.Create(CultureInfo.InvariantCulture, $"{gain:0.0} times as fast as float32 in matrix products: {advice}")
        );
        var gpus = cuda.is_available() ? cuda.device_count() : 0;
        for (var i = 0; i < gpus; i++)
        {
            product = ones(2, 3, device: device($"cuda:{i}")).mm(ones(3, 2, device: device($"cuda:{i}"))).sum().cpu().item<float>();
            yield return (
                $"cuda:{i}",
                product == 12
                    ? "a product of tensors runs"
                    : throw new ExternalException($"A product of tensors on cuda:{i} gives {product} in place of 12.")
            );
        }

        if (gpus == 0)
        {
            yield return ("GPU", "none is seen");
        }
    }

    private static string Amx()
    {
        const string processors = "/proc/cpuinfo";
        return
            File.Exists(processors)
            && File.ReadLines(processors)
                .Any(l => l.StartsWith("flags", StringComparison.Ordinal) && l.Contains("amx_bf16", StringComparison.Ordinal))
            ? ", AMX"
            : "";
    }

    private static string Memory()
    {
        var memory = GC.GetGCMemoryInfo();
        return $"{Size(memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes)} free of {Size(memory.TotalAvailableMemoryBytes)}";
    }

    private static string Disk(string what, string folder)
    {
        try
        {
            return $"{Size(new DriveInfo(folder).AvailableFreeSpace)} free {what} ({folder})";
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return $"{Unknown} ({folder})";
        }
    }

    private static IEnumerable<(string, string)> Models()
    {
        var home = Environment.GetEnvironmentVariable(AirHome.Variable);
        if (string.IsNullOrEmpty(home))
        {
            yield return (
                AirHome.Variable,
                "not set: models are found where they were when a model was fitted, or by --clip and --diffusion"
            );
            yield break;
        }

        if (!Directory.Exists(home))
        {
            yield return (
                AirHome.Variable,
                File.Exists(home) ? $"{home}, which is a file" : $"{home}, not there yet: the first command that keeps something makes it"
            );
            yield break;
        }

        yield return (AirHome.Variable, Disk("there", home));
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            MaxRecursionDepth = 4,
            IgnoreInaccessible = true,
        };
        var diffusion = Directory
            .EnumerateFiles(home, "model_index.json", options)
            .Select(f => Path.GetDirectoryName(f)!)
            .Order(StringComparer.Ordinal)
            .ToArray();
        foreach (var folder in diffusion)
        {
            yield return ("diffusion model", Path.GetRelativePath(home, folder));
        }

        foreach (
            var folder in Directory
                .EnumerateFiles(home, "*.safetensors", options)
                .Select(f => Path.GetDirectoryName(f)!)
                .Distinct()
                .Where(f => !diffusion.Any(d => f.StartsWith(d + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal)
        )
        {
            yield return ("model", Path.GetRelativePath(home, folder));
        }
    }

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB");
}
