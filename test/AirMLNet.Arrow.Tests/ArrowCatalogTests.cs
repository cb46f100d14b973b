using AirMLNet.Arrow;
using AirMLNet.Embedding;
using AirMLNet.Testing;
using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Arrow;

[TestClass]
public sealed class ArrowCatalogTests
{
    private readonly MLContext _ml = new(1);
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void CleanUp() => _folder.Dispose();

    [TestMethod]
    [DataRow("rows.parquet")]
    [DataRow("rows.arrow")]
    public void WhatIsWritten_IsReadAgain(string name)
    {
        var rows = Rows(25_000); // three batches
        var data = _ml.Data.LoadFromEnumerable(rows);
        _ml.Data.SaveAsArrow(data, _folder[name]);
        var read = _ml.Data.LoadFromArrow(_folder[name]);

        CollectionAssert.AreEqual(
            data.Schema.Select(c => $"{c.Name} {c.Type}").ToArray(),
            read.Schema.Select(c => $"{c.Name} {c.Type}").ToArray()
        );
        for (var pass = 0; pass < 2; pass++)
        {
            var found = _ml.Data.CreateEnumerable<Row>(read, reuseRowObject: false).ToList();
            Assert.HasCount(rows.Count, found);
            for (var i = 0; i < rows.Count; i += 997)
            {
                Assert.AreEqual(rows[i] with { Features = [] }, found[i] with { Features = [] });
                CollectionAssert.AreEqual(rows[i].Features, found[i].Features);
            }
        }

        Assert.IsEmpty(Directory.GetFiles(_folder.Path, "*.tmp"));
    }

