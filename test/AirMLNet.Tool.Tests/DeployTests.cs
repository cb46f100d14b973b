using System.Diagnostics;
using System.Text.RegularExpressions;
using AirMLNet.Testing;
using k8s;
using k8s.Models;
using YamlDotNet.RepresentationModel;

namespace AirMLNet.Tool.Tests;

/// <summary>The files of <c>deploy/</c>: their settings agree with each other, and their commands are run as a cluster would.</summary>
[TestClass]
public sealed partial class DeployTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(TestData.Root, "..", "..")),
        Deploy = Path.Combine(Root, "deploy");

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    /// <summary>Every key is one that Kubernetes' own types have, with a value of its kind.</summary>
    [TestMethod]
    public void KubernetesFile_IsOfKubernetesOwnTypes()
    {
        var text = File.ReadAllText(Path.Combine(Deploy, "kubernetes-embed.yaml"));
        var objects = KubernetesYaml.LoadAllFromString(text, strict: true);
        Assert.HasCount(1, objects.OfType<V1PersistentVolumeClaim>());
        Assert.HasCount(2, objects.OfType<V1Job>());
        Assert.AreEqual(5, objects.OfType<V1Job>().First().Spec.BackoffLimitPerIndex);
        foreach (var (right, wrong) in new[] { ("completionMode:", "completionsMode:"), ("parallelism: 16", "parallelism: many") })
        {
            Assert.Throws<Exception>(() =>
                KubernetesYaml.LoadAllFromString(text.Replace(right, wrong, StringComparison.Ordinal), strict: true)
            );
        }
    }

    [TestMethod]
    public void KubernetesJobs_HaveAPartForEachPod()
    {
        var stream = new YamlStream();
        using (var reader = File.OpenText(Path.Combine(Deploy, "kubernetes-embed.yaml")))
        {
            stream.Load(reader);
        }

        YamlNode[] documents = [.. stream.Documents.Select(d => d.RootNode)];
        var claim = documents.Single(d => Text(d["kind"]) == "PersistentVolumeClaim");
        YamlNode[] jobs = [.. documents.Where(d => Text(d["kind"]) == "Job")];
        Assert.HasCount(2, jobs);
        foreach (var job in jobs)
        {
            Assert.AreEqual("batch/v1", Text(job["apiVersion"]));
            var pod = job["spec"]["template"]["spec"];
            var volume = ((YamlSequenceNode)pod["volumes"]).Single();
            Assert.AreEqual(Text(claim["metadata"]["name"]), Text(volume["persistentVolumeClaim"]["claimName"]));
            var mount = ((YamlSequenceNode)Container(job)["volumeMounts"]).Single();
            Assert.AreEqual((Text(volume["name"]), "/work"), (Text(mount["name"]), Text(mount["mountPath"])));
        }

        var (embed, merge) = (jobs[0]["spec"], jobs[1]);
        Assert.AreEqual(("Indexed", "Never"), (Text(embed["completionMode"]), Text(embed["template"]["spec"]["restartPolicy"])));
        var parts = Text(embed["completions"]);
        Assert.AreEqual(parts, Text(embed["parallelism"]));
        string[] line = Arguments(jobs[0]),
            join = Arguments(merge);
        Assert.AreEqual($"auto/{parts}", line[Array.IndexOf(line, "--shard") + 1]);
        Assert.AreEqual(parts, join[^1]);

        // The same commands with two pods, as the pods would run them; the join is refused while a shard is missing.
        LayOut();
        string[] Here(string[] arguments) =>
            [
                .. arguments.Select(a =>
                    a.Replace($"auto/{parts}", "auto/2", StringComparison.Ordinal).Replace("/work", _folder.Path, StringComparison.Ordinal)
                ),
            ];
        join = [.. Here(join)[..^1], "2"];
        Run("0", Here(line)).Succeeded();
        Airml.Run(join).Failed(1, "1 of 2 shards are missing: 2");
        Run("1", Here(line)).Succeeded();
        Assert.Contains("features.parquet: 6 features", Airml.Run(join).Succeeded());
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void TheSlurmArray_IsRunAsSlurmWould()
    {
        LayOut();
        // Slurm's own commands, and the command as it is installed.
        Program("srun", "exec \"$@\"");
        Program("sbatch", $"printf '%s\\n' \"$@\" >{_folder["submitted"]}");
        Program("airml", $"exec dotnet {Path.Combine(AppContext.BaseDirectory, "airml.dll")} \"$@\"");
        var script = Path.Combine(Deploy, "slurm-embed.sh");
        Assert.MatchesRegex(ArrayOfTheScript(), File.ReadAllText(script));
        var (code, error) = Bash([script], 1);
        Assert.AreEqual(2, code);
        Assert.Contains("usage: sbatch", error);
        string[] work = [script, _folder["photos"], _folder["models/clip-vit-base-patch32"], _folder["features.parquet"]];
        for (var task = 1; task <= 2; task++)
        {
            (code, error) = Bash(work, task);
            Assert.AreEqual(0, code, error);
        }

        var submitted = File.ReadAllLines(_folder["submitted"]);
        Assert.Contains("--dependency=afterok:77", submitted);
        (code, error) = Bash(["-c", submitted[^1]], 1);
        Assert.AreEqual(0, code, error);
        Assert.IsTrue(File.Exists(_folder["features.parquet"]));
    }

    [TestMethod]
    public void TheContainer_IsBuiltOfWhatIsThere()
    {
        var text = File.ReadAllText(Path.Combine(Deploy, "Containerfile"));
        var project = ProjectOfTheContainer().Match(text).Groups[1].Value;
        Assert.HasCount(1, Directory.GetFiles(Path.Combine(Root, project), "*.csproj"));
        var backend = BackendOfTheContainer().Match(text).Groups[1].Value;
        Assert.Contains($"Include=\"{backend}\"", File.ReadAllText(Path.Combine(Root, "Directory.Packages.props")));
        Assert.Contains("-p:TorchSharpBackend=$BACKEND", text);
        Assert.AreEqual(
            2,
            text.Split('\n').Count(l => l.StartsWith("FROM ", StringComparison.Ordinal) && l.Contains(":10.0", StringComparison.Ordinal))
        );
    }

    private void LayOut()
    {
        TinyClip.Create(_folder["models/clip-vit-base-patch32"]);
        TinyData.Images(_folder["photos"], 2);
    }

    private static ToolProcess Run(string index, string[] arguments) => Airml.Run([("JOB_COMPLETION_INDEX", index)], arguments);

    private void Program(string name, string body)
    {
        var path = _folder["bin", name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/usr/bin/env bash\n{body}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private (int Code, string Error) Bash(string[] arguments, int task)
    {
        var start = new ProcessStartInfo("bash", arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{_folder["bin"]}:{start.Environment["PATH"]}";
        foreach (
            var (name, value) in new[]
            {
                ("JOB_ID", "77"),
                ("TASK_ID", $"{task}"),
                ("TASK_MIN", "1"),
                ("TASK_STEP", "1"),
                ("TASK_COUNT", "2"),
            }
        )
        {
            start.Environment["SLURM_ARRAY_" + name] = value;
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error.Result);
    }

    private static string[] Arguments(YamlNode job) => [.. ((YamlSequenceNode)Container(job)["args"]).Select(Text)];

    private static YamlNode Container(YamlNode job) => ((YamlSequenceNode)job["spec"]["template"]["spec"]["containers"]).Single();

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    [GeneratedRegex(@"(?m)^#SBATCH --array=1-\d+$")]
    private static partial Regex ArrayOfTheScript();

    [GeneratedRegex(@"dotnet publish (\S+)")]
    private static partial Regex ProjectOfTheContainer();

    [GeneratedRegex(@"(?m)^ARG BACKEND=(\S+)$")]
    private static partial Regex BackendOfTheContainer();
}
