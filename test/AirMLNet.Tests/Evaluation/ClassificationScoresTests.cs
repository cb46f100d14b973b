using System.Text.Json;
using AirMLNet.Evaluation;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Evaluation;

[TestClass]
public sealed class ClassificationScoresTests
{
    [TestMethod]
    public void Scores_ArePooledShares()
    {
        // Classes 0 and 1 are seen, 2 unseen. Seen: 2 of 3 right, unseen: 1 of 2.
        var scores = ClassificationScores.Of([0, 1, 2, 2, 0], [0, 1, 1, 2, 2], [2]);
        Assert.AreEqual(0.6, scores.Accuracy, 1e-12);
        Assert.AreEqual(2 / 3.0, scores.Seen!.Value, 1e-12);
        Assert.AreEqual(0.5, scores.Unseen!.Value, 1e-12);
        Assert.AreEqual(2 * (2 / 3.0) * 0.5 / (2 / 3.0 + 0.5), scores.Harmonic!.Value, 1e-12);
        Assert.IsNull(ClassificationScores.Of([0], [0]).Harmonic);
        Assert.Throws<ArgumentException>(() => ClassificationScores.Of([0], [0], [2]));
        Assert.Throws<ArgumentException>(() => ClassificationScores.Of([0], [0, 1]));
    }

    [TestMethod]
    public void HarmonicMean_EqualsTheReference()
    {
        var cases = JsonDocument
            .Parse(File.ReadAllText(TestData.Path("golden/losses/expected.json")))
            .RootElement.GetProperty("harmonic_mean")
            .GetProperty("cases");
        Assert.IsGreaterThan(0, cases.GetArrayLength());
        foreach (var one in cases.EnumerateArray())
        {
            double[] numbers = [.. one.EnumerateObject().Select(p => p.Value.GetDouble())];
            Assert.AreEqual(numbers[^1], ClassificationScores.HarmonicMean(numbers[0], numbers[1]), 1e-6, one.GetRawText());
        }
        Assert.AreEqual(0, ClassificationScores.HarmonicMean(0, 0));
    }

    [TestMethod]
    public void SurestLabels_AreCountedPerClassAndOverall()
    {
        float[] p =
        [
            0.9f,
            0.1f,
            0, // class 0, right
            0.8f,
            0.2f,
            0, // wrong: truth 1
            0.6f,
            0.4f,
            0, // right
            0.3f,
            0.7f,
            0, // right
        ];
        // n = 2. Class 0 takes images 0, 1: one right. Class 1 takes 3, 2: one right. Class 2 may not be given. Overall 0, 1: one right;
        // of the whole pool three of four.
        var found = PseudoLabelAccuracy.Of(p, [0, 1, 0, 1], 3, 2);
        Assert.AreEqual(0.5, found.PerClass, 1e-12);
        Assert.AreEqual(0.5, found.Overall, 1e-12);
        Assert.AreEqual(0.75, found.Pool, 1e-12);
        Assert.AreEqual(0.75, PseudoLabelAccuracy.Of(p, [0, 1, 0, 1], 3, 50).Overall, 1e-12);
    }

    [TestMethod]
    public void AClassWithFewImages_CanBeAllRight()
    {
        // Two images of class 0, one of class 1, none of class 2; every image is named right.
        float[] p = [0.9f, 0.1f, 0, 0.8f, 0.1f, 0.1f, 0.3f, 0.7f, 0];
        var found = PseudoLabelAccuracy.Of(p, [0, 0, 1], 3);
        Assert.AreEqual(1, found.PerClass, 1e-12);
    }

    [TestMethod]
    public void HiddenLabels_CannotBeReadDuringAFit()
    {
        var labels = new PoolLabels([0, 1, 2], [1]);
        Assert.AreEqual(2, labels[2]);
        using (labels.BeginFit())
        {
            Assert.AreEqual(1, labels[1]);
            Assert.IsFalse(labels.IsGiven(2));
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => labels[2]);
            Assert.Contains("label of image 2", e.Message);
            using (labels.BeginFit()) { }
            Assert.ThrowsExactly<InvalidOperationException>(() => labels[0]);
        }
        Assert.AreEqual(0, labels[0]);
    }
}
