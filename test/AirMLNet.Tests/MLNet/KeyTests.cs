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

    [TestMethod]
    public void Class_names_give_the_keys_their_order()
    {
        var rows = Named("tulip", "rose", "oak");
        var named = _ml.Transforms.Conversion.MapValueToKey("Name", ["rose", "tulip"]).Fit(rows).Transform(rows);
        CollectionAssert.AreEqual(new uint[] { 2, 1, 0 }, StageFixture.Column<uint>(named, "Name"));
        CollectionAssert.AreEqual(new[] { "rose", "tulip" }, KeyValues(named.Schema["Name"]));

        var beside = _ml.Transforms.Conversion.MapValueToKey("Key", ["rose", "tulip"], "Name").Fit(rows).Transform(rows);
        CollectionAssert.AreEqual(new uint[] { 2, 1, 0 }, StageFixture.Column<uint>(beside, "Key"));
        CollectionAssert.AreEqual(new[] { "tulip", "rose", "oak" }, beside.GetColumn<string>("Name").ToArray());
    }

    /// <summary>Labels from the names of folders are texts; the message said what is expected, and not how to come by it.</summary>
    [TestMethod]
    [DataRow(false, "column 'Name' is String; expected Key<UInt32, 3> with the class names as KeyValues")]
    [DataRow(true, "the names of column 'Name' are [blue, red, green]; expected the class names in their order, [red, green, blue]")]
    public void Labels_of_texts_are_learned_as_the_message_says(bool otherOrder, string expected)
    {
        using var f = new StageFixture(images: 6);
        var texts = _ml.Data.LoadFromEnumerable(
            f.Rows.Select((r, i) => new PictureRow { ImagePath = r.ImagePath, Name = StageFixture.Names[(i + 2) % 3] })
        );
        var chain = f.Features()
            .Append(_ml.MulticlassClassification.Trainers.PromptAdapter(f.Prompts(epochs: 1) with { LabelColumn = "Name" }));
        var given = otherOrder ? _ml.Transforms.Conversion.MapValueToKey("Name").Fit(texts).Transform(texts) : texts;
        var e = Assert.ThrowsExactly<ArgumentException>(() => chain.Fit(given));
        Assert.Contains(expected, e.Message);
        Assert.Contains("Transforms.Conversion.MapValueToKey(\"Name\", classNames)", e.Message);

        var keys = _ml.Transforms.Conversion.MapValueToKey("Name", StageFixture.Names).Fit(texts).Transform(texts);
        using var model = chain.Fit(keys);
        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(keys), "Name");
        Assert.AreEqual(3, metrics.ConfusionMatrix.NumberOfClasses);
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
