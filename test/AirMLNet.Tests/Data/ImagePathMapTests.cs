using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Data;

/// <summary>Photos of one name lie in many folders: what a list says of one must not be taken for another.</summary>
[TestClass]
public sealed class ImagePathMapTests
{
    private readonly TemporaryFolder _folder = new();

    [TestInitialize]
    public void WritePhotos()
    {
        foreach (var photo in new[] { "photos/cat/0.png", "photos/dog/0.png", "photos/cat/1.png" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[photo])!);
            File.WriteAllText(_folder[photo], "");
        }
    }

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow("photos/cat/0.png")]
    [DataRow("FOLDER/photos/cat/0.png")] // absolute
    [DataRow("/elsewhere/cat/0.png")] // moved
    [DataRow("other/photos/cat/0.png")]
    [DataRow("other\\cat\\0.png")]
    public void APathMeansOnePhoto(string path)
    {
        var map = Map(path.Replace("FOLDER", _folder.Path, StringComparison.Ordinal));
        Assert.AreEqual("0", map.Find(_folder["photos/cat/0.png"]));
        Assert.IsNull(map.Find(_folder["photos/dog/0.png"]));
        Assert.IsNull(map.Find(_folder["photos/cat/1.png"]));
    }

    [TestMethod]
    public void LinesThatNoPhotoWasFoundBy_AreKnown()
    {
        var map = Map("photos/cat/0.png", "photos/none.png", "/elsewhere/dog/0.png", "1.png");
        map.Find(_folder["photos/cat/0.png"]);
        map.Find(_folder["photos/dog/0.png"]);
        Assert.AreEqual("2 photos/none.png, 4 1.png", string.Join(", ", map.Unfound.Select(l => $"{l.Line} {l.Image}")));
        map.Find(_folder["photos/cat/1.png"]);
        Assert.HasCount(1, map.Unfound);
    }

    [TestMethod]
    public void TheLineWithTheMostFoldersInCommonCounts_AndOfTwoEqualsNone()
    {
        Assert.AreEqual("1", Map("a/cat/0.png", "b/photos/cat/0.png").Find(_folder["photos/cat/0.png"]));
        Assert.IsNull(Map("a/cat/0.png", "b/cat/0.png").Find(_folder["photos/cat/0.png"]));
    }

    [TestMethod]
    public void ABareName_IsThatOfOnePhoto()
    {
        var map = Map("0.png", "1.png");
        Assert.AreEqual("1", map.Find(_folder["photos/cat/1.png"]));
        Assert.AreEqual("0", map.Find(_folder["photos/cat/0.png"]));
        Assert.AreEqual("0", map.Find(_folder["photos/cat/0.png"]));
        var e = Assert.ThrowsExactly<InvalidDataException>(() => map.Find(_folder["photos/dog/0.png"]));
        Assert.Contains("line 1: 0.png is the name of two photos", e.Message);
    }

    [TestMethod]
    public void LinesThatContradictEachOther_AreNamed()
    {
        ImagePathMap<string> map = new(_folder["list.csv"], (a, b) => a != b);
        map.Add(2, "photos/cat/0.png", "cat");
        map.Add(3, "photos/cat/0.png", "cat");
        var e = Assert.ThrowsExactly<InvalidDataException>(() => map.Add(4, "./photos/cat/0.png", "dog"));
        Assert.Contains("line 4: ./photos/cat/0.png is in line 3 too, which says otherwise", e.Message);
        var last = Map("photos/cat/0.png", "photos/cat/0.png");
        Assert.AreEqual("1", last.Find(_folder["photos/cat/0.png"]));
    }

    private ImagePathMap<string> Map(params string[] paths)
    {
        ImagePathMap<string> map = new(_folder["list.csv"]);
        foreach (var (i, path) in paths.Index())
        {
            map.Add(i + 1, path, $"{i}");
        }
        return map;
    }
}
