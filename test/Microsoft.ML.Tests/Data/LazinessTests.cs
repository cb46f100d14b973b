using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

/// <summary>Values are computed when somebody asks, once per row and cursor, whatever stands between.</summary>
[TestClass]
public class LazinessTests
{
    private readonly MLContext _ml = new(1);
    private int _calls;

    private IDataView Counted(int rows = 9)
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some(rows));
        return _ml.Transforms.CustomMapping<Flower, Counter>((source, target) =>
        {
            Interlocked.Increment(ref _calls);
            target.Twice = source.Length * 2;
        }, null).Append(_ml.Transforms.Concatenate("Both", "Twice", "Width")).Fit(data).Transform(data);
    }

    [TestMethod]
    public void Getters_run_only_for_active_columns_through_every_view()
    {
        IDataView counted = Counted();
        IDataView[] views =
        [
            counted,
            _ml.Data.TakeRows(counted, 5),
            _ml.Data.FilterRowsByColumn(counted, "Length", 2, 6),
            _ml.Data.ShuffleRows(counted, seed: 1),
            _ml.Data.TrainTestSplit(counted, 0.5, seed: 1).TrainSet,
            _ml.Data.Cache(counted),
            _ml.Transforms.SelectColumns("Both", "Length").Fit(counted).Transform(counted),
        ];
        foreach (IDataView view in views)
        {
            _calls = 0;
            int rows = view.GetColumn<float>("Length").Count();
            Assert.AreEqual(0, _calls);
            Assert.AreEqual(rows, view.GetColumn<float[]>("Both").Count());
            Assert.IsGreaterThan(0, _calls);
        }
    }

    [TestMethod]
    public void Moving_without_reading_computes_nothing_and_reading_twice_computes_once()
    {
        IDataView counted = Counted();
        DataViewSchema.Column column = counted.Schema["Twice"];
        using DataViewRowCursor cursor = counted.GetRowCursor([column]);
        ValueGetter<float> getter = cursor.GetGetter<float>(column);
        float value = 0;
        Assert.IsTrue(cursor.MoveNext());
        Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(0, _calls);
        getter(ref value);
        getter(ref value);
        Assert.AreEqual(2, value);
        Assert.AreEqual(1, _calls);
        Assert.IsFalse(cursor.IsColumnActive(counted.Schema["Both"]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cursor.GetGetter<VBuffer<float>>(counted.Schema["Both"]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<double>(column));
    }

    [TestMethod]
    public void Set_of_cursors_gives_every_row_once()
    {
        IDataView counted = Counted(100);
        foreach (IDataView view in new[] { counted, _ml.Data.Cache(counted), _ml.Data.ShuffleRows(counted, seed: 2), _ml.Data.FilterRowsByColumn(counted, "Length") })
        {
            var values = new List<float>();
            DataViewRowCursor[] cursors = view.GetRowCursorSet([view.Schema["Twice"]], 4);
            Assert.IsNotEmpty(cursors);
            foreach (DataViewRowCursor cursor in cursors)
            {
                using (cursor)
                {
                    ValueGetter<float> getter = cursor.GetGetter<float>(cursor.Schema["Twice"]);
                    float value = 0;
                    while (cursor.MoveNext())
                    {
                        getter(ref value);
                        values.Add(value);
                    }
                }
            }
            CollectionAssert.AreEqual(Enumerable.Range(0, 100).Select(i => i * 2f).ToArray(), values.Order().ToArray());
        }
    }

    [TestMethod]
    public void Threads_read_one_view_each_with_its_own_cursor()
    {
        IDataView counted = Counted(2000);
        foreach (IDataView view in new[] { counted, _ml.Data.Cache(counted), _ml.Data.ShuffleRows(counted, seed: 3) })
        {
            float expected = view.GetColumn<float>("Twice").Sum();
            Parallel.For(0, 8, _ => Assert.AreEqual(expected, view.GetColumn<float>("Twice").Sum()));
        }
    }

    [TestMethod]
    public void Cache_fills_once_however_many_threads_ask()
    {
        IDataView cached = _ml.Data.Cache(Counted(500));
        Parallel.For(0, 8, _ => Assert.AreEqual(500, cached.GetColumn<float>("Twice").Count()));
        Assert.AreEqual(500, _calls);
    }

    [TestMethod]
    public void Chain_disposes_what_its_transformers_hold()
    {
        var bag = new Bag();
        new TransformerChain<ITransformer>(_ml.Transforms.CopyColumns("A", "Length").Fit(_ml.Data.LoadFromEnumerable(Flower.Some())), bag).Dispose();
        Assert.IsTrue(bag.Disposed);
    }

    internal sealed class Counter
    {
        public float Twice { get; set; }
    }
}
