using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.MultiLabel;
using AirMLNet.Testing;

namespace AirMLNet.Tests.MultiLabel;

[TestClass]
public sealed class DenseFeatureCacheTests
{
    private readonly TemporaryFolder _folder = new();
    private ClipBackbone _clip = null!;

    [TestInitialize]
    public void Load() => _clip = ClipBackbone.Acquire(TinyModels.Clip);

    [TestCleanup]
    public void Delete()
    {
        _clip.Release();
        _folder.Dispose();
    }

    [TestMethod]
    public void ShardsMakeThePartsTheyOwn_AndADamagedOneIsMadeAgain()
    {
        // The same few pictures again and again: more rows than a part holds.
        string[] few = [.. TinyClip.WriteImages(_folder["images"], 5).Select(i => i.Path)];
        string[] images = [.. Enumerable.Range(0, DenseFeatureCache.PartRows + 3).Select(i => few[i % few.Length])];
        var encoder = new DenseEncoder(_clip, DensePositions.None);
        var cache = DenseFeatureCache.Open(_folder["cache"], encoder, images);
        Assert.AreEqual(2, cache.Parts);
        Assert.Contains("in 2 files", cache.Description);

        Assert.AreEqual(1, cache.Make(new(2, 2), CancellationToken.None));
        Assert.Contains(
            "lacks 1 of 2 parts (the first is part-00000.f16)",
            Assert.ThrowsExactly<InvalidDataException>(() => cache.Read().Dispose()).Message
        );
        Assert.AreEqual(0, cache.Make(new(2, 2), CancellationToken.None)); // a shard twice
        Assert.AreEqual(1, cache.Make(new(1, 2), CancellationToken.None));
        File.WriteAllText(_folder["cache/part-00001.f16"], "cut off");
        Assert.AreEqual(1, cache.Make(Shard.Whole, CancellationToken.None));
        Assert.AreEqual(cache.Bytes, Directory.GetFiles(_folder["cache"], "*.f16").Sum(f => new FileInfo(f).Length));

        using var rows = cache.Read();
        var (first, last) = (new Half[encoder.RowLength], new Half[encoder.RowLength]);
        rows.Copy(DenseFeatureCache.PartRows + 2, last);
        rows.Copy((DenseFeatureCache.PartRows + 2) % few.Length, first);
        CollectionAssert.AreEqual(first, last);
        Assert.AreEqual(1f, last[..encoder.Dimension].Sum(x => (float)x * (float)x), 1e-2f);
    }

    [TestMethod]
    public void AnImageThatCannotBeRead_LeavesNoPartBehind()
    {
        string[] images = [.. TinyClip.WriteImages(_folder["images"], 3).Select(i => i.Path)];
        File.WriteAllText(images[2], "no image");
        var cache = DenseFeatureCache.Open(_folder["cache"], new DenseEncoder(_clip, DensePositions.None), images);
        Assert.ThrowsExactly<AirMLNet.Images.UnreadableImageException>(() => cache.Make(Shard.Whole, CancellationToken.None));
        CollectionAssert.AreEqual(new[] { "cache.json" }, Directory.GetFiles(_folder["cache"]).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void TextsAreMaskedAfterTheirEnd()
    {
        var encoder = new DenseEncoder(_clip, DensePositions.None);
        var (rows, tokens) = encoder.Texts(["a", "the red phone"], CancellationToken.None);
        using var source = new MemoryRows(rows, tokens, encoder.Dimension);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var batch = DenseBatch.Take(source, [0, 1], encoder.Dimension, masked: true, TorchSharp.torch.CPU);
        var kept = batch.Keep!.sum(1).data<float>().ToArray();
        Assert.AreEqual(3, kept[0]); // start, "a", end
        Assert.AreEqual(tokens, kept[1]);
        // The global feature is that of the end token.
        Assert.AreEqual(0, batch.Global[0].sub(batch.Local[0, 2]).abs().max().item<float>(), 1e-6f);
    }
}
