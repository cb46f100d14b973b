using System.Buffers.Binary;
using AirMLNet.Testing;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Arrow;

/// <summary>What fuzzing found (docs/fuzz.md), one file of each.</summary>
[TestClass]
public sealed class ArrowDamageTests
{
    private readonly MLContext _ml = new(1);
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    /// <summary>The library's own reader takes the offsets' word, and reads memory of others or ends the process.</summary>
    [TestMethod]
    [DataRow(1 << 30)]
    [DataRow(-1)]
    [DataRow(int.MinValue)]
    public void TextWhoseOffsetsLeadOutside_IsRefused(int offset)
    {
        var text = new StringArray.Builder().Append("a.png").Append("b.png").Build();
        int[] offsets = [0, offset, 10];
        var read = Write(
            "text.arrow",
            new StringArray(
                new ArrayData(
                    StringType.Default,
                    2,
                    0,
                    0,
                    [
                        ArrowBuffer.Empty,
                        new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(offsets).ToArray()),
                        text.ValueBuffer,
                    ]
                )
            )
        );
        Assert.Contains("column 'Column' is damaged", Refused(() => read.GetColumn<string>("Column").ToArray()).Message);
    }

    [TestMethod]
    public void AListLongerThanItsValues_IsRefusedBeforeMemoryIsTaken()
    {
        var values = new FloatArray.Builder().AppendRange([1, 2, 3, 4]).Build();
        const int Long = 100_000_000;
        var read = Write(
            "list.arrow",
            new FixedSizeListArray(new FixedSizeListType(new Field("item", FloatType.Default, false), Long), 1, values, ArrowBuffer.Empty)
        );
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("is damaged", Refused(() => First(read)).Message);
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>The numbers say a length of their own, which is no truer than the list's.</summary>
    [TestMethod]
    public void NumbersFewerThanTheySay_AreRefusedBeforeMemoryIsTaken()
    {
        const int Long = 100_000_000;
        var four = new FloatArray.Builder().AppendRange([1, 2, 3, 4]).Build();
        var values = new FloatArray(four.ValueBuffer, ArrowBuffer.Empty, Long, 0, 0);
        int[] offsets = [0, Long];
        var read = Write(
            "numbers.arrow",
            new ListArray(
                new ListType(new Field("item", FloatType.Default, false)),
                1,
                new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(offsets).ToArray()),
                values,
                ArrowBuffer.Empty
            )
        );
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("is damaged", Refused(() => First(read)).Message);
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    [DataRow(0x7000_0000)]
    [DataRow(-5)]
    public void AMessageLongerThanTheFile_IsRefusedBeforeMemoryIsTaken(int length)
    {
        var bytes = new byte[64];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, -1);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), length);
        File.WriteAllBytes(_folder["message.arrow"], bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("leads past the end", Refused(() => _ml.Data.LoadFromArrow(_folder["message.arrow"])).Message);
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>The reader makes an array of as many buffers as a column of views says that it has.</summary>
    [TestMethod]
    public void ViewsOfMoreBuffersThanThereAre_AreRefusedBeforeMemoryIsTaken()
    {
        Write("views.arrow", new StringViewArray.Builder().Append("a text of more than twelve letters").Build());
        var bytes = File.ReadAllBytes(_folder["views.arrow"]);
        // One column of views, of one buffer: a count of 4 bytes and a number of 8.
        ReadOnlySpan<byte> oneOfOne = [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        var counts = bytes.AsSpan().IndexOf(oneOfOne);
        Assert.IsGreaterThan(0, counts);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(counts + 4), int.MaxValue - 100);
        File.WriteAllBytes(_folder["views.arrow"], bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("leads past the end", Refused(() => _ml.Data.LoadFromArrow(_folder["views.arrow"])).Message);
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void AColumnWithoutAName_IsRefused()
    {
        Write("name.arrow", new FloatArray.Builder().Append(1).Build());
        var bytes = File.ReadAllBytes(_folder["name.arrow"]);
        var name = bytes.AsSpan().IndexOf("Column"u8);
        Assert.IsGreaterThan(4, name);
        bytes[name - 4] = 0; // the name's length
        File.WriteAllBytes(_folder["name.arrow"], bytes);
        Assert.Contains("without a name", Refused(() => _ml.Data.LoadFromArrow(_folder["name.arrow"])).Message);
    }

    private static float[] First(IDataView read)
    {
        using var cursor = read.GetRowCursor(read.Schema);
        var getter = cursor.GetGetter<VBuffer<float>>(read.Schema["Column"]);
        VBuffer<float> value = default;
        Assert.IsTrue(cursor.MoveNext());
        getter(ref value);
        return [.. value.DenseValues()];
    }

    private static InvalidDataException Refused(Func<object> read) => Assert.ThrowsExactly<InvalidDataException>(() => read());

    private IDataView Write(string name, IArrowArray column)
    {
        var schema = new Schema([new Field("Column", column.Data.DataType, nullable: true)], null);
        using (var stream = File.Create(_folder[name]))
        using (var writer = new ArrowStreamWriter(stream, schema))
        {
            writer.WriteRecordBatch(new RecordBatch(schema, [column], column.Length));
            writer.WriteEnd();
        }

        return _ml.Data.LoadFromArrow(_folder[name]);
    }
}
