using AirMLNet.FineTuning;
using static TorchSharp.torch;

namespace AirMLNet.Tests.FineTuning;

/// <summary>Mixer and prototypes on cases worked out by hand; the published code's numbers are in the case latteclip-tiny.</summary>
[TestClass]
public sealed class MixerTests
{
    private static readonly float[] Corners = [1, 0, 0, 0, 1, 0, 0, 0, 1];

    [TestMethod]
    public void AWeightIsTheLeadOfTheNearestPrototype()
    {
        using var scope = NewDisposeScope();
        var texts = tensor(new[] { 0.6f, 0.8f, 0, 1, 0, 0 }, [2, 3]);
        AssertClose([0.2f, 1], FeatureMixer.Weights(texts, Prototypes(), new MixerRule()));
        // The paper's rule takes cosines, whatever the prototypes' length.
        AssertClose([0.2f, 1], FeatureMixer.Weights(texts, Prototypes().mul(5), new MixerRule { Update = PrototypeUpdate.Paper }));
    }

    [TestMethod]
    public void TextsAreMixedByTheirWeightsIntoThePrototype()
    {
        using var scope = NewDisposeScope();
        using var bank = new PrototypeBank(Prototypes());
        var (mix, _) = Mix(bank, new MixerRule { Update = PrototypeUpdate.Paper });
        // Weights 0.2, 1 and 1: (0.2·(0.6, 0.8, 0) + (0, 0, 1) + (0, 1, 0)) / 2.2, a hundredth of it beside (0, 1, 0).
        AssertClose([0.01f * 0.12f / 2.2f, 0.99f + (0.01f * 1.16f / 2.2f), 0.01f / 2.2f], mix.Current[0]);
    }

    [TestMethod]
    public void EachOptionLeavesOutWhatItSays()
    {
        using var scope = NewDisposeScope();
        using var bank = new PrototypeBank(Prototypes());
        var rule = new MixerRule { TextShare = 1 };
        AssertClose([0.2f, (0.8f + 1) / 3, 1 / 3f], Mix(bank, rule with { Weighted = false }).Mix.Current[0]);
        AssertClose([0, 1, 0], Mix(bank, rule with { ImageText = false, GroupText = false }).Mix.Current[0]);
        AssertClose([0.6f, 0.8f, 0], Mix(bank, rule with { GroupText = false, ClassText = false }).Mix.Current[0]);
        AssertClose([0, 0, 1], Mix(bank, rule with { ImageText = false, ClassText = false }).Mix.Current[0]);
    }

    [TestMethod]
    public void ATextThatIsMissingWeighsNothing()
    {
        using var scope = NewDisposeScope();
        using var bank = new PrototypeBank(Prototypes());
        var rule = new MixerRule { TextShare = 1, ClassText = false };
        var none = zeros(1);
        AssertClose([0, 0, 1], Mix(bank, rule, hasImage: none).Mix.Current[0]);
        AssertClose([0, 1, 0], Mix(bank, rule, hasImage: none, hasGroup: none).Mix.Current[0]); // nothing at all: the prototype
    }

    [TestMethod]
    public void TheTextTowersShareOfTheGradientIsExactlyOneMinusAlpha()
    {
        using var scope = NewDisposeScope();
        using var bank = new PrototypeBank(Prototypes());
        Tensor Gradient(double share)
        {
            var (mix, texts) = Mix(bank, new MixerRule { TextShare = share });
            mix.Current.sum().backward();
            return texts.Image!.grad!;
        }

        AssertClose(Gradient(1).mul(0.25).data<float>().ToArray(), Gradient(0.25), 0);
    }

    [TestMethod]
    public void TheCodesRuleReplacesThePrototypesOfTheBatchAndKeepsEveryBitOfTheOthers()
    {
        using var scope = NewDisposeScope();
        var start = tensor(new[] { 0.1f, 0.2f, 0.3f, 0, 1, 0, 0, 0, 1 }, [3, 3]);
        using var bank = new PrototypeBank(start);
        var mixed = tensor(new float[] { 3, 0, 0, 0, 4, 0 }, [2, 3]);
        bank.Update(new MixerRule(), (tensor(new long[] { 1, 1 }), mixed), (tensor(new long[] { 1, 2 }), mixed));
        // Class 1: the mean of (3,0,0), (0,4,0), (3,0,0); class 2: (0,4,0).
        var length = MathF.Sqrt((2 * 2) + (4 / 3f * 4 / 3f));
        AssertClose([2 / length, 4 / 3f / length, 0], bank.Prototypes[1]);
        AssertClose([0, 1, 0], bank.Prototypes[2]);
        CollectionAssert.AreEqual(start[0].data<float>().ToArray(), bank.Prototypes[0].data<float>().ToArray());
    }

    [TestMethod]
    public void ThePapersRuleMovesThePrototypesForOneKindOfLabelAfterTheOther()
    {
        using var scope = NewDisposeScope();
        using var bank = new PrototypeBank(Prototypes());
        var zeroShot = tensor(new float[] { 0, 1, 0 }, [1, 3]);
        var current = tensor(new float[] { 0, 0, 1 }, [1, 3]);
        var first = tensor(new long[] { 0 });
        bank.Update(new MixerRule { Update = PrototypeUpdate.Paper, Momentum = 0.75 }, (first, zeroShot), (first, current));
        AssertClose([0.75f * 0.75f, 0.25f * 0.75f, 0.25f], bank.Prototypes[0]);
        AssertClose([0, 1, 0], bank.Prototypes[1], 0);
    }

    [TestMethod]
    public void ColumnWeightsNeedASquareBatch()
    {
        using var scope = NewDisposeScope();
        using var bank = new PrototypeBank(Prototypes());
        var e = Assert.ThrowsExactly<ArgumentException>(() => Mix(bank, new MixerRule { ClassWeight = ClassTextWeight.FeatureColumns }));
        Assert.Contains("FeatureColumns", e.Message);
    }

    private static Tensor Prototypes() => tensor(Corners, [3, 3]);

    /// <summary>One sample of class 1.</summary>
    private static (LatteMix Mix, LatteTexts Texts) Mix(
        PrototypeBank bank,
        MixerRule rule,
        Tensor? hasImage = null,
        Tensor? hasGroup = null
    )
    {
        Tensor Leaf(params float[] values) => tensor(values, [1, 3]).requires_grad_(true);
        var texts = new LatteTexts(Leaf(0.6f, 0.8f, 0), Leaf(0, 0, 1), Leaf(0, 1, 0), Leaf(0, 1, 0))
        {
            HasImage = hasImage,
            HasGroup = hasGroup,
        };
        var label = tensor(new long[] { 1 });
        return (FeatureMixer.Mix(texts, bank, label, label, rule), texts);
    }

    private static void AssertClose(float[] expected, Tensor found, float tolerance = 1e-5f)
    {
        var values = found.detach().contiguous().data<float>().ToArray();
        Assert.HasCount(expected.Length, values);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], values[i], tolerance, $"[{string.Join(", ", values)}]");
        }
    }
}
