using AirMLNet.Clip;
using AirMLNet.Images;

namespace AirMLNet.Tests.Clip;

/// <summary>Images in, batches of pixels out: order, sizes, failures and cancellation.</summary>
[TestClass]
public sealed class ImageBatcherTests
{
    private const int Side = 2;
    private static readonly ClipPreprocessor Preprocessor = new(Side, [0, 0, 0], [1, 1, 1]);

    private readonly List<(int Count, float[] First)> _batches = [];

    [TestMethod]
    public void ImagesKeepTheirOrder_AndTheLastBatchIsShort()
    {
        var batcher = Batcher(3);
        for (byte i = 0; i < 7; i++)
        {
            var value = i;
            batcher.Add(() => Plain(value));
            Assert.HasCount((i + 1) / 3, _batches);
        }

        batcher.Complete();
        batcher.Complete();

        CollectionAssert.AreEqual(new[] { 3, 3, 1 }, _batches.Select(b => b.Count).ToArray());
        var values = _batches.SelectMany(b => b.First).Select(v => (int)Math.Round(v * 255)).ToArray();
        CollectionAssert.AreEqual(Enumerable.Range(0, 7).ToArray(), values);
    }

    [TestMethod]
    public void OfSeveralUnreadableImages_TheFirstIsNamed()
    {
        var batcher = Batcher(4);
        batcher.Add(() => Plain(1));
        batcher.Add(() => throw new UnreadableImageException("b.png", "b.png: damaged"));
        batcher.Add(() => throw new UnreadableImageException("c.png", "c.png: damaged"));

        Assert.AreEqual("b.png: damaged", Assert.ThrowsExactly<UnreadableImageException>(batcher.Complete).Message);
        Assert.IsEmpty(_batches);
    }

    [TestMethod]
    public void WhenCancelled_NothingMoreIsDecoded()
    {
        using var source = new CancellationTokenSource();
        var batcher = Batcher(1, source.Token);
        batcher.Add(() => Plain(1));
        source.Cancel();
        var decoded = false;

        Assert.Throws<OperationCanceledException>(() =>
            batcher.Add(() =>
            {
                decoded = true;
                return Plain(2);
            })
        );
        Assert.IsFalse(decoded);
        Assert.HasCount(1, _batches);
    }

    private ImageBatcher Batcher(int size, CancellationToken cancellation = default) =>
        new(
            Preprocessor,
            size,
            (pixels, count) => _batches.Add((count, [.. Enumerable.Range(0, count).Select(i => pixels.Span[i * 3 * Side * Side])])),
            cancellation
        );

    private static RgbImage Plain(byte value) => new(Side, Side, [.. Enumerable.Repeat(value, 3 * Side * Side)]);
}
