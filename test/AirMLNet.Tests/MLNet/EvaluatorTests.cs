using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.MLNet;

/// <summary>
/// What MulticlassClassification.Evaluate asks of Score and PredictedLabel, and where it takes the names of classes from.
/// </summary>
[TestClass]
public sealed class EvaluatorTests
{
    private static readonly string[] Names = ["red", "green", "blue"];

    // Right, second best, right, last; then a row without a label.
    private static readonly Scored[] Rows =
    [
        new()
        {
            Label = 0,
            PredictedLabel = 0,
            Score = [0.7f, 0.2f, 0.1f],
        },
        new()
        {
            Label = 0,
            PredictedLabel = 1,
            Score = [0.2f, 0.7f, 0.1f],
        },
        new()
        {
            Label = 1,
            PredictedLabel = 1,
            Score = [0.25f, 0.5f, 0.25f],
        },
        new()
        {
            Label = 2,
            PredictedLabel = 0,
            Score = [0.6f, 0.3f, 0.1f],
        },
        new()
        {
            Label = uint.MaxValue,
            PredictedLabel = 0,
            Score = [0.6f, 0.3f, 0.1f],
        },
    ];

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Metrics_are_those_counted_by_hand_and_rows_without_a_label_do_not_count()
    {
        var metrics = _ml.MulticlassClassification.Evaluate(View(named: true), topKPredictionCount: 2);

        Assert.AreEqual(2 / 4.0, metrics.MicroAccuracy, 1e-9);
        Assert.AreEqual((0.5 + 1 + 0) / 3, metrics.MacroAccuracy, 1e-9);
        Assert.AreEqual(3 / 4.0, metrics.TopKAccuracy, 1e-9);
        Assert.AreEqual(-(Math.Log(0.7) + Math.Log(0.2) + Math.Log(0.5) + Math.Log(0.1)) / 4, metrics.LogLoss, 1e-6);
        Assert.AreEqual(1, metrics.ConfusionMatrix.GetCountForClassPair(predictedClassIndicatorIndex: 0, actualClassIndicatorIndex: 2));
    }

    [TestMethod]
    public void Names_of_classes_come_from_the_slots_of_Score()
    {
        var named = _ml.MulticlassClassification.Evaluate(View(named: true)).ConfusionMatrix.GetFormattedConfusionTable();
        foreach (var name in Names)
        {
            Assert.Contains(name, named);
        }

        var unnamed = _ml.MulticlassClassification.Evaluate(View(named: false)).ConfusionMatrix.GetFormattedConfusionTable();
        Assert.DoesNotContain("red", unnamed, "the keys' own names are not asked for");
    }

    [TestMethod]
    public void A_Score_that_is_no_vector_of_Single_is_named_with_what_was_expected()
    {
        var e = Assert.Throws<ArgumentException>(() => _ml.MulticlassClassification.Evaluate(View(named: true), scoreColumnName: "Number"));
        Assert.Contains("Number", e.Message);
        Assert.Contains("vector of two or more items of type Single", e.Message);
    }

    private IDataView View(bool named)
    {
        var schema = SchemaDefinition.Create(typeof(Scored));
        schema["Label"].AddAnnotation("KeyValues", NameValues(), NameType());
        schema["PredictedLabel"].AddAnnotation("KeyValues", NameValues(), NameType());
        if (named)
        {
            schema["Score"].AddAnnotation("SlotNames", NameValues(), NameType());
        }

        return _ml.Data.LoadFromEnumerable(Rows, schema);
    }

    private static VBuffer<ReadOnlyMemory<char>> NameValues() => new(Names.Length, [.. Names.Select(n => n.AsMemory())]);

    private static VectorDataViewType NameType() => new(TextDataViewType.Instance, Names.Length);

    private sealed class Scored
    {
        [KeyType(3)]
        public uint Label { get; set; }

        [KeyType(3)]
        public uint PredictedLabel { get; set; }

        [VectorType(3)]
        public float[] Score { get; set; } = [];

        public int Number { get; set; }
    }
}
