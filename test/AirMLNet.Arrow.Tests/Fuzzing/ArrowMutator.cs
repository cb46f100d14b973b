using System.Buffers.Binary;
using AirMLNet.Arrow;
using AirMLNet.Testing;
using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace AirMLNet.Tests.Fuzzing;

/// <summary>
/// Damages Arrow and Parquet files within their form: of Arrow, columns whose buffers are cut off, whose offsets lead outside and whose
/// lengths and counts are not those of their values; of Parquet, the description at the end, with its length right; and of both, bytes and
/// words of extreme values.
/// </summary>
/// <param name="seed">The same gives the same damage.</param>
internal sealed class ArrowMutator(int seed)
{
    private const int Rows = 12;

    private static readonly int[] Extremes = [0, 1, -1, 2, 7, 255, 65_536, 1 << 24, 1 << 30, int.MaxValue, int.MinValue];

    private readonly StructuredMutator _mutator = new(seed);
    private readonly Random _random = new(seed);
    private readonly byte[][] _parquet = [Whole(parquet: true)];
    private readonly byte[][] _arrow =
    [
        Whole(parquet: false),
        Stream(Columns(), damage: null),
        Stream(Columns(), damage: null, CompressionCodecType.Lz4Frame),
        Stream(Columns(), damage: null, CompressionCodecType.Zstd),
    ];

