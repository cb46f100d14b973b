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
        Assert.Contains("RankByClip is set but ClipFolder is not", e.Message);
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
