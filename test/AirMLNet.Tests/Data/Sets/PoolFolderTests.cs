using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Data.Sets;

/// <summary>What is adapted to when a folder is named: never a test image.</summary>
[TestClass]
public sealed class PoolFolderTests
{
    private static readonly TemporaryFolder Root = new();

    [ClassInitialize]
    public static void LayOut(TestContext context) => PublishedSets.Write(Root, train: 2, test: 2);

    [ClassCleanup]
    public static void CleanUp() => Root.Dispose();

    [TestMethod]
    [DataRow("RESICS45", "RESISC45", 12)]
    [DataRow("FGVCAircraft", "FGVCAircraft", 12)]
    [DataRow("Flowers102", "Flowers102", 12)]
    [DataRow("EuroSAT", "EuroSAT", 8)]
    [DataRow("DTD", "DTD", 12)]
    public void OfAPublishedSet_TheTrainingImagesAreTaken(string folder, string name, int images)
    {
        var pool = PoolFolder.Open(Root[folder], labels: true);
        var set = DataSets.Open(name, Root);
        Assert.AreEqual(name, pool.DataSet);
        Assert.HasCount(images, pool.Entries);
        CollectionAssert.AreEqual(
            set.Train.Select(i => (Path.GetFullPath(i.Path), set.ClassNames[i.Class])).ToArray(),
            pool.Entries.Select(e => (Path.GetFullPath(e.Path), e.Label!)).ToArray()
        );
        Assert.IsFalse(pool.Entries.Select(e => e.Path).Intersect(set.Test.Select(i => i.Path)).Any());
        Assert.Contains($"{images} training images", pool.Note!);
    }

    [TestMethod]
    public void WithinASet_ItsTrainingImagesBelowTheFolder()
    {
        var pool = PoolFolder.Open(Root["RESICS45", "beach"], labels: false);
        Assert.HasCount(3, pool.Entries);
        Assert.IsTrue(pool.Entries.All(e => e.Label is null));
        var e = Assert.ThrowsExactly<InvalidDataException>(() => PoolFolder.Open(Root["DTD", "test"], labels: false));
        Assert.Contains("holds no training image of DTD", e.Message);
    }

    [TestMethod]
    public void AnUnknownSetIsRefused()
    {
        Directory.CreateDirectory(Root["mine"]);
        foreach (var file in new[] { "labels.txt", "train.txt", "test.txt" })
        {
            File.WriteAllText(Root["mine", file], "x");
        }

        var e = Assert.ThrowsExactly<InvalidDataException>(() => PoolFolder.Open(Root["mine"], labels: false));
        Assert.Contains("has lists of training and test images, but its name is not that of a data set", e.Message);
    }

    [TestMethod]
    [DataRow("train", "test")]
    [DataRow("Train", "Test")] // all was adapted to
    [DataRow("POOL", "test")]
    public void BesideATestFolder_TheTrainingFolderIsTaken_AndOtherFoldersAsTheyAre(string train, string test)
    {
        var own = train + test;
        TinyData.Images(Root[own, train], 2, byClass: true);
        TinyData.Images(Root[own, test], 1, byClass: true);
        Assert.HasCount(6, PoolFolder.Open(Root[own], labels: true).Entries);
        Assert.HasCount(3, PoolFolder.Open(Root[own, test], labels: true).Entries);
        Assert.IsNull(PoolFolder.Open(Root[own, test], labels: true).Note);
        Assert.Throws<DirectoryNotFoundException>(() => PoolFolder.Open(Root["nowhere"], labels: false));
    }
}
