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

    [TestMethod]
    public void On_a_processor_a_batch_is_about_a_second_of_work_whatever_the_model()
    {
        const long memory = 64L << 30;
        var base32 = new ClipConfig();

        var two = ClipBatchSize.Choose(base32, threads: 2, memory);
        // 8.8 GFLOP an image (OpenCLIP's profile); two threads do 20 to 100 a second.
        Assert.IsInRange(8, 20, two);
        Assert.IsInRange(4 * two, (4 * two) + 4, ClipBatchSize.Choose(base32, threads: 8, memory));
        Assert.AreEqual(64, ClipBatchSize.Choose(base32, threads: 256, memory));
        Assert.AreEqual(64, ClipBatchSize.Choose(base32, memory: memory), "a GPU takes what memory holds");
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
        Assert.AreEqual(1, ClipBatchSize.Choose(large, threads: 2, memory));
        var resnet = new ClipConfig { Vision = new ClipResNetConfig(64, 3, 4, 6, 3).Tower(224) };
        Assert.IsInRange(6, 30, ClipBatchSize.Choose(resnet, threads: 2, memory));
        Assert.IsInRange(12, 48, ClipBatchSize.Texts(base32, threads: 2));
        Assert.AreEqual(256, ClipBatchSize.Texts(base32, threads: null));
    }
}
