using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.PseudoLabels;

[TestClass]
public sealed class PseudoLabelTests
{
    [TestMethod]
    public void TheTrainingRows_GetExactlyTheChoice()
    {
        using var f = new StageFixture(30);
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        var labelled = f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels(perClass: 6)).Fit(data).Transform(data);
        var p = StageFixture.Vectors(labelled, "PseudoLabelScore").SelectMany(v => v).ToArray();
        var expected = TopKPerClass.Assign(TopKPerClass.Select(p, 3, 6), p);
        var labels = StageFixture.Column<uint>(labelled, "PseudoLabel");
        CollectionAssert.AreEqual(expected.Select(l => (uint)(l + 1)).ToArray(), labels);
        var confidence = StageFixture.Column<float>(labelled, "PseudoLabelConfidence");
        for (var i = 0; i < labels.Length; i++)
        {
            Assert.AreEqual(labels[i] > 0 ? p[i * 3 + (int)labels[i] - 1] : p[(i * 3)..(i * 3 + 3)].Max(), confidence[i]);
        }
    }

    [TestMethod]
    public void Grip_StartsWithTheFirstRoundsNumber()
    {
        using var f = new StageFixture(30);
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        var options = f.PseudoLabels() with { Strategy = PseudoLabelStrategy.Grip, Rounds = 5 }; // n = 6, K_1 = 2
        var labelled = f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", options).Fit(data).Transform(data);
        foreach (var group in StageFixture.Column<uint>(labelled, "PseudoLabel").Where(l => l > 0).GroupBy(l => l))
        {
            Assert.IsLessThanOrEqualTo(2, group.Count());
        }
    }

    [TestMethod]
    public void Candidates_AreTheTargetsOfTheSelection()
    {
        using var f = new StageFixture(30);
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        foreach (var strategy in Enum.GetValues<PseudoLabelStrategy>())
        {
            var options = f.PseudoLabels(perClass: 3) with
            {
                Selection = SelectionRule.Candidates,
                Strategy = strategy,
                Rounds = 3,
                IntraQuantile = 0.8,
                InterQuantile = 0.4,
            };
            var labelled = f.Context.Transforms.PseudoLabel("L", "Features", options).Fit(data).Transform(data);
            float[] p = [.. StageFixture.Vectors(labelled, "LScore").SelectMany(v => v)];
            var grip = strategy == PseudoLabelStrategy.Grip; // K_1 = 10/3 = 3 either way; soft targets in GRIP's first round
            var perClass = strategy == PseudoLabelStrategy.All ? f.Rows.Length : 3;
            var expected = new PseudoLabelSelector(SelectionRule.Candidates, 3, 0.8, 0.4).Select(p, perClass, soft: grip);
            Assert.IsGreaterThan(2, expected.Images.Length);
            var labels = StageFixture.Column<uint>(labelled, "L");
            var targets = StageFixture.Vectors(labelled, "LCandidates");
            for (var i = 0; i < labels.Length; i++)
            {
                var k = Array.IndexOf(expected.Images, i);
                Assert.AreEqual(k < 0 ? 0u : (uint)expected.Labels[k] + 1, labels[i], $"row {i}");
                for (var c = 0; c < 3; c++)
                {
                    Assert.AreEqual(k < 0 ? 0 : expected.Targets![k * 3 + c], targets[i][c], 1e-6f, $"row {i}");
                }
            }
        }
    }

    [TestMethod]
    public void FusedProbabilities_AreThoseOfBothSidesOverTheClassesThatLabelsMayTake()
    {
        using var f = new StageFixture(12);
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        data = f.Context.Transforms.PseudoLabel("Plain", "Features", f.PseudoLabels()).Fit(data).Transform(data);
        data = f
            .Context.Transforms.PrototypeClassifier("P", "Features", new() { LabelColumn = "Plain", ConfidenceColumn = null })
            .Fit(data)
            .Transform(data);
        var options = f.PseudoLabels() with { PrototypeColumn = "P", PrototypeWeight = 0.5, LabelClasses = ["red", "blue"] };
        var fused = f.Context.Transforms.PseudoLabel("L", "Features", options).Fit(data).Transform(data);
        float[][] text = StageFixture.Vectors(fused, "PlainScore"),
            image = StageFixture.Vectors(fused, "P"),
            found = StageFixture.Vectors(fused, "LScore");
        for (var i = 0; i < 12; i++)
        {
            float p = text[i][0] / (text[i][0] + text[i][2]),
                q = image[i][0] / (image[i][0] + image[i][2]);
            Assert.AreEqual((p + 0.5f * q) / 1.5f, found[i][0], 1e-5f);
            Assert.AreEqual(0f, found[i][1]);
            Assert.AreEqual(1f, found[i].Sum(), 1e-5f);
        }
    }

    [TestMethod]
    public void LabelledRows_AreLeftOutOfThePool()
    {
        using var f = new StageFixture(12);
        var data = WithLabels(f, i => i < 9);
        var options = f.PseudoLabels(perClass: 100) with { LabelColumn = "Label" };
        var stage = f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", options).Fit(data);
        var p = StageFixture.Vectors(stage.Transform(data), "PseudoLabelScore");
        for (var c = 0; c < 3; c++)
        {
            Assert.AreEqual(p[9..].Min(row => row[c]), stage.Thresholds[c]);
        }

        Assert.ThrowsExactly<InvalidDataException>(() =>
            f.Context.Transforms.PseudoLabel("P", "Features", options).Fit(WithLabels(f, _ => true))
        );
    }

    [TestMethod]
    public void AStageThatNeedsNoLabels_NeverReadsThem()
    {
        using var f = new StageFixture(12);
        var watched = new WatchedView(WithLabels(f, _ => true));
        f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels())
            .Append(f.Context.Transforms.PrototypeClassifier("P", "Features"))
            .Append(f.Context.MulticlassClassification.Trainers.PromptAdapter(f.Prompts(rounds: 2) with { PrototypeColumn = "P" }))
            .Fit(watched);
        CollectionAssert.AreEquivalent(new[] { "Features" }, watched.Asked.ToArray());
    }

    [TestMethod]
    public void TheLogSaysWhatWasChosen()
    {
        using var f = new StageFixture(12);
        var lines = new List<string>();
        f.Context.Log += (_, e) => lines.Add(e.Message);
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels()).Fit(data);
        Assert.IsTrue(lines.Any(l => l.Contains("of 12 images labelled", StringComparison.Ordinal)), string.Join("\n", lines));
    }

    private static IDataView WithLabels(StageFixture f, Func<int, bool> labelled)
    {
        var features = f.Features().Fit(f.Data).Transform(f.Data);
        var values = StageFixture.Vectors(features, "Features");
        return f.Context.Data.LoadFromEnumerable(
            values.Select((v, i) => new LabelledFeatures { Features = v, Label = labelled(i) ? (uint)(i % 3) : uint.MaxValue }).ToArray()
        );
    }

    private sealed class LabelledFeatures
    {
        [VectorType(TinyClip.FeatureDimension)]
        public float[] Features { get; set; } = [];

        [KeyType(3)]
        public uint Label { get; set; }
    }

    /// <summary>Remembers which columns were ever asked for.</summary>
    private sealed class WatchedView(IDataView inner) : IDataView
    {
        public HashSet<string> Asked { get; } = [];
        public bool CanShuffle => inner.CanShuffle;
        public DataViewSchema Schema => inner.Schema;

        public long? GetRowCount() => inner.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        {
            var columns = columnsNeeded.ToArray();
            Asked.UnionWith(columns.Select(c => c.Name));
            return inner.GetRowCursor(columns, rand);
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
            [GetRowCursor(columnsNeeded, rand)];
    }
}
