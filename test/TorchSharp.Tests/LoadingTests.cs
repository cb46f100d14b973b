using System.Diagnostics;

namespace TorchSharp.Tests;

/// <summary>A program whose native libraries are missing or wrong says which package to install.</summary>
[TestClass]
public class LoadingTests
{
    private const string Shim = "libtorchsharp_shim.so";

    private string folder;

    [TestInitialize]
    public void Copy()
    {
        folder = Directory.CreateTempSubdirectory("loading").FullName;
        foreach (var name in new[] { "TorchSharp.Tests.dll", "TorchSharp.Tests.runtimeconfig.json", "TorchSharp.dll", Shim })
            File.Copy(Path.Combine(AppContext.BaseDirectory, name), Path.Combine(folder, name));
    }

    [TestCleanup]
    public void Delete() => Directory.Delete(folder, true);

    [TestMethod]
    public void With_everything_in_place_the_program_runs()
    {
        var (code, text) = Run();
        Assert.AreEqual(0, code, text);
        Assert.AreEqual("2", text);
    }

    [TestMethod]
    public void Idle_threads_are_told_to_wait_instead_of_spinning_before_LibTorch_reads_its_settings()
    {
        string[] names = ["OPENBLAS_THREAD_TIMEOUT", "GOMP_SPINCOUNT"];
        Assert.AreEqual("2\nOPENBLAS_THREAD_TIMEOUT=16\nGOMP_SPINCOUNT=10000", Run(names).Text);
        Assert.AreEqual("2\nOPENBLAS_THREAD_TIMEOUT=20\nGOMP_SPINCOUNT=", Run(names, ("OPENBLAS_THREAD_TIMEOUT", "20"), ("OMP_WAIT_POLICY", "active")).Text);
    }

    [TestMethod]
    public void Freed_memory_is_kept_for_the_next_step_unless_the_user_says_otherwise()
    {
        // In proportion: how many there are depends on the size of the system's pages.
        Assert.IsLessThan(Faults(("MALLOC_TRIM_THRESHOLD_", "131072")) / 4, Faults());

        int Faults(params (string, string)[] environment)
        {
            var text = Run([LoadingProgram.Faults], environment).Text;
            Assert.StartsWith($"2\n{LoadingProgram.Faults}=", text);
            return int.Parse(text.Split('=')[1]);
        }
    }

    [TestMethod]
    public void A_missing_shim_is_named_with_the_packages_to_build_it()
    {
        File.Delete(Path.Combine(folder, Shim));
        Refused(Run(), Shim, "is missing", "libtorch-dev", "apt-get install");
    }

    [TestMethod]
    public void A_missing_LibTorch_is_named_with_the_package_to_install()
    {
        // What the loader finds first is no library at all.
        foreach (var name in LibTorch()) File.WriteAllText(Path.Combine(folder, name), "");
        Refused(Run(), "LibTorch is missing", "apt-get install libtorch1.13", "libtorch");
    }

    [TestMethod]
    public void Another_LibTorch_is_named_with_the_package_to_install()
    {
        // A library that loads and has none of the symbols.
        var other = File.ReadLines("/proc/self/maps").First(line => line.Contains("/libm.so")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1];
        foreach (var name in LibTorch()) File.CreateSymbolicLink(Path.Combine(folder, name), other);
        Refused(Run(), "not the version", "apt-get install libtorch1.13", "LIBTORCH_DIR");
    }

    [TestMethod]
    public void A_shim_that_is_none_is_named()
    {
        File.WriteAllText(Path.Combine(folder, Shim), "not a library");
        Refused(Run(), Shim, "does not load", "apt-get install");
    }

    // The names that the loader may ask for: what is loaded here, with each length of its version.
    private static IEnumerable<string> LibTorch()
    {
        using var loaded = ones(1);
        var files = File.ReadLines("/proc/self/maps").Select(line => Path.GetFileName(line.Split(' ')[^1])).Where(name => name.StartsWith("libtorch", StringComparison.Ordinal) && name != Shim);
        return files.SelectMany(name => Enumerable.Range(0, name.Count(c => c == '.')).Select(drop => string.Join('.', name.Split('.').SkipLast(drop)))).Distinct().ToArray();
    }

    private static void Refused((int Code, string Text) answer, params string[] parts)
    {
        Assert.AreEqual(LoadingProgram.Refused, answer.Code, answer.Text);
        Assert.StartsWith("DllNotFoundException: ", answer.Text);
        foreach (var part in parts) Assert.Contains(part, answer.Text);
    }

    private (int Code, string Text) Run(string[] names = null, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["exec", Path.Combine(folder, "TorchSharp.Tests.dll"), .. names ?? []]) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) != "dotnet") start.FileName = "dotnet";
        start.Environment["LD_LIBRARY_PATH"] = folder;
        foreach (var name in names ?? []) start.Environment.Remove(name);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var text = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return (process.ExitCode, text);
    }
}
