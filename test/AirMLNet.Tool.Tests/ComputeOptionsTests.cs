using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>One way to choose what is computed on, in every command that computes.</summary>
[TestClass]
public sealed class ComputeOptionsTests
{
    private static readonly string[] None = ["captions", "doctor", "merge", "pull", "train"];

    [TestMethod]
    public void EveryCommandThatComputesHasTheOptions()
    {
        var commands = CommandLine
            .Build()
            .Subcommands.SelectMany(c => c.Subcommands.Prepend(c))
            .Where(c => !None.Contains(c.Name))
            .ToList();
        Assert.HasCount(11, commands);
        foreach (var command in commands)
        {
            var gpu = command.Options.Single(o => o.Name == "--gpu");
            Assert.AreEqual("Number of the GPU to compute on (default: the processor)", gpu.Description, command.Name);
            Assert.IsTrue(command.Options.Any(o => o.Name == "--fallback-to-cpu"), command.Name);
        }
    }

    [TestMethod]
    [DataRow("adapt", "photos", "--classes", "none.txt", "--clip", "none", "-o", "model.zip")]
    [DataRow("predict", "none.zip", "photos")]
    [DataRow("evaluate", "none.zip", "photos")]
    [DataRow("compare", "photos", "--test", "photos", "--classes", "none.txt", "--clip", "none")]
    [DataRow("embed", "photos", "--clip", "none", "-o", "features.npy")]
    public void AGpuThatIsNotThere_IsNamedBeforeAnyWork(params string[] command) =>
        ToolProcess.Run([.. command, "--gpu", "41"]).Failed(1, "--gpu is 41, but", "--fallback-to-cpu computes on the processor then");

    [TestMethod]
    public void TheProcessorTakesItsPlace_WhereThatIsAllowed()
    {
        using var folder = new TemporaryFolder();
        TinyData.Images(folder["photos"], 2);
        string[] embed = ["embed", folder["photos"], "--clip", TinyModels.Clip, "-o"];
        var plain = ToolProcess.Run([.. embed, folder["plain.csv"]]);
        plain.Succeeded();
        var fallen = ToolProcess.Run([.. embed, folder["fallen.csv"], "--gpu", "41", "--fallback-to-cpu"]);
        fallen.Succeeded();
        Assert.Contains("warning: --gpu is 41, but", fallen.Error);
        Assert.AreEqual(File.ReadAllText(folder["plain.csv"]), File.ReadAllText(folder["fallen.csv"]));
    }
}
