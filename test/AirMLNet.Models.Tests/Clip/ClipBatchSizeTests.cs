using AirMLNet.Clip;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipBatchSizeTests
{
    [TestMethod]
    public void The_batch_follows_the_memory()
    {
        var large = new ClipConfig
        {
            Vision = new()
            {
                HiddenSize = 1024,
                IntermediateSize = 4096,
                Layers = 24,
                Heads = 16,
                ImageSize = 336,
                PatchSize = 14,
            },
        };
        Assert.AreEqual(64, ClipBatchSize.Choose(new ClipConfig(), memory: 16L << 30));
        Assert.AreEqual(1, ClipBatchSize.Choose(large, memory: 1 << 20));
        Assert.IsLessThan(ClipBatchSize.Choose(new ClipConfig(), memory: 512 << 20), ClipBatchSize.Choose(large, memory: 512 << 20));
        Assert.IsGreaterThan(
            1,
            ClipBatchSize.Choose(new ClipConfig { Vision = new ClipResNetConfig(64, 3, 4, 6, 3).Tower(224) }, memory: 1 << 30)
        );
    }
}