    public byte[] Arrow()
    {
        switch (_random.Next(4))
        {
            case 0:
                return _mutator.Bytes(_mutator.Pick(_arrow));
            case 1:
                return Words(_mutator.Pick(_arrow));
            default:
                try
                {
                    CompressionCodecType? codec = _mutator.Once(4) ? _mutator.Pick(Enum.GetValues<CompressionCodecType>()) : null;
                    return Stream(Columns(), this, codec);
                }
                // The writer looks at what it writes, too: not every damage can be written.
                catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException or NullReferenceException)
                {
                    return Words(_arrow[1]);
                }
        }
    }

    public byte[] Parquet()
    {
        var file = _mutator.Pick(_parquet);
        if (_mutator.Once(5))
        {
            return _mutator.Once(2) ? _mutator.Bytes(file) : Words(file);
        }

        // ... footer, its length in four bytes, "PAR1".
        var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(file.Length - 8));
        var footer = file[^(8 + length)..^8];
        var body = file[..^(8 + length)];
        (body, footer) = _mutator.Once(4) ? ([.. "PAR1"u8, .. _mutator.Bytes(body[4..])], footer) : (body, _mutator.Bytes(footer));
        var end = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(end, footer.Length);
        return [.. body, .. footer, .. end, .. "PAR1"u8];
    }

    /// <summary>Some words of four bytes become extreme.</summary>
    private byte[] Words(byte[] file)
    {
        byte[] copy = [.. file];
        for (var times = 1 + _random.Next(3); times > 0; times--)
        {
            var at = _random.Next(copy.Length / 4) * 4;
            BinaryPrimitives.WriteInt32LittleEndian(copy.AsSpan(at), _mutator.Pick(Extremes));
        }

        return copy;
    }

    private static (string Name, IArrowArray Values)[] Columns(bool parquet = false)
    {
        var large = new LargeListArray.Builder(DoubleType.Default);
        var halves = new ListArray.Builder(HalfFloatType.Default);
        var (views, half, index) = (new StringViewArray.Builder(), new HalfFloatArray.Builder(), new Int16Array.Builder());
        var lists = new ListArray.Builder(FloatType.Default);
        var doubles = new ListArray.Builder(DoubleType.Default);
        var (text, flag, real, whole) = (
            new StringArray.Builder(),
            new BooleanArray.Builder(),
            new FloatArray.Builder(),
            new Int64Array.Builder()
        );
        for (var i = 0; i < Rows; i++)
        {
            lists.Append();
            ((FloatArray.Builder)lists.ValueBuilder).AppendRange([i, i + 1, i + 2]);
            doubles.Append();
            ((DoubleArray.Builder)doubles.ValueBuilder).AppendRange([i, -i]);
            large.Append();
            ((DoubleArray.Builder)large.ValueBuilder).AppendRange([i, -i]);
            halves.Append();
            ((HalfFloatArray.Builder)halves.ValueBuilder).AppendRange([(Half)i, (Half)1]);
            half.Append((Half)i);
            index.Append((short)(i % 3));
            views.Append(i % 2 == 0 ? "short" : $"longer than twelve {i}");
            text.Append($"photo {i}.png");
            flag.Append(i % 2 == 0);
            whole.Append(i);
            _ = i == 5 ? real.AppendNull() : real.Append(i);
        }

        var names = new StringArray.Builder().AppendRange(["cat", "dog", "ship"]).Build();
        var categories = new DictionaryArray(new DictionaryType(Int16Type.Default, StringType.Default, false), index.Build(), names);
        // Forms that Parquet's writer does not know.
        (string, IArrowArray)[] others = parquet ? [] : [("Views", views.Build())];
        return
        [
            .. others,
            ("Large", large.Build()),
            ("Halves", halves.Build()),
            ("Half", half.Build()),
            ("Category", categories),
            ("Text", text.Build()),
            ("Features", ArrowColumns.Lists([.. Enumerable.Range(0, 4 * Rows).Select(i => (float)i)], Rows, 4)),
            ("List", lists.Build()),
            ("Doubles", doubles.Build()),
            ("Flag", flag.Build()),
            ("Single", real.Build()),
            ("Whole", whole.Build()),
        ];
    }

    private static byte[] Stream((string Name, IArrowArray Values)[] columns, ArrowMutator? damage, CompressionCodecType? codec = null)
    {
        if (damage is not null)
        {
            var hit = damage._random.Next(columns.Length);
            columns[hit].Values = ArrowArrayFactory.BuildArray(damage.Damage(columns[hit].Values.Data));
        }

        var schema = new Schema(columns.Select(c => new Field(c.Name, c.Values.Data.DataType, nullable: true)), null);
        using var stream = new MemoryStream();
        IpcOptions options = new() { CompressionCodec = codec, CompressionCodecFactory = new CompressionCodecFactory() };
        using var writer = new ArrowStreamWriter(stream, schema, leaveOpen: true, options);
        var rows = damage is not null && damage._mutator.Once(6) ? damage._mutator.Pick(Extremes) : Rows;
        writer.WriteRecordBatch(new RecordBatch(schema, columns.Select(c => c.Values), rows));
        writer.WriteEnd();
        return stream.ToArray();
    }

    private ArrayData Damage(ArrayData data)
    {
        var (type, length, nulls) = (data.DataType, data.Length, data.NullCount);
        ArrowBuffer[] buffers = [.. data.Buffers];
        ArrayData[]? children = data.Children is { Length: > 0 } some ? [.. some] : null;
        var dictionary = data.Dictionary;
        switch (_random.Next(6))
        {
            case 0:
                length = _mutator.Pick(Extremes);
                break;
            case 1:
                nulls = _mutator.Pick(Extremes);
                break;
            case 2 when children is not null:
                children[0] = Damage(children[0]);
                break;
            case 2 when dictionary is not null:
                dictionary = Damage(dictionary);
                break;
            case 3 when type is FixedSizeListType list:
                type = new FixedSizeListType(list.ValueField, Math.Max(1, _mutator.Pick(Extremes)));
                break;
            default:
                var hit = _random.Next(buffers.Length);
                var bytes = buffers[hit].Span.ToArray();
                buffers[hit] = new ArrowBuffer(
                    bytes.Length < 4 || _mutator.Once(4) ? bytes[..(bytes.Length / 2)]
                    : _mutator.Once(3) ? _mutator.Bytes(bytes)
                    : Words(bytes)
                );
                break;
        }

        return new ArrayData(type, length, nulls, 0, buffers, children, dictionary);
    }

    private static byte[] Whole(bool parquet)
    {
        using var stream = new MemoryStream();
        ArrowFile.Write(stream, new Batch(Columns(parquet)), parquet);
        return stream.ToArray();
    }

    private sealed class Batch((string Name, IArrowArray Values)[] columns) : IArrowRows
    {
        public Schema Schema { get; } = new(columns.Select(c => new Field(c.Name, c.Values.Data.DataType, nullable: true)), null);

        public IEnumerable<RecordBatch> Batches() => [new(Schema, columns.Select(c => c.Values), Rows)];
    }
}
