using System.Buffers.Binary;
using AirMLNet.Testing;
using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Arrow;

/// <summary>The forms in which Polars, pandas, DuckDB and JavaScript's Arrow write texts, features and files.</summary>
[TestClass]
public sealed class ArrowFormsTests
{
    private static readonly string[] Paths = ["a.png", "ein längerer Name als zwölf Zeichen.png", "a.png"];

    private readonly MLContext _ml = new(1);
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    /// <summary>Polars writes views, pandas large strings and categories, JavaScript dictionaries: all were left out in silence.</summary>
    [TestMethod]
    public void TextsOfEveryForm()
    {
        var views = new StringViewArray.Builder().AppendRange(Paths).Build();
        IArrowArray names = new StringArray.Builder().Append("a.png").Append(Paths[1]).Build();
        IArrowArray[] indices =
        [
            new Int8Array.Builder().AppendRange([0, 1, 0]).Build(),
            new UInt32Array.Builder().AppendRange([0, 1, 0]).Build(),
            new Int64Array.Builder().AppendRange([0, 1, 0]).Build(),
        ];
        List<(string, IArrowArray)> columns = [("Views", views)];
        columns.AddRange(indices.Select((index, i) => ($"Category{i}", (IArrowArray)Dictionary(index, names))));
        var read = Write(null, [.. columns]);
        Assert.HasCount(4, read.Schema);
        foreach (var column in read.Schema)
        {
            CollectionAssert.AreEqual(Paths, read.GetColumn<string>(column.Name).ToArray(), column.Name);
        }

        var missing = Write(null, ("Category", Dictionary(new Int8Array.Builder().Append(1).AppendNull().Build(), names)));
        CollectionAssert.AreEqual(new[] { Paths[1], "" }, missing.GetColumn<string>("Category").ToArray());
    }

    [TestMethod]
    public void FeaturesOfEveryForm()
    {
        var large = new LargeListArray.Builder(DoubleType.Default);
        var halves = new ListArray.Builder(HalfFloatType.Default);
        // A photo that could not be read has no features: the length is that of the first that has.
        var late = new ListArray.Builder(FloatType.Default);
        late.Append();
        for (var i = 0; i < 3; i++)
        {
            large.Append();
            ((DoubleArray.Builder)large.ValueBuilder).AppendRange([i, 0.5]);
            halves.Append();
            ((HalfFloatArray.Builder)halves.ValueBuilder).AppendRange([(Half)i, (Half)0.5f]);
            if (i > 0)
            {
                late.Append();
                ((FloatArray.Builder)late.ValueBuilder).AppendRange([i, i, i]);
            }
        }

        var half = new HalfFloatArray.Builder().Append((Half)0.25f).AppendNull().Append((Half)(-2)).Build();
        var read = Write(null, ("Large", large.Build()), ("Halves", halves.Build()), ("Half", half), ("Late", late.Build()));
        foreach (var name in new[] { "Large", "Halves" })
        {
            var rows = read.GetColumn<float[]>(name).ToArray();
            CollectionAssert.AreEqual(new[] { 0, 0.5f, 1, 0.5f, 2, 0.5f }, rows.SelectMany(r => r).ToArray(), name);
        }

        CollectionAssert.AreEqual(new[] { 0.25f, float.NaN, -2 }, read.GetColumn<float>("Half").ToArray());
        Assert.AreEqual(3, ((VectorDataViewType)read.Schema["Late"].Type).Size);
        Assert.Contains(
            "row 0, column 'Late' has 0 numbers, the first list 3",
            Assert.ThrowsExactly<InvalidDataException>(() => read.GetColumn<float[]>("Late").ToArray()).Message
        );
    }

    /// <summary>pandas' <c>to_feather</c> compresses by LZ4, Polars' <c>write_ipc</c> on request by either.</summary>
    [TestMethod]
    [DataRow(CompressionCodecType.Lz4Frame)]
    [DataRow(CompressionCodecType.Zstd)]
    public void CompressedFiles_InTheMemoryOfOneBatch(CompressionCodecType codec)
    {
        // 120 batches of 1 MiB, which compress to nearly nothing: together more than is taken at a time.
        const int Rows = 1 << 18,
            Batches = 120;
        var column = new FloatArray.Builder().AppendRange(Enumerable.Repeat(1.5f, Rows)).Build();
        var schema = new Schema([new Field("Score", FloatType.Default, nullable: false)], null);
        using (var stream = File.Create(_folder["compressed.arrow"]))
        {
            using var writer = new ArrowFileWriter(stream, schema, leaveOpen: false, Compressed(codec));
            for (var i = 0; i < Batches; i++)
            {
                writer.WriteRecordBatch(new RecordBatch(schema, [column], Rows));
            }

            writer.WriteEnd();
        }

        Assert.IsLessThan(1 << 20, new FileInfo(_folder["compressed.arrow"]).Length);
        var read = _ml.Data.LoadFromArrow(_folder["compressed.arrow"]);
        using var cursor = read.GetRowCursor(read.Schema);
        var getter = cursor.GetGetter<float>(read.Schema["Score"]);
        float value = 0,
            sum = 0;
        long rows = 0;
        while (cursor.MoveNext())
        {
            if (rows++ % Rows == 7)
            {
                getter(ref value);
                sum += value;
            }
        }

        Assert.AreEqual((long)Rows * Batches, rows);
        Assert.AreEqual(1.5f * Batches, sum);
    }

