using System.Text;
using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class TextFileTests
{
    private readonly MLContext _ml = new(1);
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [TestCleanup]
    public void Clean() => File.Delete(_path);

    private string Write(string text)
    {
        File.WriteAllText(_path, text);
        return _path;
    }

    [TestMethod]
    public void Members_with_their_fields_are_read()
    {
        IDataView view = _ml.Data.LoadFromTextFile<Line>(Write("id,a,b,name\n1,0.5,-2,rose\n\n// a comment\n2,,1e3,\"lily, white\"\n3,?,NaN,\"say \"\"hi\"\"\"\n"), ',', hasHeader: true, allowQuoting: true);
        Assert.AreEqual("4 columns: {Id: Int32, Numbers: Vector<Single, 2> SlotNames: Vector<String, 2>, Name: String, Class: Key<UInt32, 0-2>}", view.Schema.ToString());
        Line[] rows = [.. _ml.Data.CreateEnumerable<Line>(view, false)];
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, rows.Select(row => row.Id).ToArray());
        CollectionAssert.AreEqual(new[] { 0.5f, -2f }, rows[0].Numbers);
        CollectionAssert.AreEqual(new[] { 0f, 1000f }, rows[1].Numbers);
        CollectionAssert.AreEqual(new[] { float.NaN, float.NaN }, rows[2].Numbers);
        CollectionAssert.AreEqual(new[] { "rose", "lily, white", "say \"hi\"" }, rows.Select(row => row.Name).ToArray());
        CollectionAssert.AreEqual(new uint[] { 2, 3, 0 }, rows.Select(row => row.Class).ToArray());
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["Numbers"].GetSlotNames(ref names);
        Assert.AreEqual("a,b", string.Join(",", names.DenseValues()));
    }

    [TestMethod]
    public void Options_change_what_is_read()
    {
        TextLoader.Column[] columns = [new("x", DataKind.Single, 0), new("t", DataKind.String, 1)];
        float[] X(TextLoader.Options options)
        {
            options.Columns = columns;
            return [.. _ml.Data.CreateTextLoader(options).Load(new MultiFileSource(_path)).GetColumn<float>("x")];
        }
        Write("1,5; a \n;b\n2;c\n");
        CollectionAssert.AreEqual(new[] { 1.5f, 0f, 2f }, X(new() { Separators = [';'], DecimalMarker = ',' }));
        CollectionAssert.AreEqual(new[] { 1.5f, float.NaN, 2f }, X(new() { Separators = [';'], DecimalMarker = ',', MissingRealsAsNaNs = true }));
        CollectionAssert.AreEqual(new[] { 1.5f, 0f }, X(new() { Separators = [';'], DecimalMarker = ',', MaxRows = 2 }));
        string[] T(bool trim) => [.. _ml.Data.LoadFromTextFile(_path, columns, ';', trimWhitespace: trim).GetColumn<string>("t")];
        Assert.AreEqual("a ", T(false)[0]);
        Assert.AreEqual("a", T(true)[0]);
        Write("1\t\"two\nlines\"\n2\tx\n");
        string[] lines = [.. _ml.Data.CreateTextLoader(new TextLoader.Options { Columns = columns, AllowQuoting = true, ReadMultilines = true }).Load(new MultiFileSource(_path)).GetColumn<string>("t")];
        CollectionAssert.AreEqual(new[] { "two\nlines", "x" }, lines);
    }

    [TestMethod]
    public void One_range_has_the_fields_that_no_other_has()
    {
        Write("1,2,3,4,5\n6,7,8,9,10\n");
        TextLoader.Column[] columns = [new("y", DataKind.Single, 2), new("x", DataKind.Single, [new TextLoader.Range(1, null) { AllOther = true }])];
        IDataView view = _ml.Data.LoadFromTextFile(_path, new TextLoader.Options { Columns = columns, Separators = [','], UseThreads = false });
        CollectionAssert.AreEqual(new[] { 3f, 8f }, view.GetColumn<float>("y").ToArray());
        CollectionAssert.AreEqual(new[] { 2f, 4f, 5f, 7f, 9f, 10f }, view.GetColumn<float[]>("x").SelectMany(x => x).ToArray());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateTextLoader(new TextLoader.Options { Columns = columns, Separators = [','] }));
        TextLoader.Column[] twice = [.. columns, new("z", DataKind.Single, [new TextLoader.Range(0, null) { AllOther = true }])];
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromTextFile(_path, new TextLoader.Options { Columns = twice, Separators = [','] }));
    }

    [TestMethod]
    public void Names_of_fields_come_from_another_file_and_the_first_line_stays_a_row()
    {
        string header = Path.GetTempFileName();
        try
        {
            File.WriteAllText(header, "id,a,b,name\n");
            TextLoader loader = _ml.Data.CreateTextLoader<Line>(new TextLoader.Options { Separators = [','], HeaderFile = header }, new MultiFileSource(Write("1,0.5,-2,rose\n2,3,4,lily\n")));
            IDataView view = loader.Load(new MultiFileSource(_path));
            VBuffer<ReadOnlyMemory<char>> names = default;
            view.Schema["Numbers"].GetSlotNames(ref names);
            Assert.AreEqual("a,b", string.Join(",", names.DenseValues()));
            CollectionAssert.AreEqual(new[] { 1, 2 }, view.GetColumn<int>("Id").ToArray());
        }
        finally
        {
            File.Delete(header);
        }
        Assert.ThrowsExactly<FileNotFoundException>(() => _ml.Data.CreateTextLoader<Line>(new TextLoader.Options { HeaderFile = header }));
    }

    [TestMethod]
    public void Ranges_to_the_end_are_taken_from_the_sample_or_vary()
    {
        Write("a\t1\t2\t3\nb\t4\nc\n");
        IDataView fixedEnd = _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("v", DataKind.Single, [new TextLoader.Range(1, null)])]);
        Assert.AreEqual("Vector<Single, 3>", fixedEnd.Schema["v"].Type.ToString());
        CollectionAssert.AreEqual(new[] { 4f, 0f, 0f }, fixedEnd.GetColumn<float[]>("v").ElementAt(1));
        IDataView variable = _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("v", DataKind.Single, [new TextLoader.Range { Min = 1, VariableEnd = true }])]);
        CollectionAssert.AreEqual(new[] { 3, 1, 0 }, variable.GetColumn<float[]>("v").Select(v => v.Length).ToArray());
    }

    [TestMethod]
    public void What_is_saved_comes_back_with_and_without_sparse_lines()
    {
        Row[] rows =
        [
            new() { Name = "a\tb", Many = new VBuffer<float>(40, 2, [1.5f, -1e-7f], [3, 38]), Flag = true, Day = new DateTime(2020, 5, 6, 7, 8, 9), Class = 3 },
            new() { Name = "", Many = new VBuffer<float>(40, 0, [], []), Flag = false, Day = new DateTime(1999, 1, 1), Class = 0 },
            new() { Name = " 3:x \"q\"", Many = new VBuffer<float>(40, Enumerable.Range(0, 40).Select(i => i / 3f).ToArray()), Flag = true, Day = DateTime.MaxValue, Class = 1 },
        ];
        IDataView data = _ml.Data.LoadFromEnumerable(rows);
        foreach (bool dense in new[] { false, true })
        {
            using (FileStream stream = File.Create(_path))
                _ml.Data.SaveAsText(data, stream, forceDense: dense);
            string text = File.ReadAllText(_path);
            Assert.StartsWith("#@ TextLoader{", text);
            Assert.AreEqual(!dense, text.Contains("38:", StringComparison.Ordinal));
            TextLoader.Column[] columns =
            [
                new("Name", DataKind.String, 0), new("Flag", DataKind.Boolean, 1), new("Day", DataKind.DateTime, 2),
                new("Class", DataKind.UInt32, [new TextLoader.Range(3)], new KeyCount(5)), new("Many", DataKind.Single, 4, 43),
            ];
            IDataView loaded = _ml.Data.LoadFromTextFile(_path, columns, hasHeader: true, allowQuoting: true, allowSparse: true);
            Row[] back = [.. _ml.Data.CreateEnumerable<Row>(loaded, false)];
            for (int i = 0; i < rows.Length; i++)
            {
                Assert.AreEqual(rows[i].Name, back[i].Name);
                Assert.AreEqual(rows[i].Flag, back[i].Flag);
                Assert.AreEqual(rows[i].Day, back[i].Day);
                Assert.AreEqual(rows[i].Class, back[i].Class);
                CollectionAssert.AreEqual(rows[i].Many.DenseValues().ToArray(), back[i].Many.DenseValues().ToArray());
            }
        }
    }

    [TestMethod]
    public void Values_that_cannot_be_read_are_missing_or_name_file_line_and_column()
    {
        var messages = new List<string>();
        _ml.Log += (_, e) => messages.Add(e.Message);
        Write("1\tx\n2\t3\n");
        CollectionAssert.AreEqual(new[] { float.NaN, 3f }, _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("c", DataKind.Single, 1)]).GetColumn<float>("c").ToArray());
        Assert.IsTrue(messages.Exists(message => message.Contains("Bad value at line 1 in column c", StringComparison.Ordinal)));
        InvalidOperationException e = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("c", DataKind.Int32, 1)]).GetColumn<int>("c").ToArray());
        Assert.Contains(_path, e.Message);
        Assert.Contains("line 1, column 'c'", e.Message);
        Write("1\t\"open\n");
        FormatException format = Assert.ThrowsExactly<FormatException>(() => _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("c", DataKind.String, 1)], allowQuoting: true).GetColumn<string>("c").ToArray());
        Assert.Contains("Line 1", format.Message);
        Write("1 5:2 3:1\n");
        Assert.ThrowsExactly<FormatException>(() => _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("c", DataKind.Single, 0, 2)], ' ', allowSparse: true).GetColumn<float[]>("c").ToArray());
    }

    [TestMethod]
    public void Only_active_columns_are_parsed_and_several_files_follow_each_other()
    {
        Write("1\tx\n2\ty\n");
        var loader = _ml.Data.CreateTextLoader([new TextLoader.Column("n", DataKind.Int32, 0), new TextLoader.Column("bad", DataKind.Int32, 1)]);
        CollectionAssert.AreEqual(new[] { 1, 2, 1, 2 }, loader.Load(new MultiFileSource(_path, _path)).GetColumn<int>("n").ToArray());
    }

    [TestMethod]
    public void Wrong_settings_are_named()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateTextLoader(new TextLoader.Options()));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateTextLoader([new TextLoader.Column("x", DataKind.Single, 0)], '7'));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TextLoader.Range(3, 2));
        Assert.ThrowsExactly<FileNotFoundException>(() => _ml.Data.LoadFromTextFile<Line>(_path + ".none"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromTextFile<Pair>(_path));
    }

    [TestMethod]
    public void Loader_part_has_the_official_layout()
    {
        TextLoader loader = _ml.Data.CreateTextLoader([new TextLoader.Column("x", DataKind.Single, 1, 2), new TextLoader.Column("k", DataKind.UInt32, [new TextLoader.Range(0)], new KeyCount(7))], ',', allowQuoting: true);
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
            ModelSaveContext.Save(writer, ((ICanSaveModel)loader).Save);
        var part = new ModelFormatTests.Part(stream.ToArray());
        Assert.AreEqual("TXTLOADR 1000e TextLoader", $"{part.Signature} {part.Version:x} {part.Loader}");
        byte[] expected =
        [
            .. BitConverter.GetBytes(4), .. BitConverter.GetBytes(long.MaxValue), .. BitConverter.GetBytes(4), .. BitConverter.GetBytes(0), // float, rows, flags, size
            .. BitConverter.GetBytes(1), (byte)',', 0, (byte)'"', (byte)'.', // separators, escape, decimal marker
            .. BitConverter.GetBytes(2),
            .. BitConverter.GetBytes(0), 9, 0, .. BitConverter.GetBytes(1), .. BitConverter.GetBytes(1), .. BitConverter.GetBytes(3), 0,
            .. BitConverter.GetBytes(1), 6, 1, .. BitConverter.GetBytes(7L), .. BitConverter.GetBytes(1), .. BitConverter.GetBytes(0), .. BitConverter.GetBytes(1), 0,
        ];
        CollectionAssert.AreEqual(expected, part.Model);
        stream.Position = 0;
        ModelLoadContext.LoadModel<TextLoader, SignatureLoadModel>(_ml, out TextLoader loaded, stream);
        Assert.AreEqual(loader.GetOutputSchema().ToString(), loaded.GetOutputSchema().ToString());
    }

    internal sealed class Line
    {
        [LoadColumn(0)]
        public int Id { get; set; }

        [LoadColumn(1, 2)]
        [VectorType(2)]
        public float[] Numbers { get; set; } = [];

        [LoadColumn(3)]
        public string Name { get; set; } = "";

        [LoadColumn(0)]
        [KeyType(3)]
        public uint Class { get; set; }
    }

    internal sealed class Row
    {
        public string Name { get; set; } = "";

        public bool Flag { get; set; }

        public DateTime Day { get; set; }

        [KeyType(5)]
        public uint Class { get; set; }

        [VectorType(40)]
        public VBuffer<float> Many { get; set; }
    }

    internal sealed class Pair
    {
        public int A { get; set; }
    }
}
