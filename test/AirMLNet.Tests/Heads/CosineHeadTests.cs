using AirMLNet.Heads;

namespace AirMLNet.Tests.Heads;

[TestClass]
public sealed class CosineHeadTests
{
    [TestMethod]
    public void Probabilities_AreTheSoftmaxOfScaledCosines()
    {
        var head = new CosineHead([1, 0, 0, 1], 2, Math.Log(3)); // cosines 1 and 0: e^ln3 : e^0 = 3 : 1
        var p = new float[2];
        head.Probabilities([1f, 0f], p);
        Assert.AreEqual(0.75f, p[0], 1e-6f);
        Assert.AreEqual(0.25f, p[1], 1e-6f);
    }

    [TestMethod]
    public void AnAbsentClass_GetsNothing_AndTheOthersTheWhole()
    {
        var head = new CosineHead([1, 0, 0, 0, 0, 1], 3, 5, [true, false, true]);
        var p = new float[3];
        head.Probabilities([0.6f, 0.8f], p);
        Assert.AreEqual(0f, p[1]);
        Assert.AreEqual(1f, p.Sum(), 1e-6f);
        Assert.IsGreaterThan(p[0], p[2]);
    }

    [TestMethod]
    public void OneRow_AndManyRows_AreTheSameBits()
    {
        var random = new Random(1);
        var weights = Enumerable.Range(0, 3 * 37).Select(_ => random.NextSingle()).ToArray();
        var features = Enumerable.Range(0, 5 * 37).Select(_ => random.NextSingle()).ToArray();
        var head = new CosineHead(weights, 3, 20);
        var all = head.Probabilities(features.AsMemory());
        var one = new float[3];
        for (var i = 0; i < 5; i++)
        {
            head.Probabilities(features.AsSpan(i * 37, 37), one);
            CollectionAssert.AreEqual(one, all[(i * 3)..(i * 3 + 3)]);
        }
    }

    [TestMethod]
    public void Fuse_IsAdditiveAndStaysADistribution()
    {
        float[] p = [0.8f, 0.2f];
        new Fusion(FusionForm.Additive, 0.5).Into(p, [0.2f, 0.8f]);
        Assert.AreEqual(0.6f, p[0], 1e-6f); // (0.8 + 0.1)/1.5
        Assert.AreEqual(0.4f, p[1], 1e-6f);
    }

    [TestMethod]
    public void Fuse_InConvexForm_WeighsTheSidesByLambda()
    {
        float[] p = [0.8f, 0.2f];
        new Fusion(FusionForm.Convex, 0.25).Into(p, [0.2f, 0.8f]);
        Assert.AreEqual(0.65f, p[0], 1e-6f); // 0.75·0.8 + 0.25·0.2
        Assert.AreEqual(0.35f, p[1], 1e-6f);
        float[] additive = [0.8f, 0.2f];
        new Fusion(FusionForm.Additive, 1 / 3.0).Into(additive, [0.2f, 0.8f]); // λ/(1 + λ) = 0.25
        Assert.AreEqual(p[0], additive[0], 1e-6f);
    }

    [TestMethod]
    public void ArgMax_TakesTheFirstOfEquals() => Assert.AreEqual(1, CosineHead.ArgMax([0.1f, 0.4f, 0.4f]));
}
