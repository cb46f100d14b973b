using System.Text;
using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class BinaryFileTests
{
    private readonly MLContext _ml = new(1);
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [TestCleanup]
    public void Clean() => File.Delete(_path);

    private IDataView SaveAndLoad(IDataView data)
    {
        using (FileStream stream = File.Create(_path))
            _ml.Data.SaveAsBinary(data, stream);
        return _ml.Data.LoadFromBinary(_path);
    }

    [TestMethod]
    public void Every_type_comes_back()
    {
        Everything[] rows =
        [
            Row(0, true, [1, 2, 3], ["a", "é€𝄞", ""], new VBuffer<int>(5, 2, [7, -8], [1, 4])),
            Row(1, false, [4, float.NaN, 6], [], new VBuffer<int>(0, [])),
            Row(2, true, [0, 0, 0], ["b"], new VBuffer<int>(2, [9, 10])),
        ];
        IDataView data = _ml.Data.LoadFromEnumerable(rows);
        IDataView loaded = SaveAndLoad(data);
        Assert.AreEqual(data.Schema.ToString(), loaded.Schema.ToString());
        Assert.AreEqual(3, loaded.GetRowCount());
        Everything[] back = [.. _ml.Data.CreateEnumerable<Everything>(loaded, reuseRowObject: false)];
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.AreEqual(rows[i].Flag, back[i].Flag);
            Assert.AreEqual(rows[i].Number, back[i].Number);
            Assert.AreEqual(rows[i].Real, back[i].Real);
            Assert.AreEqual(rows[i].Memory.ToString(), back[i].Memory.ToString());
            Assert.AreEqual(rows[i].Key, back[i].Key);
            CollectionAssert.AreEqual(rows[i].Fixed, back[i].Fixed);
            CollectionAssert.AreEqual(rows[i].Texts, back[i].Texts);
            Assert.AreEqual(rows[i].Buffer.IsDense, back[i].Buffer.IsDense);
            CollectionAssert.AreEqual(rows[i].Buffer.DenseValues().ToArray(), back[i].Buffer.DenseValues().ToArray());
            Assert.AreEqual(rows[i].Day, back[i].Day);
            Assert.AreEqual(rows[i].Old, back[i].Old);
        }

        static Everything Row(int i, bool flag, float[] fixedSize, string[] texts, VBuffer<int> buffer) => new()
        {
            Flag = flag,
            Number = i - 1,
            Real = i / 3.0,
            Memory = $"text {i}".AsMemory(),
            Key = (uint)i,
            Fixed = fixedSize,
            Texts = texts,
            Buffer = buffer,
            Day = new DateTime(2020, 1, 1).AddHours(i),
            Old = long.MaxValue - i,
        };
    }

    [TestMethod]
    public void Times_and_row_ids_come_back()
    {
        Times[] rows =
        [
            new() { Span = TimeSpan.FromTicks(-5), Moment = new DateTimeOffset(2021, 2, 3, 4, 5, 6, TimeSpan.FromMinutes(-330)), Id = new DataViewRowId(7, 9) },
            new() { Span = TimeSpan.MaxValue, Moment = DateTimeOffset.MinValue, Id = new DataViewRowId(ulong.MaxValue, 1) },
        ];
        Times[] back = [.. _ml.Data.CreateEnumerable<Times>(SaveAndLoad(_ml.Data.LoadFromEnumerable(rows)), reuseRowObject: false)];
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.AreEqual(rows[i].Span, back[i].Span);
            Assert.AreEqual(rows[i].Moment, back[i].Moment);
            Assert.AreEqual(rows[i].Moment.Offset, back[i].Moment.Offset);
            Assert.AreEqual(rows[i].Id, back[i].Id);
        }
    }

    [TestMethod]
    public void Rows_beyond_one_block_keep_their_order_and_booleans_their_bits()
    {
        Pair[] rows = [.. Enumerable.Range(0, 20_001).Select(i => new Pair { Number = i, Odd = i % 3 == 1 })];
        int next = 0;
        foreach (Pair pair in _ml.Data.CreateEnumerable<Pair>(SaveAndLoad(_ml.Data.LoadFromEnumerable(rows)), reuseRowObject: true))
        {
            Assert.AreEqual(next, pair.Number);
            Assert.AreEqual(next % 3 == 1, pair.Odd);
            next++;
        }
        Assert.AreEqual(rows.Length, next);
    }

    [TestMethod]
    public void Shuffled_cursor_gives_every_row_once_and_the_same_order_for_the_same_seed()
    {
        IDataView loaded = SaveAndLoad(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20_001).Select(i => new Pair { Number = i }).ToArray()));
        int[] first = Read(3);
        CollectionAssert.AreEqual(first, Read(3));
        CollectionAssert.AreNotEqual(first, Read(4));
        CollectionAssert.AreEqual(Enumerable.Range(0, 20_001).ToArray(), first.Order().ToArray());

        int[] Read(int seed)
        {
            DataViewSchema.Column column = loaded.Schema["Number"];
            using DataViewRowCursor cursor = loaded.GetRowCursor([column], new Random(seed));
            ValueGetter<int> getter = cursor.GetGetter<int>(column);
            ValueGetter<DataViewRowId> getId = cursor.GetIdGetter();
            var numbers = new List<int>();
            int value = 0;
            DataViewRowId id = default;
            while (cursor.MoveNext())
            {
                getter(ref value);
                getId(ref id);
                Assert.AreEqual((ulong)value, id.Low);
                numbers.Add(value);
            }
            return [.. numbers];
        }
    }

    [TestMethod]
    public void Annotations_and_only_visible_columns_are_written()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Name").Append(_ml.Transforms.Concatenate("F", "Length", "Width")).Fit(data).Transform(data);
        IDataView loaded = SaveAndLoad(keyed);
        Assert.AreEqual("Length,Width,Name,F", string.Join(",", loaded.Schema.Select(column => column.Name)));
        VBuffer<ReadOnlyMemory<char>> names = default;
        loaded.Schema["Name"].GetKeyValues(ref names);
        Assert.AreEqual("rose,lily,tulip", string.Join(",", names.DenseValues()));
        loaded.Schema["F"].GetSlotNames(ref names);
        Assert.AreEqual("Length,Width", string.Join(",", names.DenseValues()));

        using var stream = new MemoryStream();
        _ml.Data.SaveAsBinary(keyed, stream, keepHidden: true);
        File.WriteAllBytes(_path, stream.ToArray());
        Assert.HasCount(5, _ml.Data.LoadFromBinary(_path).Schema);
    }

    [TestMethod]
    public void View_without_rows_and_view_without_writable_columns_come_back()
    {
        IDataView empty = SaveAndLoad(_ml.Data.LoadFromEnumerable(Array.Empty<Flower>()));
        Assert.AreEqual(0, empty.GetRowCount());
        using DataViewRowCursor cursor = empty.GetRowCursor(empty.Schema);
        Assert.IsFalse(cursor.MoveNext());
        IDataView boxes = _ml.Data.LoadFromEnumerable([new CustomTypeTests.Holder { Box = new CustomTypeTests.Box(4) }]);
        Assert.IsEmpty(SaveAndLoad(boxes).Schema);
    }

    [TestMethod]
    public void File_written_byte_by_byte_after_the_description_of_the_format_is_read()
    {
        // One column "x" of two Singles in one uncompressed block, with an annotation "note" of one Boolean.
        var file = new MemoryStream();
        var writer = new BinaryWriter(file, Encoding.UTF8);
        writer.Write(new byte[256]);
        long block = file.Position;
        writer.Write(1.5f);
        writer.Write(-2f);
        long lookup = file.Position;
        writer.Write(block);
        writer.Write(8); // bytes in the file
        writer.Write(8); // bytes when decompressed
        long note = file.Position;
        writer.Write((byte)1);
        long annotations = file.Position;
        writer.Write((byte)1); // one annotation
        writer.Write("note");
        writer.Write("Boolean");
        writer.Write((byte)0); // without parameters
        writer.Write((byte)0); // not compressed
        writer.Write(note);
        writer.Write((byte)1); // one byte long
        long contents = file.Position;
        writer.Write("x");
        writer.Write("Single");
        writer.Write((byte)0);
        writer.Write((byte)0);
        writer.Write((byte)0x80); // 8192 rows per block, seven bits per byte
        writer.Write((byte)0x40);
        writer.Write(lookup);
        writer.Write(annotations);
        long tail = file.Position;
        writer.Write(Encoding.ASCII.GetBytes("\0BVD\0LMC"));
        file.Position = 0;
        writer.Write(Encoding.ASCII.GetBytes("CML\0DVB\0"));
        writer.Write(0x0001000100010006UL);
        writer.Write(0x0001000100010006UL);
        writer.Write(contents);
        writer.Write(tail);
        writer.Write(2L);
        writer.Write(1);
        File.WriteAllBytes(_path, file.ToArray());

        IDataView view = _ml.Data.LoadFromBinary(_path);
        CollectionAssert.AreEqual(new[] { 1.5f, -2f }, view.GetColumn<float>("x").ToArray());
        bool value = false;
        view.Schema["x"].Annotations.GetValue("note", ref value);
        Assert.IsTrue(value);
    }

    [TestMethod]
    public void Written_file_has_the_described_header_and_table_of_contents()
    {
        using var stream = new MemoryStream();
        _ml.Data.SaveAsBinary(_ml.Data.LoadFromEnumerable(new[] { new Pair { Number = 3, Odd = true } }), stream);
        byte[] file = stream.ToArray();
        var reader = new BinaryReader(new MemoryStream(file));
        Assert.AreEqual("CML\0DVB\0", Encoding.ASCII.GetString(reader.ReadBytes(8)));
        Assert.AreEqual(0x0001000100010006UL, reader.ReadUInt64());
        Assert.AreEqual(0x0001000100010006UL, reader.ReadUInt64());
        long contents = reader.ReadInt64();
        long tail = reader.ReadInt64();
        Assert.AreEqual(1, reader.ReadInt64());
        Assert.AreEqual(2, reader.ReadInt32());
        Assert.AreEqual(file.Length - 8, tail);
        Assert.AreEqual("\0BVD\0LMC", Encoding.ASCII.GetString(file, (int)tail, 8));
        reader.BaseStream.Position = contents;
        Assert.AreEqual("Number", reader.ReadString());
        Assert.AreEqual("Int32", reader.ReadString());
        Assert.AreEqual(0, reader.Read7BitEncodedInt64());
        Assert.AreEqual(1, reader.ReadByte());
        Assert.AreEqual(8192, reader.Read7BitEncodedInt64());
        reader.ReadInt64();
        Assert.AreEqual(0, reader.ReadInt64());
        Assert.AreEqual("Odd", reader.ReadString());
        Assert.AreEqual("Boolean", reader.ReadString());
    }

    [TestMethod]
    public void File_cut_anywhere_is_refused_with_a_format_error_that_names_it()
    {
        SaveAndLoad(_ml.Data.LoadFromEnumerable(Flower.Some()));
        byte[] file = File.ReadAllBytes(_path);
        for (int length = 0; length < file.Length; length += 13)
        {
            File.WriteAllBytes(_path, file[..length]);
            FormatException e = Assert.ThrowsExactly<FormatException>(() => _ml.Data.LoadFromBinary(_path), $"cut at {length}");
            Assert.Contains(_path, e.Message);
        }
    }

    [TestMethod]
    public void Block_that_decompresses_to_more_than_it_says_is_refused()
    {
        SaveAndLoad(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 1000).Select(i => new Pair()).ToArray()));
        byte[] file = File.ReadAllBytes(_path);
        // The lookup of the first column follows the blocks: offset 256, length, decompressed length 4000.
        int at = file.AsSpan().IndexOf([.. BitConverter.GetBytes(256L)]);
        Assert.AreEqual(4000, BitConverter.ToInt32(file, at + 12));
        foreach (int claimed in new[] { 3999, 4001, int.MaxValue })
        {
            BitConverter.TryWriteBytes(file.AsSpan(at + 12), claimed);
            File.WriteAllBytes(_path, file);
            IDataView view = _ml.Data.LoadFromBinary(_path);
            Assert.ThrowsExactly<FormatException>(() => view.GetColumn<int>("Number").Count(), $"claimed {claimed}");
        }
    }

    [TestMethod]
    public void Stream_that_cannot_seek_or_is_not_at_its_start_is_refused()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Flower.Some());
        using var stream = new MemoryStream(new byte[10]) { Position = 3 };
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.SaveAsBinary(data, stream));
        Assert.ThrowsExactly<FileNotFoundException>(() => _ml.Data.LoadFromBinary(_path + ".none"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromBinary(new MultiFileSource(_path, _path)));
    }

    private sealed class Pair
    {
        public int Number { get; set; }

        public bool Odd { get; set; }
    }

    private sealed class Times
    {
        public TimeSpan Span { get; set; }

        public DateTimeOffset Moment { get; set; }

        public DataViewRowId Id { get; set; }
    }
}
