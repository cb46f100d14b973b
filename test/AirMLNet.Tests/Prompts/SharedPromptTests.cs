using AirMLNet.Clip;
using AirMLNet.Prompts;
using AirMLNet.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Prompts;

[TestClass]
public sealed class SharedPromptTests
{
    [TestMethod]
    public void ClassVectors_EqualTheTextTowerOnTheSameTokens()
    {
        using var f = new StageFixture(1);
        ClipBackbone backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            string[] names = ["red", "a_long name"];
            using var prompt = new SharedPrompt(backbone, names, 16);
            // The prompt made of the embedding of "x" is the text "X X … X name".
            long x = backbone.Tokenizer.Encode("X")[0];
            Tensor context = backbone.Model.Text.EmbedTokens(tensor(Enumerable.Repeat(x, 16).ToArray(), [1, 16]));
            float[] found = prompt.ClassVectors(context).contiguous().data<float>().ToArray();
            string prefix = string.Concat(Enumerable.Repeat("X ", 16));
            float[] expected = backbone.EncodeTexts([prefix + "red", prefix + "a long name"]).contiguous().data<float>().ToArray();
            for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], found[i], 1e-5f);
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
        ClipBackbone backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            string name = string.Join(' ', Enumerable.Repeat("q", TinyClip.ContextLength));
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
        ClipBackbone backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            float[] vectors = ZeroShotClassifier.ClassVectors(backbone, ["red", "blue_sky"], ["a {}", "the {}."]);
            using var scope = NewDisposeScope();
            float[] texts = backbone.EncodeTexts(["a blue sky", "the blue sky."]).contiguous().data<float>().ToArray();
            int d = backbone.FeatureDimension;
            double[] mean = Enumerable.Range(0, d).Select(i => (texts[i] + (double)texts[d + i]) / 2).ToArray();
            double length = Math.Sqrt(mean.Sum(v => v * v));
            for (int i = 0; i < d; i++) Assert.AreEqual(mean[i] / length, vectors[d + i], 1e-5);
        }
        finally
        {
            backbone.Release();
        }
    }
}
