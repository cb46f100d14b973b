using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.MLNet;

/// <summary>Labels are keys: key 0 is "missing", which to every stage means "not labelled".</summary>
[TestClass]
public sealed class KeyTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Members_are_keys_that_count_from_0_and_what_is_beyond_the_last_is_missing()
    {
        var data = _ml.Data.LoadFromEnumerable(new uint[] { 0, 1, 2, 3, uint.MaxValue }.Select(label => new Keyed { Label = label }));

        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), data.Schema["Label"].Type);
        CollectionAssert.AreEqual(new uint[] { 1, 2, 3, 0, 0 }, StageFixture.Column<uint>(data, "Label"));
    }

    [TestMethod]
    public void Key_data_gives_the_keys_their_order_and_other_values_are_missing()
    {
        var mapped = Mapped(["rose", "tulip"], "tulip", "rose", "oak");

        CollectionAssert.AreEqual(new uint[] { 2, 1, 0 }, StageFixture.Column<uint>(mapped, "Key"));
        CollectionAssert.AreEqual(new[] { "rose", "tulip" }, KeyValues(mapped.Schema["Key"]));
    }

    [TestMethod]
    public void Key_data_decides_how_many_keys_there_are_whatever_the_rows_hold() =>
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), Mapped(["rose", "tulip", "lily"], "tulip").Schema["Key"].Type);

    [TestMethod]
    public void An_empty_text_is_no_key()
    {
        CollectionAssert.AreEqual(
            new uint[] { 0, 1 },
            StageFixture.Column<uint>(Mapped(["rose", "tulip"], "", "rose"), "Key"),
            "with key data"
        );

        var rows = Named("", "rose");
        var learned = _ml.Transforms.Conversion.MapValueToKey("Key", "Name").Fit(rows).Transform(rows);
        CollectionAssert.AreEqual(new uint[] { 0, 1 }, StageFixture.Column<uint>(learned, "Key"), "with keys learned from the rows");
        CollectionAssert.AreEqual(new[] { "rose" }, KeyValues(learned.Schema["Key"]));
    }

    private IDataView Mapped(string[] keys, params string[] names)
    {
        var rows = Named(names);
        return _ml.Transforms.Conversion.MapValueToKey("Key", "Name", keyData: Named(keys)).Fit(rows).Transform(rows);
    }

    private IDataView Named(params string[] names) => _ml.Data.LoadFromEnumerable(names.Select(name => new NamedRow { Name = name }));

    private static string[] KeyValues(DataViewSchema.Column column)
    {
        VBuffer<ReadOnlyMemory<char>> values = default;
        column.GetKeyValues(ref values);
        return [.. values.DenseValues().Select(v => v.ToString())];
    }

    private sealed class Keyed
    {
        [KeyType(3)]
        public uint Label { get; set; }
    }

    private sealed class NamedRow
    {
        public string Name { get; set; } = "";
    }
}
