using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class TrainingRowsTests
{
    private static readonly MLContext Context = new(1);

    [TestMethod]
    public void EveryColumnThatWasAskedFor_IsReadInOnePass()
    {
        var data = View(new Row("x", 1, [1, 2], "real"), new Row("", 2, [3, 4], "synthetic"), new Row("y", 3, [5, 6], ""));
        var passes = 0;
        var counted = Context.Data.FilterByCustomPredicate<Row>(
            data,
            row =>
            {
                passes += row.Number == 1 ? 1 : 0;
                return false; // nothing is left out
            }
        );
        var rows = new TrainingRows(counted, "Stage");
        var schema = counted.Schema;
        var vectors = rows.Vectors(schema["Values"]);
        var numbers = rows.Numbers(schema["Number"]);
        var synthetic = rows.Synthetic(schema["Origin"]);
        var nothing = rows.Classes(null);
        var lengths = rows.Values<ReadOnlyMemory<char>, int>(schema["Text"], text => text.Length);
        rows.Read(default);
        Assert.AreEqual(3, rows.Count);
        CollectionAssert.AreEqual(new float[] { 1, 2, 3, 4, 5, 6 }, vectors.Values.ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 2, 3 }, numbers.ToArray());
        CollectionAssert.AreEqual(new[] { false, true, false }, synthetic.ToArray());
        CollectionAssert.AreEqual(new[] { 1, 0, 1 }, lengths.ToArray());
        Assert.IsEmpty(nothing);
        Assert.AreEqual(1, passes);
    }

    [TestMethod]
    public void ANumberThatIsNotFinite_IsNamedByColumnAndRow()
    {
        var data = View(new Row("", 0, [1, 2], ""), new Row("", 0, [3, float.NaN], ""));
        var rows = new TrainingRows(data, "Stage");
        rows.Vectors(data.Schema["Values"]);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => rows.Read(default));
        Assert.AreEqual("Stage: column 'Values' holds NaN in row 1; expected finite numbers.", e.Message);
    }

    [TestMethod]
    public void Reading_StopsWhenItIsCancelled()
    {
        var data = View(new Row("", 0, [1, 2], ""));
        var rows = new TrainingRows(data, "Stage");
        rows.Numbers(data.Schema["Number"]);
        Assert.Throws<OperationCanceledException>(() => rows.Read(new CancellationToken(canceled: true)));
    }

    private static IDataView View(params Row[] rows) => Context.Data.LoadFromEnumerable(rows);

    private sealed class Row
    {
        public Row() { }

        public Row(string text, float number, float[] values, string origin) =>
            (Text, Number, Values, Origin) = (text, number, values, origin);

        public string Text { get; set; } = "";

        public float Number { get; set; }

        [VectorType(2)]
        public float[] Values { get; set; } = [];

        public string Origin { get; set; } = "";
    }
}
