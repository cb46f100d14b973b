using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class EvaluateTests
{
    private readonly MLContext _ml = new(1);

    // Labels 0, 0, 1, 2 with probabilities .7, .2 (second best), .5, .1 (last); then a row without a label.
    private static readonly Scored[] _rows =
    [
        new() { Label = 1, Score = [0.7f, 0.2f, 0.1f] },
        new() { Label = 1, Score = [0.2f, 0.7f, 0.1f] },
        new() { Label = 2, Score = [0.25f, 0.5f, 0.25f] },
        new() { Label = 3, Score = [0.6f, 0.3f, 0.1f] },
        new() { Label = 0, Score = [0.6f, 0.3f, 0.1f] },
    ];

    [TestMethod]
    public void Metrics_equal_those_computed_by_hand()
    {
        MulticlassClassificationMetrics metrics = _ml.MulticlassClassification.Evaluate(_ml.Data.LoadFromEnumerable(_rows), topKPredictionCount: 2);
        Assert.AreEqual(0.5, metrics.MicroAccuracy, 1e-12);
        Assert.AreEqual((0.5 + 1 + 0) / 3, metrics.MacroAccuracy, 1e-12);
        double loss = -(Math.Log(0.7f) + Math.Log(0.2f) + Math.Log(0.5f) + Math.Log(0.1f)) / 4;
        Assert.AreEqual(loss, metrics.LogLoss, 1e-12);
        double entropy = -((0.5 * Math.Log(0.5)) + (2 * 0.25 * Math.Log(0.25)));
        Assert.AreEqual((entropy - loss) / entropy, metrics.LogLossReduction, 1e-12);
        Assert.AreEqual(-(Math.Log(0.7f) + Math.Log(0.2f)) / 2, metrics.PerClassLogLoss[0], 1e-12);
        Assert.AreEqual(2, metrics.TopKPredictionCount);
        Assert.AreEqual(0.5, metrics.TopKAccuracyForAllK[0], 1e-12);
        Assert.AreEqual(0.75, metrics.TopKAccuracy, 1e-12);

        ConfusionMatrix confusion = metrics.ConfusionMatrix;
        Assert.AreEqual(3, confusion.NumberOfClasses);
        Assert.AreEqual(1, confusion.GetCountForClassPair(predictedClassIndicatorIndex: 0, actualClassIndicatorIndex: 2));
        CollectionAssert.AreEqual(new double[] { 1, 1, 0 }, confusion.Counts[0].ToArray());
        CollectionAssert.AreEqual(new[] { 0.5, 0.5, 0 }, confusion.PerClassPrecision.ToArray());
        CollectionAssert.AreEqual(new[] { 0.5, 1, 0 }, confusion.PerClassRecall.ToArray());
    }

    [TestMethod]
    public void Confusion_table_is_readable()
    {
        string table = _ml.MulticlassClassification.Evaluate(_ml.Data.LoadFromEnumerable(_rows)).ConfusionMatrix.GetFormattedConfusionTable().ReplaceLineEndings("\n");
        Assert.Contains("Confusion table\n", table);
        Assert.Contains("PREDICTED ||      0 |      1 |      2 | Recall\n", table);
        Assert.Contains("        0 ||      1 |      1 |      0 | 0.5000\n", table);
        Assert.Contains("Precision ||", table);
    }

    [TestMethod]
    public void Wrong_columns_are_named()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(_rows);
        ArgumentOutOfRangeException missing = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Evaluate(data, "Truth"));
        Assert.Contains("Truth", missing.Message);
        ArgumentOutOfRangeException type = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Evaluate(data, scoreColumnName: "Label"));
        Assert.Contains("Vector<Single>", type.Message);
    }

    private sealed class Scored
    {
        [KeyType(3)]
        public uint Label { get; set; }

        [VectorType(3)]
        public float[] Score { get; set; } = [];

        [KeyType(3)]
        public uint PredictedLabel { get; set; } = 1;
    }
}
