using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary><c>airml embed</c> and <c>airml pull</c> as a user calls them.</summary>
[TestClass]
public sealed class EmbedTests
{
    [TestMethod]
    [DataRow("npy")]
    [DataRow("safetensors")]
    [DataRow("csv")]
    [DataRow("parquet")]
    [DataRow("arrow")]
    public void ShardsAndOneRunGiveTheSameFile(string ending)
    {
        using var folder = new TemporaryFolder();
        string one = folder["one." + ending],
            two = folder["two." + ending];
        string[] embed = ["embed", TinyData.Images(folder["images"], 3), "--clip", TinyData.MiniClip(), "--chunk", "4", "--threads", "1"];

        Assert.Contains($"one.{ending}: 9 features", Airml.Run([.. embed, "-o", one]).Succeeded());
        for (var shard = 1; shard <= 2; shard++)
        {
            Airml.Run([.. embed, "-o", two, "--shard", $"{shard}/2"]).Succeeded();
        }
        Airml.Run([.. embed, "-o", two, "--merge", "2"]).Succeeded();

        CollectionAssert.AreEqual(File.ReadAllBytes(one), File.ReadAllBytes(two));
    }

    [TestMethod]
    public void BadOptionsAreNamedOnOneLine()
    {
        using var folder = new TemporaryFolder();
        var images = TinyData.Images(folder["images"], 1);
        Airml
            .Run("embed", images, "--clip", TinyData.MiniClip(), "-o", folder["f.npy"], "--shard", "4/3")
            .Failed(2, "--shard: '4/3' is no part");
        Airml.Run("embed", images, "--clip", TinyData.MiniClip(), "-o", folder["f.txt"]).Failed(1, ".safetensors, .npy, .csv");
        Airml.Run("embed", folder["none"], "--clip", TinyData.MiniClip(), "-o", folder["f.npy"]).Failed(1, "none");
        Airml.Run("pull", "no-owner", "-o", folder["m"]).Failed(1, "expected owner/name");
        Airml.Run("pull", "a/b", "-o", folder["m"], "--endpoint", "here").Failed(2, "--endpoint is 'here'");
    }
}
