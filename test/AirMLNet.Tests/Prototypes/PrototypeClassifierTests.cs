using AirMLNet.Prototypes;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Prototypes;

[TestClass]
public sealed class PrototypeClassifierTests
{
    private const uint Missing = uint.MaxValue; // LoadFromEnumerable counts keys from 0; what is beyond the last is missing

    private static readonly Row[] Rows =
    [
        new()
        {
            Features = [1, 0],
            PseudoLabel = 0,
            PseudoLabelConfidence = 0.9f,
            Origin = "real",
        },
        new()
        {
            Features = [0, 1],
            PseudoLabel = 1,
            PseudoLabelConfidence = 0.8f,
            Origin = "real",
        },
        new()
        {
            Features = [0.6f, 0.8f],
            PseudoLabel = 0,
            PseudoLabelConfidence = 0.1f,
            Origin = "synthetic",
        },
        new() { Features = [0.8f, 0.6f], PseudoLabel = Missing },
    ];

    [TestMethod]
    public void Score_IsTheSoftmaxOfCosinesWithThePrototypes()
    {
        // Prototypes (1,0) and (0,1), temperature 1: p of the last row = softmax(0.8, 0.6).
        var p = Fit(
            new()
            {
                Temperature = 1,
                PreferSynthetic = false,
                ConfidenceColumn = "PseudoLabelConfidence",
            },
            Rows,
            names: 2
        )[3];
        Assert.AreEqual(1 / (1 + Math.Exp(-0.2)), p[0], 1e-6);
    }

    [TestMethod]
    public void SyntheticImages_ComeFirstWherePreferred()
    {
        // The prototype of class 1 is now (0.6, 0.8), though its confidence is lower: cosines 0.96 and 0.6.
        var p = Fit(new() { Temperature = 1 }, Rows, names: 2)[3];
        Assert.AreEqual(1 / (1 + Math.Exp(-0.36)), p[0], 1e-6);
    }

    [TestMethod]
    public void AClassWithoutImages_GetsProbabilityZero_AndAWarningNamesIt()
    {
        var warnings = new List<string>();
        var p = Fit(new() { Temperature = 1 }, Rows, names: 3, warnings);
        foreach (var row in p)
        {
            Assert.AreEqual(0f, row[2]);
            Assert.AreEqual(1f, row.Sum(), 1e-6f);
        }
        Assert.IsTrue(warnings.Any(w => w.Contains("no image for third", StringComparison.Ordinal)), string.Join("\n", warnings));
    }

    [TestMethod]
    public void RankedByClip_TheRepresentativeIsTheOneThatZeroShotIsSurestOf()
    {
        using var f = new StageFixture(12);
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        // every row has a label
        data = f.Context.Transforms.PseudoLabel("L", "Features", f.PseudoLabels(perClass: 12)).Fit(data).Transform(data);
        var options = new PrototypeClassifierOptions
        {
            LabelColumn = "L",
            Ranking = PrototypeRanking.Probability,
            ClipFolder = f.ClipFolder,
            Temperature = 1,
        };
        var fitted = f.Context.Transforms.PrototypeClassifier("P", "Features", options).Fit(data);
        float[][] p = StageFixture.Vectors(data, "LScore"),
            features = StageFixture.Vectors(data, "Features");
        var labels = StageFixture.Column<uint>(data, "L");
        for (var c = 0; c < 3; c++)
        {
            int[] members = [.. Enumerable.Range(0, 12).Where(i => labels[i] == c + 1)];
            if (members.Length == 0)
            {
                continue;
            }

            var expected = features[members.OrderByDescending(i => p[i][c]).First()];
            for (var d = 0; d < expected.Length; d++)
            {
                Assert.AreEqual(expected[d], fitted.Head.Weights[c * expected.Length + d], 1e-5f);
            }
        }

        var e = Assert.Throws<ArgumentException>(() =>
            f.Context.Transforms.PrototypeClassifier("P", "Features", options with { ClipFolder = null })
        );
        Assert.Contains("Ranking is Probability but ClipFolder is not set", e.Message);
    }

    [TestMethod]
    public void TheLargestProbabilityAndTheLargestCosine_CanBeOfDifferentImages()
    {
        using var f = new StageFixture(60);
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        data = f.Context.Transforms.PseudoLabel("L", "Features", f.PseudoLabels(perClass: 60)).Fit(data).Transform(data);
        var features = StageFixture.Vectors(data, "Features");
        var labels = StageFixture.Column<uint>(data, "L");
        var clip = Clip.ClipBackbone.Acquire(f.ClipFolder);
        var text = AirMLNet.Heads.TextHead.Of(clip, StageFixture.Names, ["a photo of a {}."]);
        clip.Release();
        var options = new PrototypeClassifierOptions { LabelColumn = "L", ClipFolder = f.ClipFolder };
        var byCosine = f
            .Context.Transforms.PrototypeClassifier("P", "Features", options with { Ranking = PrototypeRanking.Cosine })
            .Fit(data);
        var differs = false;
        var byProbability = f
            .Context.Transforms.PrototypeClassifier("P", "Features", options with { Ranking = PrototypeRanking.Probability })
            .Fit(data);
        for (var c = 0; c < 3; c++)
        {
            int[] members = [.. Enumerable.Range(0, labels.Length).Where(i => labels[i] == c + 1)];
            if (members.Length == 0)
            {
                continue;
            }

            var expected = features[members.MaxBy(i => text.Cosine(features[i], c))];
            var found = byCosine.Head.Weights.Slice(c * expected.Length, expected.Length).ToArray();
            for (var d = 0; d < expected.Length; d++)
            {
                Assert.AreEqual(expected[d], found[d], 1e-5f);
            }

            differs |= !found.AsSpan().SequenceEqual(byProbability.Head.Weights.Slice(c * expected.Length, expected.Length));
        }
        Assert.IsTrue(differs);
    }

