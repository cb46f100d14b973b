using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.SmallModels.Tests;

/// <summary><c>small-models cifar10</c>, and the commands where their data is missing.</summary>
[TestClass]
public sealed class Cifar10CommandTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    public void WithoutThePackageNothingIsExported()
    {
        ToolProcess
            .RunProgram("small-models", "cifar10", "--from", _folder["package"], "-o", _folder["photos"])
            .Failed(1, _folder["package"]);
        Assert.IsFalse(Directory.Exists(_folder["photos"]));
    }

    [TestMethod]
    public void LabelsAreListedBesideThePhotosAndNowhereElse()
    {
        TinyCifar10.Create(_folder["package"]);
        ToolProcess
            .RunProgram(
                "small-models",
                "cifar10",
                "--from",
                _folder["package"],
                "-o",
                _folder["photos"],
                "--skip",
                "100",
                "--pool",
                "12",
                "--test",
                "7"
            )
            .Succeeded();
        var set = GenericDataSets.FromCsv(_folder["photos", "labels.csv"]);
        CollectionAssert.AreEqual(Cifar10.ClassNames.ToArray(), set.ClassNames.ToArray());
        Assert.AreEqual(
            string.Join(' ', Enumerable.Range(100, 12).Select(i => $"train-{i:D5}.png:{i % 10}")),
            string.Join(' ', set.Train.Select(i => $"{Path.GetFileName(i.Path)}:{i.Class}"))
        );
        Assert.AreEqual(
            string.Join(' ', Enumerable.Range(0, 7).Select(i => $"test-{i:D5}.png:{i}")),
            string.Join(' ', set.Test.Select(i => $"{Path.GetFileName(i.Path)}:{i.Class}"))
        );
        Assert.IsEmpty(Directory.GetDirectories(_folder["photos", "pool"]));

        // Photos that are there already get their list when it is missing.
        File.Delete(_folder["photos", "labels.csv"]);
        ToolProcess
            .RunProgram(
                "small-models",
                "cifar10",
                "--from",
                _folder["package"],
                "-o",
                _folder["photos"],
                "--skip",
                "100",
                "--pool",
                "12",
                "--test",
                "7"
            )
            .Succeeded();
        Assert.IsTrue(File.Exists(_folder["photos", "labels.csv"]));
    }

    [TestMethod]
    public void MorePhotosThanThereAreAreRefused() =>
        ToolProcess
            .RunProgram("small-models", "cifar10", "--from", _folder.Path, "-o", _folder["photos"], "--skip", "49000", "--pool", "2000")
            .Failed(2, "49000", "2000", "50000");

    [TestMethod]
    public void WithoutThePackageNothingIsTrained() =>
        ToolProcess
            .RunProgram("small-models", "mini-clip", "--data", _folder["package"], "-o", _folder["model"])
            .Failed(1, _folder["package"]);
}
