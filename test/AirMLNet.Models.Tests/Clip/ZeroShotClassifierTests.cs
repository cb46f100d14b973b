using AirMLNet.Clip;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ZeroShotClassifierTests
{
    /// <summary>Such classes scored the same, without a word.</summary>
    [TestMethod]
    public void ClassesThatDifferBehindTheLastToken_AreNamed()
    {
        var backbone = ClipBackbone.Acquire(TinyModels.Clip);
        try
        {
            var longName = string.Join(' ', Enumerable.Repeat("word", 80));
            string[] names = ["cat", longName + " cat", longName + " dog"];
            var e = Assert.ThrowsExactly<ArgumentException>(() => ZeroShotClassifier.ClassVectors(backbone, names, ["a photo of a {}."]));
            Assert.Contains("read the same to the model", e.Message);
            Assert.Contains("word dog'", e.Message);
            Assert.HasCount(2 * backbone.FeatureDimension, ZeroShotClassifier.ClassVectors(backbone, names[..2], ["a photo of a {}."]));
        }
        finally
        {
            backbone.Release();
        }
    }
}