    [TestMethod]
    public void ACompressedPartThatSaysGigabytes_IsRefusedBeforeMemoryIsTaken()
    {
        var column = new Int64Array.Builder().AppendRange(Enumerable.Repeat(7L, 1000)).Build();
        Write(CompressionCodecType.Zstd, ("Whole", column));
        var bytes = File.ReadAllBytes(_folder["written.arrow"]);
        // The length of the 8,000 bytes stands before them.
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, 8000);
        var at = bytes.AsSpan().IndexOf(length);
        Assert.IsGreaterThan(0, at);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), 0x7FFF_0000);
        File.WriteAllBytes(_folder["bomb.arrow"], bytes);
        var read = _ml.Data.LoadFromArrow(_folder["bomb.arrow"]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Assert.ThrowsExactly<InvalidDataException>(() => read.GetColumn<long>("Whole").ToArray());
        Assert.Contains("bomb.arrow", refused.Message);
        Assert.Contains("64 MiB", refused.Message);
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    [DataRow(5)]
    [DataRow(-1)]
    public void ACategoryThatIsNotThere_IsDamage(int index)
    {
        var names = new StringArray.Builder().Append("a").Append("b").Build();
        var read = Write(null, ("Category", Dictionary(new Int32Array.Builder().Append(index).Build(), names)));
        Assert.Contains(
            "row 0, column 'Category' is damaged",
            Assert.ThrowsExactly<InvalidDataException>(() => read.GetColumn<string>("Category").ToArray()).Message
        );
    }

    [TestMethod]
    public void ColumnsThatAreLeftOut_AreNamed()
    {
        List<string> log = [];
        _ml.Log += (_, e) => log.Add(e.Message);
        var dates = new Date32Array.Builder().Append(DateTime.UnixEpoch).Build();
        var whole = new ListArray.Builder(Int32Type.Default);
        whole.Append();
        ((Int32Array.Builder)whole.ValueBuilder).Append(3);
        var none = new ListArray.Builder(FloatType.Default);
        none.Append();
        var lists = (whole.Build(), none.Build());

        Write(null, ("Score", new FloatArray.Builder().Append(1).Build()), ("When", dates), ("Ids", lists.Item1), ("None", lists.Item2));

        var said = log.Single(m => m.Contains("left out"));
        foreach (var part in new[] { "written.arrow", "'When' (date32)", "'Ids' (list of int32)", "'None' (list without any number)" })
        {
            Assert.Contains(part, said);
        }

        var refused = Assert.ThrowsExactly<InvalidDataException>(() => Write(null, ("When", dates)));
        Assert.Contains("only 'When' (date32)", refused.Message);
    }

    private static DictionaryArray Dictionary(IArrowArray indices, IArrowArray values) =>
        new(new DictionaryType(indices.Data.DataType, values.Data.DataType, ordered: false), indices, values);

    private static IpcOptions Compressed(CompressionCodecType? codec) =>
        new() { CompressionCodec = codec, CompressionCodecFactory = new CompressionCodecFactory() };

    private IDataView Write(CompressionCodecType? codec, params (string Name, IArrowArray Values)[] columns)
    {
        var schema = new Schema(columns.Select(c => new Field(c.Name, c.Values.Data.DataType, nullable: true)), null);
        using (var stream = File.Create(_folder["written.arrow"]))
        {
            using var writer = new ArrowStreamWriter(stream, schema, leaveOpen: false, Compressed(codec));
            writer.WriteRecordBatch(new RecordBatch(schema, columns.Select(c => c.Values), columns[0].Values.Length));
            writer.WriteEnd();
        }

        return _ml.Data.LoadFromArrow(_folder["written.arrow"]);
    }
}