    [TestMethod]
    [DataRow("rows.parquet")]
    [DataRow("rows.arrow")]
    public void OnlyWhatIsAskedFor_IsRead_AndAPipelineFitsOnIt(string name)
    {
        _ml.Data.SaveAsArrow(_ml.Data.LoadFromEnumerable(Rows(300)), _folder[name], "Name", "Features");
        var read = _ml.Data.LoadFromArrow(_folder[name]);
        CollectionAssert.AreEqual(new[] { "Name", "Features" }, read.Schema.Select(c => c.Name).ToArray());

        using (var cursor = read.GetRowCursor([read.Schema["Features"]]))
        {
            Assert.IsFalse(cursor.IsColumnActive(read.Schema["Name"]));
            Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(read.Schema["Name"]));
            Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<float>(read.Schema["Features"]));
            Assert.AreEqual(-1, cursor.Position);
            Assert.IsTrue(cursor.MoveNext());
            Assert.AreEqual(0, cursor.Position);
        }

        using (var none = read.GetRowCursor([]))
        {
            var count = 0;
            while (none.MoveNext())
            {
                count++;
            }

            Assert.AreEqual(300, count);
        }

        var model = _ml
            .Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy())
            .Fit(read);
        Assert.IsGreaterThan(0.9, _ml.MulticlassClassification.Evaluate(model.Transform(read)).MicroAccuracy);
        // Keys are written as their names.
        _ml.Data.SaveAsArrow(model.Transform(read), _folder["out-" + name], "Label", "PredictedLabel", "Score");
        var again = _ml.Data.LoadFromArrow(_folder["out-" + name]);
        CollectionAssert.AreEqual(again.GetColumn<string>("Label").ToArray(), read.GetColumn<string>("Name").ToArray());
    }

    [TestMethod]
    public void FeaturesOfAnEmbedding_AreAsTheyWere()
    {
        FeaturePart[] parts = [new(["a.png", "b.png"], [1, 2, 3, 4, 5, 6]), new([], []), new(["c.png"], [7, 8, 9])];
        var table = new FeatureRows(3, ["a.png", "b.png", "c.png"], new Dictionary<string, string> { ["model"] = "tiny" }, parts);
        foreach (var format in ArrowFeatures.Formats)
        {
            var path = _folder["features" + format.Ending];
            format.Write(path, table);
            var read = _ml.Data.LoadFromArrow(path);
            CollectionAssert.AreEqual(new[] { "a.png", "b.png", "c.png" }, read.GetColumn<string>("ImagePath").ToArray());
            CollectionAssert.AreEqual(
                new float[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 },
                read.GetColumn<float[]>("Features").SelectMany(v => v).ToArray()
            );
            Assert.AreEqual(3, ((VectorDataViewType)read.Schema["Features"].Type).Size);
            Assert.AreEqual("tiny", ArrowFile.Look(path).Schema.Metadata["model"]);
            Assert.AreEqual(format.Ending == ".parquet" ? 3 : null, read.GetRowCount());
        }
    }

    [TestMethod]
    public void ListsOfOtherPrograms_AndMissingValues()
    {
        // As a list of doubles of no fixed length is written elsewhere.
        var lists = new ListArray.Builder(DoubleType.Default);
        var numbers = (DoubleArray.Builder)lists.ValueBuilder;
        foreach (var row in new[] { new[] { 1.0, 2 }, [3, 4], [5, 6, 7] })
        {
            lists.Append();
            numbers.AppendRange(row);
        }

        Write("lists.arrow", ("Vector", lists.Build()));
        var read = _ml.Data.LoadFromArrow(_folder["lists.arrow"]);
        using (var cursor = read.GetRowCursor(read.Schema))
        {
            var getter = cursor.GetGetter<VBuffer<float>>(read.Schema["Vector"]);
            VBuffer<float> value = default;
            Assert.IsTrue(cursor.MoveNext() && cursor.MoveNext());
            getter(ref value);
            CollectionAssert.AreEqual(new float[] { 3, 4 }, value.DenseValues().ToArray());
            Assert.IsTrue(cursor.MoveNext());
            Assert.Contains(
                "row 2, column 'Vector' has 3 numbers, the first list 2",
                Assert.ThrowsExactly<InvalidDataException>(() => getter(ref value)).Message
            );
        }

        Write(
            "missing.arrow",
            ("Text", new StringArray.Builder().Append("a").AppendNull().Build()),
            ("Single", new FloatArray.Builder().Append(1).AppendNull().Build()),
            ("Whole", new Int32Array.Builder().Append(1).AppendNull().Build()),
            ("When", new Date32Array.Builder().Append(DateTime.UnixEpoch).Append(DateTime.UnixEpoch).Build())
        );
        read = _ml.Data.LoadFromArrow(_folder["missing.arrow"]);
        Assert.IsNull(read.Schema.GetColumnOrNull("When"), "a type that ML.NET has no numbers for is left out");
        CollectionAssert.AreEqual(new[] { "a", "" }, read.GetColumn<string>("Text").ToArray());
        CollectionAssert.AreEqual(new[] { 1, float.NaN }, read.GetColumn<float>("Single").ToArray());
        Assert.Contains(
            "row 1, column 'Whole' has no value",
            Assert.ThrowsExactly<InvalidDataException>(() => read.GetColumn<int>("Whole").ToArray()).Message
        );
    }

    [TestMethod]
    [DataRow(".parquet")]
    [DataRow(".arrow")]
    public void DamagedFiles_AreRefusedByName(string ending)
    {
        _ml.Data.SaveAsArrow(_ml.Data.LoadFromEnumerable(Rows(50)), _folder["whole" + ending]);
        var whole = File.ReadAllBytes(_folder["whole" + ending]);
        var path = _folder["damaged" + ending];
        var random = new Random(5);
        for (var i = 0; i < 60; i++)
        {
            var bytes = i < 30 ? whole[..(whole.Length * i / 30)] : [.. whole];
            if (i >= 30)
            {
                // The lengths and offsets of both formats stand at the end.
                bytes[^random.Next(1, Math.Min(400, bytes.Length))] ^= (byte)random.Next(1, 256);
            }

            File.WriteAllBytes(path, bytes);
            try
            {
                var view = _ml.Data.LoadFromArrow(path);
                Assert.IsLessThan(100_000, _ml.Data.CreateEnumerable<Row>(view, true, ignoreMissingColumns: true).Count());
            }
            catch (InvalidDataException e)
            {
                Assert.Contains("damaged", e.Message);
            }
        }

        Assert.Contains(
            "no such file",
            Assert.ThrowsExactly<FileNotFoundException>(() => _ml.Data.LoadFromArrow(_folder["none.parquet"])).Message
        );
    }

    [TestMethod]
    public void WhatCannotBeWritten_IsNamed_AndNothingIsLeft()
    {
        var data = _ml.Data.LoadFromEnumerable([new Odd { When = new DateTime(2026, 1, 1), Name = "x" }]);
        Assert.Contains(
            "Column 'When' is DateTime",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Data.SaveAsArrow(data, _folder["x.parquet"])).Message
        );
        Assert.Contains(
            "no column 'Nothing'",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Data.SaveAsArrow(data, _folder["x.parquet"], "Nothing")).Message
        );
        Assert.Contains(
            "must end in .parquet or .arrow",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Data.SaveAsArrow(data, _folder["x.txt"], "Name")).Message
        );
        Assert.IsEmpty(Directory.GetFiles(_folder.Path));
    }

    private void Write(string name, params (string Name, IArrowArray Values)[] columns)
    {
        var schema = new Schema(columns.Select(c => new Field(c.Name, c.Values.Data.DataType, nullable: true)), null);
        using var stream = File.Create(_folder[name]);
        using var writer = new Apache.Arrow.Ipc.ArrowFileWriter(stream, schema);
        writer.WriteRecordBatch(new RecordBatch(schema, columns.Select(c => c.Values), columns[0].Values.Length));
        writer.WriteEnd();
    }

    private static List<Row> Rows(int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new Row
                {
                    Name = $"class {i % 3}",
                    Flag = i % 2 == 0,
                    Score = i / 7f,
                    Wide = i / 3.0,
                    Small = -i,
                    Large = i * 10_000_000_000,
                    Features = [i % 3 == 0 ? 1 : 0, i % 3 == 1 ? 1 : 0, i / (float)count],
                }),
        ];

    private sealed record Row
    {
        public string Name { get; set; } = "";

        public bool Flag { get; set; }

        public float Score { get; set; }

        public double Wide { get; set; }

        public int Small { get; set; }

        public long Large { get; set; }

        [VectorType(3)]
        public float[] Features { get; set; } = [];
    }

    private sealed class Odd
    {
        public DateTime When { get; set; }

        public string Name { get; set; } = "";
    }
}
