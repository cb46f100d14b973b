using AirMLNet.Clip;
using AirMLNet.Prompts;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Prompts;

[TestClass]
public sealed class SharedPromptTests
{
    [TestMethod]
    public void ClassVectors_EqualTheTextTowerOnTheSameTokens()
    {
        using var f = new StageFixture(1);
        var backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            string[] names = ["red", "a_long name"];
            using var prompt = new SharedPrompt(backbone, names, 16);
            // The prompt made of the embedding of "x" is the text "X X … X name".
            long x = backbone.Tokenizer.Encode("X")[0];
            var context = backbone.Model.Text.EmbedTokens(tensor(Enumerable.Repeat(x, 16).ToArray(), [1, 16]));
            var found = prompt.ClassVectors(context).contiguous().data<float>().ToArray();
            var prefix = string.Concat(Enumerable.Repeat("X ", 16));
            var expected = backbone.EncodeTexts([prefix + "red", prefix + "a long name"]).contiguous().data<float>().ToArray();
            for (var i = 0; i < expected.Length; i++)
            {
                Assert.AreEqual(expected[i], found[i], 1e-5f);
            }
        }
        finally
        {
            backbone.Release();
        }
    }

    [TestMethod]
    public void AClassNameThatLeavesNoRoom_IsNamed()
    {
        using var f = new StageFixture(1);
        var backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            var name = string.Join(' ', Enumerable.Repeat("q", TinyClip.ContextLength));
            var e = Assert.ThrowsExactly<ArgumentException>(() => new SharedPrompt(backbone, ["red", name], 16));
            Assert.Contains($"Class name '{name}' is {TinyClip.ContextLength} tokens long", e.Message);
        }
        finally
        {
            backbone.Release();
        }
    }

    [TestMethod]
    public void ZeroShotVectors_AverageNormalisedTemplates()
    {
        using var f = new StageFixture(1);
        var backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            var vectors = ZeroShotClassifier.ClassVectors(backbone, ["red", "blue_sky"], ["a {}", "the {}."]);
            using var scope = NewDisposeScope();
            var texts = backbone.EncodeTexts(["a blue sky", "the blue sky."]).contiguous().data<float>().ToArray();
            var d = backbone.FeatureDimension;
            var mean = Enumerable.Range(0, d).Select(i => (texts[i] + (double)texts[d + i]) / 2).ToArray();
            var length = Math.Sqrt(mean.Sum(v => v * v));
            for (var i = 0; i < d; i++)
            {
                Assert.AreEqual(mean[i] / length, vectors[d + i], 1e-5);
            }
        }
        finally
        {
            backbone.Release();
        }
    }
}
