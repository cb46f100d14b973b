using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class RowOperationTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Numbers(int count) => _ml.Data.LoadFromEnumerable(Flower.Some(count));

    private static float[] Lengths(IDataView data) => [.. data.GetColumn<float>("Length")];

    [TestMethod]
    public void Take_and_skip()
    {
        CollectionAssert.AreEqual(new float[] { 0, 1, 2 }, Lengths(_ml.Data.TakeRows(Numbers(9), 3)));
        CollectionAssert.AreEqual(new float[] { 7, 8 }, Lengths(_ml.Data.SkipRows(Numbers(9), 7)));
        Assert.AreEqual(2, _ml.Data.SkipRows(Numbers(9), 7).GetRowCount());
        Assert.IsEmpty(Lengths(_ml.Data.SkipRows(Numbers(9), 70)));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(7)]
    [DataRow(1000)]
    public void Shuffle_gives_every_row_once_in_the_same_order_every_time(int pool)
    {
        // A sequence that is no list cannot be shuffled at its source.
        IDataView stream = _ml.Data.LoadFromEnumerable(Flower.Some(100).Select(f => f));
        IDataView shuffled = _ml.Data.ShuffleRows(stream, seed: 3, shufflePoolSize: pool);
        float[] order = Lengths(shuffled);
        CollectionAssert.AreEquivalent(Lengths(stream), order);
        CollectionAssert.AreEqual(order, Lengths(shuffled));
        if (pool > 1)
            CollectionAssert.AreNotEqual(Lengths(stream), order);
        float[] source = Lengths(_ml.Data.ShuffleRows(Numbers(100), seed: 3, shufflePoolSize: pool));
        CollectionAssert.AreEquivalent(Lengths(stream), source);
        CollectionAssert.AreNotEqual(Lengths(stream), source);
    }

    [TestMethod]
    public void Filters()
    {
        CollectionAssert.AreEqual(new float[] { 2, 3 }, Lengths(_ml.Data.FilterRowsByColumn(Numbers(9), "Length", 2, 4)));
        IDataView data = _ml.Data.LoadFromEnumerable([new Flower { Length = float.NaN }, new Flower { Length = 4 }]);
        CollectionAssert.AreEqual(new float[] { 4 }, Lengths(_ml.Data.FilterRowsByMissingValues(data, "Length")));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(data, "Name", 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByMissingValues(data, "Name"));
    }

    [TestMethod]
    public void Rows_without_a_key_are_missing_values()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new Everything { Key = 0, Number = 1 }, new Everything { Key = 3, Number = 2 }]);
        CollectionAssert.AreEqual(new[] { 2 }, _ml.Data.FilterRowsByMissingValues(data, "Key").GetColumn<int>("Number").ToArray());
    }

    [TestMethod]
    public void Split_is_disjoint_complete_and_repeatable()
    {
        IDataView data = Numbers(2000);
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(data, 0.25, seed: 7);
        float[] train = Lengths(split.TrainSet);
        float[] test = Lengths(split.TestSet);
        CollectionAssert.AreEquivalent(Lengths(data), train.Concat(test).ToArray());
        CollectionAssert.AreEqual(test, Lengths(split.TestSet));
        Assert.AreEqual(500, test.Length, 60);
        Assert.AreEqual(data.Schema.Count, split.TestSet.Schema.Count);
    }

    [TestMethod]
    public void Rows_with_one_sampling_key_stay_together()
    {
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(Numbers(90), 0.5, samplingKeyColumnName: "Name", seed: 1);
        string[] train = [.. split.TrainSet.GetColumn<string>("Name").Distinct()];
        string[] test = [.. split.TestSet.GetColumn<string>("Name").Distinct()];
        Assert.IsEmpty(train.Intersect(test));
        Assert.HasCount(3, train.Concat(test).ToArray());
    }

    [TestMethod]
    public void Folds_partition_the_rows()
    {
        IReadOnlyList<DataOperationsCatalog.TrainTestData> folds = _ml.Data.CrossValidationSplit(Numbers(300), 3, seed: 2);
        CollectionAssert.AreEquivalent(Lengths(Numbers(300)), folds.SelectMany(fold => Lengths(fold.TestSet)).ToArray());
        Assert.AreEqual(300, Lengths(folds[1].TrainSet).Length + Lengths(folds[1].TestSet).Length);
    }

    [TestMethod]
    public void Preview_shows_the_first_rows_only()
    {
        int read = 0;
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some(50).Select(f =>
        {
            read++;
            return f;
        }));
        DataDebuggerPreview preview = data.Preview(5);
        Assert.HasCount(5, preview.RowView);
        Assert.AreEqual("tulip", preview.ColumnView[2].Values[2].ToString());
        Assert.AreEqual(4f, preview.RowView[4].Values[0].Value);
        Assert.AreEqual(5, read);
    }
}
