using AirMLNet.Evaluation;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Evaluation;

[TestClass]
public sealed class MultiLabelEvaluatorTests
{
    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    public void FiguresAreThoseOfCountingByHand()
    {
        // Class 0: positives at ranks 1 and 3; class 1: one positive, at rank 2, one unknown.
        var metrics = Evaluate([
            new()
            {
                Labels = [1, 0],
                Score = [0.9f, 0.8f],
                PredictedLabels = [true, true],
            },
            new()
            {
                Labels = [0, 1],
                Score = [0.8f, 0.7f],
                PredictedLabels = [true, true],
            },
            new()
            {
                Labels = [1, float.NaN],
                Score = [0.7f, 0.9f],
                PredictedLabels = [false, true],
            },
        ]);
        Assert.AreEqual((1 + (2 / 3.0)) / 2, metrics.PerClassAveragePrecision[0], 1e-6);
        Assert.AreEqual(0.5, metrics.PerClassAveragePrecision[1], 1e-6);
        Assert.AreEqual(metrics.PerClassAveragePrecision.Average(), metrics.MeanAveragePrecision, 1e-12);
        Assert.AreEqual((0.5, 0.75), (metrics.ClassPrecision, metrics.ClassRecall));
        Assert.AreEqual(0.6, metrics.ClassF1, 1e-12);
        Assert.AreEqual((0.5, 2 / 3.0), (metrics.OverallPrecision, metrics.OverallRecall));
        CollectionAssert.AreEqual(new[] { "0", "1" }, metrics.ClassNames.ToArray());
        Assert.Contains("ClassNames = [0, 1]", metrics.ToString(), "Lists were printed as their type.");
        Assert.Contains($"PerClassAveragePrecision = [{metrics.PerClassAveragePrecision[0]}, ", metrics.ToString());
    }

    /// <summary>They counted as negative ones.</summary>
    [TestMethod]
    public void LabelsThatAreOtherNumbers_AreRefused()
    {
        Row[] rows =
        [
            new()
            {
                Labels = [1, 0],
                Score = [0.9f, 0.8f],
                PredictedLabels = [true, true],
            },
            new()
            {
                Labels = [-1, 1],
                Score = [0.9f, 0.8f],
                PredictedLabels = [true, true],
            },
        ];
        Assert.Contains(
            "column 'Labels' holds -1 in row 1; expected 1, 0, or NaN",
            Assert.ThrowsExactly<InvalidDataException>(() => Evaluate(rows)).Message
        );
    }

    [TestMethod]
    public void UnknownLabels_AreLeftOut_OrNegative()
    {
        Row[] rows =
        [
            new()
            {
                Labels = [float.NaN, 0],
                Score = [0.9f, 0.1f],
                PredictedLabels = [true, false],
            },
            new()
            {
                Labels = [1, 1],
                Score = [0.5f, 0.2f],
                PredictedLabels = [true, true],
            },
        ];
        Assert.AreEqual(1, Evaluate(rows).PerClassAveragePrecision[0], 1e-6);
        Assert.AreEqual(0.5, Evaluate(rows, new() { UnknownIsNegative = true }).PerClassAveragePrecision[0], 1e-6);
        Assert.AreEqual(
            0.5,
            Evaluate(rows, new() { UnknownIsNegative = true, Rule = AveragePrecisionRule.ElevenPoints }).PerClassAveragePrecision[0],
            1e-6
        );
        Assert.AreEqual(
            0.5,
            Evaluate(rows, new() { UnknownIsNegative = true, Rule = AveragePrecisionRule.Area }).PerClassAveragePrecision[0],
            1e-6
        );
    }

    [TestMethod]
    public void WhatIsWrong_IsNamed()
    {
        Row[] rows =
        [
            new()
            {
                Labels = [1, 0],
                Score = [float.NaN, 0],
                PredictedLabels = [true, false],
            },
        ];
        Assert.Contains("holds NaN in row 0", Assert.ThrowsExactly<InvalidDataException>(() => Evaluate(rows)).Message);
        var view = Ml.Data.LoadFromEnumerable(rows);
        Assert.Contains(
            "'Score' is Vector<Single, 2>; expected a vector of 2 Boolean",
            Assert
                .ThrowsExactly<ArgumentException>(() => Ml.MultiLabelClassification().Evaluate(view, predictedLabelsColumnName: "Score"))
                .Message
        );
        Assert.Contains(
            "'Truth'",
            Assert.ThrowsExactly<ArgumentException>(() => Ml.MultiLabelClassification().Evaluate(view, "Truth")).Message
        );
    }

    private static MultiLabelClassificationMetrics Evaluate(Row[] rows, MultiLabelEvaluationOptions? options = null) =>
        Ml.MultiLabelClassification().Evaluate(Ml.Data.LoadFromEnumerable(rows), options: options);

    private sealed class Row
    {
        [VectorType(2)]
        public float[] Labels { get; set; } = [];

        [VectorType(2)]
        public float[] Score { get; set; } = [];

        [VectorType(2)]
        public bool[] PredictedLabels { get; set; } = [];
    }
}
