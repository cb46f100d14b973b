using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.MLNet;

/// <summary>Values are computed when somebody asks for them: an image is decoded and encoded only where its features are read.</summary>
[TestClass]
public sealed class LazyRowTests
{
    private const int Rows = 9;
    private readonly MLContext _ml = new(1);
    private int _calls;

    [TestMethod]
    public void A_column_that_nobody_asked_for_is_not_computed_behind_any_view()
    {
        var counted = Counted();
        var views = new Dictionary<string, IDataView>
        {
            ["the stage"] = counted,
            ["a stage after it"] = _ml.Transforms.CopyColumns("Again", "Number").Fit(counted).Transform(counted),
            ["a cache"] = _ml.Data.Cache(counted),
            ["a filter"] = _ml.Data.FilterRowsByColumn(counted, "Number", 0, 100),
            ["some rows"] = _ml.Data.TakeRows(counted, Rows),
        };
        foreach ((var name, var view) in views)
        {
            _calls = 0;
            Assert.HasCount(Rows, StageFixture.Column<float>(view, "Number"), name);
            Assert.AreEqual(0, _calls, name);
            Assert.HasCount(Rows, StageFixture.Column<float>(view, "Twice"), name);
            Assert.AreEqual(Rows, _calls, name);
        }
    }

    [TestMethod]
    public void A_member_of_a_row_object_is_read_when_its_getter_is_called_and_not_before()
    {
        // Only of the rows themselves: behind ML.NET's own stages its threads read ahead what was asked for.
        var rows = new[] { new Counting(), new Counting() };
        var data = _ml.Data.LoadFromEnumerable(rows);
        var column = data.Schema["Number"];
        using var cursor = data.GetRowCursor([column]);
        var getter = cursor.GetGetter<float>(column);
        Assert.IsTrue(cursor.MoveNext());
        Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(0, rows.Sum(row => row.Reads));

        float value = 0;
        getter(ref value);
        Assert.AreEqual((0, 1), (rows[0].Reads, rows[1].Reads));
    }

    [TestMethod]
    public void PredictionEngine_computes_only_what_the_prediction_has_a_member_for()
    {
        using (var without = _ml.Model.CreatePredictionEngine<Numbered, Numbered>(CountedStage()))
        {
            without.Predict(new Numbered { Number = 3 });
        }

        Assert.AreEqual(0, _calls);

        using var with = _ml.Model.CreatePredictionEngine<Numbered, Doubled>(CountedStage());
        Assert.AreEqual(6, with.Predict(new Numbered { Number = 3 }).Twice);
    }

    [TestMethod]
    public void A_column_that_was_not_asked_for_has_no_getter()
    {
        var counted = Counted();
        using var cursor = counted.GetRowCursor([counted.Schema["Number"]]);
        Assert.IsFalse(cursor.IsColumnActive(counted.Schema["Twice"]));
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(counted.Schema["Twice"]));
    }

    [TestMethod]
    public void A_cache_computes_each_row_once_however_often_it_is_read()
    {
        var cached = _ml.Data.Cache(Counted());
        for (var pass = 0; pass < 3; pass++)
        {
            Assert.HasCount(Rows, StageFixture.Column<float>(cached, "Twice"));
        }

        Assert.AreEqual(Rows, _calls);
    }

    private IDataView Counted() => CountedStage().Transform(Numbers());

    private IDataView Numbers() =>
        _ml.Data.LoadFromEnumerable(Enumerable.Range(0, Rows).Select(i => new Numbered { Number = i }).ToArray());

    /// <summary>Adds twice the number, and counts how often that is computed.</summary>
    private ITransformer CountedStage() =>
        _ml
            .Transforms.CustomMapping<Numbered, Doubled>(
                (source, target) =>
                {
                    Interlocked.Increment(ref _calls);
                    target.Twice = 2 * source.Number;
                },
                contractName: null
            )
            .Fit(Numbers());

    private sealed class Counting
    {
        [NoColumn]
        public int Reads { get; private set; }

        public float Number
        {
            get
            {
                Reads++;
                return 5;
            }
        }
    }

    private sealed class Numbered
    {
        public float Number { get; set; }
    }

    private sealed class Doubled
    {
        public float Twice { get; set; }
    }
}
