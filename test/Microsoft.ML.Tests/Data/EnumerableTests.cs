using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class EnumerableTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Every_supported_member_type_makes_the_round_trip()
    {
        var row = new Everything
        {
            Flag = true,
            Number = -3,
            Real = 2.5,
            Memory = "text".AsMemory(),
            Key = 2,
            Fixed = [1, 2, 3],
            Texts = ["a", "b"],
            Buffer = new VBuffer<int>(4, 1, [9], [2]),
            Day = new DateTime(2020, 1, 2),
            Old = 77,
        };
        IDataView data = _ml.Data.LoadFromEnumerable([row]);
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 4), data.Schema["Key"].Type);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 3), data.Schema["Fixed"].Type);
        Assert.AreEqual(new VectorDataViewType(TextDataViewType.Instance), data.Schema["Texts"].Type);
        Assert.IsNull(data.Schema.GetColumnOrNull("Ignored"));
        Assert.IsNull(data.Schema.GetColumnOrNull("Old"));

        Everything back = _ml.Data.CreateEnumerable<Everything>(data, reuseRowObject: false).Single();
        Assert.IsTrue(back.Flag);
        Assert.AreEqual(-3, back.Number);
        Assert.AreEqual(2.5, back.Real);
        Assert.AreEqual("text", back.Memory.ToString());
        Assert.AreEqual(2u, back.Key);
        CollectionAssert.AreEqual(row.Fixed, back.Fixed);
        CollectionAssert.AreEqual(row.Texts, back.Texts);
        Assert.AreEqual(9, back.Buffer.GetItemOrDefault(2));
        Assert.AreEqual(row.Day, back.Day);
        Assert.AreEqual(77, back.Old);
    }

    [TestMethod]
    public void Vector_of_another_length_than_declared_is_an_error_that_names_the_column()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new Everything { Fixed = [1] }]);
        InvalidOperationException e = Assert.ThrowsExactly<InvalidOperationException>(() => data.GetColumn<float[]>("Fixed").ToArray());
        Assert.Contains("Fixed", e.Message);
    }

    [TestMethod]
    public void Reused_row_object_is_one_object()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        Assert.AreEqual(1, _ml.Data.CreateEnumerable<Flower>(data, reuseRowObject: true).Distinct().Count());
        Assert.AreEqual(9, _ml.Data.CreateEnumerable<Flower>(data, reuseRowObject: false).Distinct().Count());
    }

    [TestMethod]
    public void Missing_column_and_wrong_type_are_named()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new { Length = "long" }]);
        InvalidOperationException wrong = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.CreateEnumerable<Flower>(data, false, ignoreMissingColumns: true));
        Assert.Contains("Length", wrong.Message);
        Assert.Contains("Single", wrong.Message);
        IDataView half = _ml.Data.LoadFromEnumerable([new { Length = 1f }]);
        ArgumentOutOfRangeException missing = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateEnumerable<Flower>(half, false));
        Assert.Contains("Width", missing.Message);
        Assert.AreEqual(1f, _ml.Data.CreateEnumerable<Flower>(half, false, ignoreMissingColumns: true).Single().Length);
    }

    [TestMethod]
    public void Schema_definition_overrides_names_types_and_annotations()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Everything));
        definition["Texts"].ColumnName = "Words";
        definition["Fixed"].ColumnType = new VectorDataViewType(NumberDataViewType.Single);
        definition["Key"].AddAnnotation("KeyValues", new[] { "a", "b", "c", "d" }, new VectorDataViewType(TextDataViewType.Instance, 4));
        IDataView data = _ml.Data.LoadFromEnumerable([new Everything { Fixed = [1], Texts = ["x"] }], definition);
        Assert.AreEqual("x", data.GetColumn<string[]>("Words").Single()[0]);
        Assert.IsFalse(((VectorDataViewType)data.Schema["Fixed"].Type).IsKnownSize);
        Assert.IsTrue(data.Schema["Key"].HasKeyValues());
    }

    [TestMethod]
    public void Only_active_columns_are_read()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new Trap()]);
        using DataViewRowCursor cursor = data.GetRowCursor([data.Schema["Fine"]]);
        ValueGetter<int> getter = cursor.GetGetter<int>(cursor.Schema["Fine"]);
        Assert.IsTrue(cursor.MoveNext());
        int value = 0;
        getter(ref value);
        Assert.AreEqual(5, value);
        Assert.IsFalse(cursor.IsColumnActive(cursor.Schema["Bad"]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cursor.GetGetter<int>(cursor.Schema["Bad"]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<long>(cursor.Schema["Fine"]));
    }

    [TestMethod]
    public void Cursors_of_several_threads_do_not_disturb_each_other()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some(5000));
        ITransformer model = _ml.Transforms.Concatenate("F", "Length", "Width")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Name")).Fit(data);
        IDataView scored = _ml.Data.Cache(model.Transform(data));
        var sums = new double[8];
        Parallel.For(0, sums.Length, i => sums[i] = scored.GetColumn<float[]>("F").Sum(v => (double)v[0]));
        Assert.IsTrue(sums.All(sum => sum == 4999 * 5000 / 2));
    }

    private sealed class Trap
    {
        public int Fine => 5;

        public int Bad => throw new InvalidOperationException("must not be read");
    }
}
