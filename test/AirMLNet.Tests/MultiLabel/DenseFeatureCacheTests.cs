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
        var cache = DenseFeatureCache.Open(_folder["cache"], new DenseImages(encoder, images));
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
        var cache = DenseFeatureCache.Open(_folder["cache"], new DenseImages(new DenseEncoder(_clip, DensePositions.None), images));
        Assert.ThrowsExactly<AirMLNet.Images.UnreadableImageException>(() => cache.Make(Shard.Whole, CancellationToken.None));
        CollectionAssert.AreEqual(new[] { "cache.json" }, Directory.GetFiles(_folder["cache"]).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void TextsInFiles_AreThoseInMemory_AndTakeNoMoreThanTheirTokens()
    {
        var encoder = new DenseEncoder(_clip, DensePositions.None);
        string[] texts = [.. Enumerable.Range(0, DenseFeatureCache.PartRows + 70).Select(i => i % 3 == 0 ? "a" : $"the red phone {i}")];
        var source = new DenseTexts(encoder, texts);
        var cache = DenseFeatureCache.Open(_folder["texts"], source);
        Assert.AreEqual(2, cache.Make(Shard.Whole, CancellationToken.None));
        var tokens = texts.Sum(text => encoder.Tokens(text).Length);
        Assert.AreEqual(2L * (texts.Length + tokens) * encoder.Dimension, cache.Bytes);
        using var files = cache.Read();
        using var memory = source.InMemory(CancellationToken.None);
        Assert.AreEqual(texts.Length, files.Count);
        var length = (1 + source.Places) * encoder.Dimension;
        foreach (var row in new[] { 0, 1, 2, DenseFeatureCache.PartRows - 1, DenseFeatureCache.PartRows, texts.Length - 1 })
        {
            // What lay there before must not shine through after a short text's end.
            var (one, other) = (Enumerable.Repeat((Half)7, length).ToArray(), Enumerable.Repeat((Half)8, length).ToArray());
            files.Copy(row, one);
            memory.Copy(row, other);
            CollectionAssert.AreEqual(other, one);
        }
        Assert.Contains(
            "another 'texts'",
            Assert
                .ThrowsExactly<InvalidDataException>(() =>
                    DenseFeatureCache.Open(_folder["texts"], new DenseTexts(encoder, [.. texts.Reverse()]))
                )
                .Message
        );
    }

    [TestMethod]
    public void TextsAreMaskedAfterTheirEnd()
    {
        var encoder = new DenseEncoder(_clip, DensePositions.None);
        using var source = new DenseTexts(encoder, ["a", "the red phone"]).InMemory(CancellationToken.None);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var batch = DenseBatch.Take(source, [0, 1], encoder.Dimension, masked: true, TorchSharp.torch.CPU);
        var kept = batch.Keep!.sum(1).data<float>().ToArray();
        Assert.AreEqual(3, kept[0]); // start, "a", end
        Assert.AreEqual(source.Places, kept[1]);
        // The global feature is that of the end token.
        Assert.AreEqual(0, batch.Global[0].sub(batch.Local[0, 2]).abs().max().item<float>(), 1e-6f);
    }
}
