using System.Text.Json;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using AirMLNet.Weights;

namespace AirMLNet.Tests.PseudoLabels;

[TestClass]
public sealed class TopKPerClassTests
{
    // Rows are images, columns classes.
    private static readonly float[] Small = [0.6f, 0.4f, 0.6f, 0.4f, 0.1f, 0.9f, 0.5f, 0.5f];

    [TestMethod]
    public void Select_TakesTheBestOfEachColumn_AndBreaksTiesByIndex()
    {
        var chosen = TopKPerClass.Select(Small, 2, 2);
        CollectionAssert.AreEqual(new[] { 0, 1 }, chosen[0]);
        CollectionAssert.AreEqual(new[] { 2, 3 }, chosen[1]);
    }

    [TestMethod]
    public void Select_GivesAllImages_WhenThereAreFewerThanK() =>
        CollectionAssert.AreEqual(new[] { 0, 1, 3, 2 }, TopKPerClass.Select(Small, 2, 10)[0]);

    [TestMethod]
    public void Assign_GivesAnImageWantedTwiceToItsMoreProbableClass_AndTheFirstOfEquals()
    {
        var labels = TopKPerClass.Assign(
            [
                [0, 3, 2],
                [2, 3],
            ],
            Small
        );
        CollectionAssert.AreEqual(new[] { 0, -1, 1, 0 }, labels);
    }

    [TestMethod]
    public void Thresholds_ReproduceTheChoiceRowByRow()
    {
        var random = new Random(3);
        const int rows = 60,
            classes = 5;
        var p = Probabilities(random, rows, classes);
        var chosen = TopKPerClass.Select(p, classes, 7);
        var labels = TopKPerClass.Assign(chosen, p);
        var thresholds = TopKPerClass.Thresholds(chosen, p);
        for (var i = 0; i < rows; i++)
        {
            Assert.AreEqual(labels[i], TopKPerClass.LabelOf(p.AsSpan(i * classes, classes), thresholds), $"row {i}");
        }
    }

    [TestMethod]
    public void Thresholds_AreInfiniteForAClassThatChoseNothing() =>
        Assert.AreEqual(
            float.PositiveInfinity,
            TopKPerClass.Thresholds(
                [
                    [0],
                    [],
                ],
                Small
            )[1]
        );

    [TestMethod]
    [DataRow("pseudo", "pseudo.in.probs")]
    [DataRow("pseudo_ties", "pseudo.in.probs_ties")]
    public void Select_MatchesTheReference(string name, string tensor)
    {
        (var p, var expected) = Golden(name, tensor);
        var chosen = TopKPerClass.Select(p, 5, 3);
        for (var c = 0; c < 5; c++)
        {
            CollectionAssert.AreEqual(Indices(expected, "column_top_k_stable", c), chosen[c], $"class {c}");
        }
    }

    [TestMethod]
    [DataRow("pseudo", "pseudo.in.probs", "grip_leaderboard", 3)]
    [DataRow("pseudo_ties", "pseudo.in.probs_ties", "grip_leaderboard", 3)]
    [DataRow("pseudo", "pseudo.in.probs", "grip_leaderboard_k1", 1)]
    [DataRow("pseudo_ties", "pseudo.in.probs_ties", "grip_leaderboard_k1", 1)]
    public void SelectLeaderboard_MatchesThePublishedCode(string name, string tensor, string list, int k)
    {
        (var p, var expected) = Golden(name, tensor);
        var chosen = TopKPerClass.SelectLeaderboard(p, 5, k);
        for (var c = 0; c < 5; c++)
        {
            CollectionAssert.AreEqual(Indices(expected, list, c), chosen[c], $"class {c}");
        }
    }

    [TestMethod]
    public void Select_RefusesProbabilitiesThatAreNoWholeRows() =>
        Assert.ThrowsExactly<ArgumentException>(() => TopKPerClass.Select(new float[7], 2, 1));

    private static float[] Probabilities(Random random, int rows, int classes)
    {
        var p = new float[rows * classes];
        for (var i = 0; i < rows; i++)
        {
            float sum = 0;
            for (var c = 0; c < classes; c++)
            {
                sum += p[i * classes + c] = random.NextSingle();
            }

            for (var c = 0; c < classes; c++)
            {
                p[i * classes + c] /= sum;
            }
        }
        return p;
    }

    private static (float[] Probabilities, JsonElement Expected) Golden(string name, string tensor)
    {
        using var file = SafetensorsFile.Open(TestData.Path("golden/losses/io.safetensors"));
        using var p = file.GetTensor(tensor);
        var expected = JsonDocument.Parse(File.ReadAllText(TestData.Path("golden/losses/expected.json"))).RootElement.GetProperty(name);
        return (p.data<float>().ToArray(), expected);
    }

    private static int[] Indices(JsonElement expected, string list, int c) =>
        expected
            .GetProperty(list)
            .GetProperty(c.ToString(System.Globalization.CultureInfo.InvariantCulture))
            .EnumerateArray()
            .Select(i => i.GetInt32())
            .ToArray();
}
