using System.Text.Json;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>Which LibTorch the command runs on, and what it says where there is none to run on.</summary>
[TestClass]
public sealed class DoctorTests
{
    private const string Variable = "AIRMLNET_LIBTORCH";

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    public void WhatIsThereIsNamed()
    {
        Directory.CreateDirectory(_folder["home", "a-clip"]);
        File.WriteAllText(_folder["home", "a-clip", "model.safetensors"], "");
        var found = JsonDocument
            .Parse(ToolProcess.Run(AppContext.BaseDirectory, [("AIRMLNET_HOME", _folder["home"])], "doctor", "--json").Succeeded())
            .RootElement;
        Assert.AreEqual("runs on cpu", found.GetProperty("a product of tensors").GetString()!);
        Assert.AreEqual("a-clip", found.GetProperty("model").GetString()!);
        Assert.Contains("made for LibTorch 2.10", found.GetProperty("TorchSharp").GetString()!);
        Assert.Contains("float32", found.GetProperty("bfloat16").GetString()!);
        foreach (var name in new[] { "memory", "disk", "threads", "OpenMP", "BLAS", "instruction set", "GPU" })
        {
            Assert.IsTrue(found.TryGetProperty(name, out _), name);
        }
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void AnotherLibTorchIsUsed_WhetherOrNotTheProgramHasOne()
    {
        var other = Libraries(_folder["other"]);
        foreach (var program in new[] { AppContext.BaseDirectory, Program(f => !IsLibTorch(f)) })
        {
            var doctor = JsonDocument.Parse(ToolProcess.Run(program, [(Variable, other)], "doctor", "--json").Succeeded()).RootElement;
            Assert.Contains(Path.Combine(other, "libtorch_cpu.so"), doctor.GetProperty("LibTorch").GetString()!);
            Assert.Contains(
                "PASS",
                ToolProcess.Run(program, [(Variable, other)], "verify", TestData.Path("golden/clip-vit-tiny")).Succeeded()
            );
        }
    }

    [TestMethod]
    public void AFolderThatIsNotThere_OrHoldsNone_IsOneSentence()
    {
        var verify = new[] { "verify", TestData.Path("golden/clip-vit-tiny") };
        ToolProcess
            .Run(AppContext.BaseDirectory, [(Variable, _folder["nowhere"])], verify)
            .Failed(1, Variable, _folder["nowhere"], "no folder");
        ToolProcess.Run(AppContext.BaseDirectory, [(Variable, _folder.Path)], verify).Failed(1, Variable, _folder.Path, "lacks");
        var doctor = ToolProcess.Run(
            AppContext.BaseDirectory,
            [(Variable, _folder.Path), ("AIRMLNET_HOME", _folder["home"])],
            "doctor",
            "--json"
        );
        Assert.AreEqual(1, doctor.ExitCode);
        Assert.Contains("not usable", doctor.Output);
        Assert.Contains("not there yet", doctor.Output);
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void LibrariesThatAreNone_AreOneSentence()
    {
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            File.WriteAllText(_folder[name], "no library");
        }

        ToolProcess
            .Run(AppContext.BaseDirectory, [(Variable, _folder.Path)], "verify", TestData.Path("golden/clip-vit-tiny"))
            .Failed(1, Variable, "cannot be loaded", "libc10.so");
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void AProgramWithoutLibTorch_OrWithAPartOfIt_IsOneSentence()
    {
        var verify = new[] { "verify", TestData.Path("golden/clip-vit-tiny") };
        ToolProcess
            .Run(Program(f => !IsLibTorch(f) && !f.Contains("LibTorchSharp", StringComparison.Ordinal)), [], verify)
            .Failed(1, "no LibTorch", "TorchSharp-cpu");
        ToolProcess.Run(Program(f => !IsLibTorch(f)), [], verify).Failed(1, "cannot be loaded", "TorchSharp-cpu");
    }

    private static bool IsLibTorch(string file) =>
        Path.GetFileName(file) is var name
        && (name.StartsWith("libtorch", StringComparison.Ordinal) || name.StartsWith("libc10", StringComparison.Ordinal));

    /// <summary>The command with those of its files that are wanted.</summary>
    private string Program(Predicate<string> wanted)
    {
        var target = _folder[$"program-{Directory.GetDirectories(_folder.Path).Length}"];
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory, "*", SearchOption.AllDirectories).Where(f => wanted(f)))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(AppContext.BaseDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.CreateSymbolicLink(copy, file);
        }

        // The host looks for the program where the links lead to; these three it must find here.
        foreach (var name in new[] { "airml.dll", "airml.deps.json", "airml.runtimeconfig.json" })
        {
            File.Delete(Path.Combine(target, name));
            File.Copy(Path.Combine(AppContext.BaseDirectory, name), Path.Combine(target, name));
        }

        return target;
    }

    /// <summary>LibTorch without TorchSharp, in another place: copies, since links would be the same files to the loader.</summary>
    private static string Libraries(string target)
    {
        Directory.CreateDirectory(target);
        var natives = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native");
        foreach (var file in Directory.GetFiles(natives).Where(f => IsLibTorch(f) || f.Contains("libgomp", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        return target;
    }
}