    [TestMethod]
    public void TheMostTypicalImage_IsTheOneNearestToItsClassesMean()
    {
        // Class 0 lies at 0°, 10° and 80°: its mean is at about 29°, nearest to 10°. Column order would take the first.
        Row[] rows = [.. new[] { 0, 10, 80, 90 }.Select((angle, i) => At(angle, i < 3 ? 0u : 1u))];
        var options = new PrototypeClassifierOptions { Temperature = 1, Ranking = PrototypeRanking.Typicality };
        const double radians = Math.PI / 180;
        var p = Fit(options, rows, names: 2)[3];
        Assert.AreEqual(1 / (1 + Math.Exp(1 - Math.Cos(80 * radians))), p[0], 1e-6);
        // Synthetic images decide alone what is typical, where there are any.
        rows[0].Origin = "synthetic";
        p = Fit(options, rows, names: 2)[3];
        Assert.AreEqual(1 / (1 + Math.Exp(1 - Math.Cos(90 * radians))), p[0], 1e-6);
    }

    [TestMethod]
    public void CentredFeatures_AreComparedWithoutTheirMean_AlsoAfterReloading()
    {
        // All features lie within 20°, and the mean of the real ones at 10°: without it the classes are opposite each other.
        // The synthetic images lie elsewhere altogether, and are centred by their own mean.
        Row[] rows = [At(0, Missing), At(20, Missing), At(60, 0, "synthetic"), At(80, 1, "synthetic")];
        var options = new PrototypeClassifierOptions { Temperature = 1, Centre = true };
        var ml = new MLContext(1);
        var data = Keyed(ml, rows, 2);
        var fitted = ml.Transforms.PrototypeClassifier("P", "Features", options).Fit(data);
        var p = StageFixture.Vectors(fitted.Transform(data), "P");
        // Directions of the real rows without their mean: -80° and 100°; of the synthetic ones: -20° and 160°.
        Assert.AreEqual(1 / (1 + Math.Exp(-2 * Math.Cos(60 * Math.PI / 180))), p[0][0], 1e-5);
        Assert.AreEqual(p[0][0], p[1][1], 1e-5f);
        var plain = Fit(options with { Centre = false }, rows, 2);
        Assert.IsGreaterThan(plain[0][0], p[0][0]);
        Assert.IsGreaterThan(0.5f, plain[1][0], "without centring the row at 20° is nearer to 60°");

        using var folder = new TemporaryFolder();
        ml.Model.Save(fitted, data.Schema, folder["centred.zip"]);
        var loaded = new MLContext().Model.Load(folder["centred.zip"], out _);
        CollectionAssert.AreEqual(
            p.SelectMany(v => v).ToArray(),
            StageFixture.Vectors(loaded.Transform(data), "P").SelectMany(v => v).ToArray()
        );
    }

    [TestMethod]
    public void NoLabelAtAll_IsAnError()
    {
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Fit(new(), [Rows[3]], names: 2));
        Assert.Contains("'PseudoLabel'", e.Message);
    }

    [TestMethod]
    public void Fit_ReadsItsInputInOnePass()
    {
        var passes = 0;
        IEnumerable<Row> Counted()
        {
            passes++;
            foreach (var row in Rows)
            {
                yield return row;
            }
        }
        var ml = new MLContext(1);
        var data = Keyed(ml, Counted(), 2);
        passes = 0;
        ml.Transforms.PrototypeClassifier("P", "Features").Fit(data);
        Assert.AreEqual(1, passes);
    }

    private static Row At(double degrees, uint label, string origin = "real") =>
        new()
        {
            Features = [(float)Math.Cos(degrees * Math.PI / 180), (float)Math.Sin(degrees * Math.PI / 180)],
            PseudoLabel = label,
            PseudoLabelConfidence = 1,
            Origin = origin,
        };

    private static float[][] Fit(PrototypeClassifierOptions options, IEnumerable<Row> rows, int names, List<string>? warnings = null)
    {
        var ml = new MLContext(1);
        ml.Log += (_, e) =>
        {
            if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning)
            {
                warnings?.Add(e.Message);
            }
        };
        var data = Keyed(ml, rows, names);
        return StageFixture.Vectors(ml.Transforms.PrototypeClassifier("P", "Features", options).Fit(data).Transform(data), "P");
    }

    /// <summary>The rows with a label column that has KeyValues.</summary>
    private static IDataView Keyed(MLContext ml, IEnumerable<Row> rows, int names)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        var label = schema[nameof(Row.PseudoLabel)];
        label.ColumnType = new KeyDataViewType(typeof(uint), names);
        var values = new[] { "first", "second", "third" }.Take(names).Select(n => n.AsMemory()).ToArray();
        label.AddAnnotation(
            "KeyValues",
            new VBuffer<ReadOnlyMemory<char>>(names, values),
            new VectorDataViewType(TextDataViewType.Instance, names)
        );
        return ml.Data.LoadFromEnumerable(rows, schema);
    }

    private sealed class Row
    {
        [VectorType(2)]
        public float[] Features { get; set; } = [];

        public uint PseudoLabel { get; set; }
        public float PseudoLabelConfidence { get; set; }
        public string Origin { get; set; } = "real";
    }
}
