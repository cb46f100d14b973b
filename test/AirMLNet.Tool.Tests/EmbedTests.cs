using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary><c>airml embed</c> and <c>airml pull</c> as a user calls them.</summary>
[TestClass]
public sealed class EmbedTests
{
    [TestMethod]
    public void ShardsAndOneRunGiveTheSameFile()
    {
        using var folder = new TemporaryFolder();
        var images = TinyData.Images(folder["images"], 3);

        var line = Airml
            .Run("embed", images, "--clip", TinyData.MiniClip(), "-o", folder["one.npy"], "--chunk", "4", "--threads", "1")
            .Succeeded();
        Assert.Contains("one.npy: 9 features", line);
        for (var shard = 1; shard <= 2; shard++)
        {
            Airml
                .Run(
                    "embed",
                    images,
                    "--clip",
                    TinyData.MiniClip(),
                    "-o",
                    folder["two.npy"],
                    "--chunk",
                    "4",
                    "--shard",
                    $"{shard}/2",
                    "--threads",
                    "1"
                )
                .Succeeded();
        }

        Airml.Run("embed", images, "--clip", TinyData.MiniClip(), "-o", folder["two.npy"], "--chunk", "4", "--merge", "2").Succeeded();

        CollectionAssert.AreEqual(File.ReadAllBytes(folder["one.npy"]), File.ReadAllBytes(folder["two.npy"]));
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
