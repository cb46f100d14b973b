using AirMLNet.Testing;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Tests;

[TestClass]
public sealed class SavedModelTests
{
    /// <summary>A process that is killed while it writes cannot delete what it wrote (found by eng/kill.sh).</summary>
    [TestMethod]
    public void WhatAKilledProcessLeft_IsDeletedByTheNext_AndNothingElse()
    {
        using var folder = new TemporaryFolder();
        string Left(string name, string machine, int process) => folder[$"{name}.{machine}-{process}.tmp"];
        var dead = Left("model.zip", Environment.MachineName, int.MaxValue);
        string[] others =
        [
            Left("model.zip", Environment.MachineName, Environment.ProcessId) + "x",
            Left("model.zip", Environment.MachineName, OperatingSystem.IsWindows() ? 4 : 1), // runs as long as the system does
            Left("model.zip", "another-machine", int.MaxValue),
            Left("other.zip", Environment.MachineName, int.MaxValue),
            folder["model.zip"],
        ];
        foreach (var file in others.Append(dead))
        {
            File.WriteAllText(file, "");
        }

        SavedModel.CheckTarget(folder["model.zip"]);

        Assert.IsFalse(File.Exists(dead));
        CollectionAssert.AreEquivalent(others, Directory.GetFiles(folder.Path));

        // Beside what a link leads to.
        File.WriteAllText(dead, "");
        using var links = new TemporaryFolder();
        File.CreateSymbolicLink(links["link.zip"], folder["model.zip"]);
        SavedModel.CheckTarget(links["link.zip"]);
        Assert.IsFalse(File.Exists(dead));
        Assert.HasCount(1, Directory.GetFiles(links.Path));
    }
}
