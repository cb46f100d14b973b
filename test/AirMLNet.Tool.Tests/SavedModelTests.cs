using AirMLNet.Files;
using AirMLNet.Testing;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Tests;

[TestClass]
public sealed class SavedModelTests
{
    /// <summary>A process that is killed while it writes cannot delete what it wrote (found by eng/kill.sh).</summary>
    [TestMethod]
    public void WhatAKilledProcessLeft_IsDeletedByTheNext_AlsoBesideWhatALinkLeadsTo()
    {
        using TemporaryFolder folder = new(),
            links = new();
        var left = "";
        AtomicFile.Write(folder["model.zip"], _ => left = Directory.GetFiles(folder.Path).Single());
        File.CreateSymbolicLink(links["link.zip"], folder["model.zip"]);
        foreach (var target in new[] { folder["model.zip"], links["link.zip"] })
        {
            File.WriteAllText(left, "half");
            File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddMinutes(-1));
            SavedModel.CheckTarget(target);
            Assert.IsFalse(File.Exists(left));
        }

        Assert.HasCount(1, Directory.GetFiles(folder.Path));
        Assert.HasCount(1, Directory.GetFiles(links.Path));
    }
}
