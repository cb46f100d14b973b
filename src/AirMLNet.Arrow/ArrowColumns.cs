using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Arrow;

/// <summary>The columns of a data view, in batches.</summary>
internal sealed class ArrowColumns : IArrowRows
{
    private readonly IDataView _data;
    private readonly DataViewSchema.Column[] _columns;

    /// <param name="data">The data view.</param>
    /// <param name="names">Its columns that are written; none for all that are not hidden.</param>
    /// <exception cref="ArgumentException">A column is not there, or of a type that is not written.</exception>
    public ArrowColumns(IDataView data, string[] names)
    {
        _data = data;
        _columns =
            names.Length > 0
                ?
                [
                    .. names.Select(n =>
                        data.Schema.GetColumnOrNull(n) ?? throw new ArgumentException($"There is no column '{n}'.", nameof(names))
                    ),
                ]
                : [.. data.Schema.Where(c => !c.IsHidden)];
        Schema = new Schema(_columns.Select(c => new Field(c.Name, TypeOf(c), nullable: c.Type is KeyDataViewType)), null);
    }

    public Schema Schema { get; }

    public IEnumerable<RecordBatch> Batches()
    {
        using var cursor = _data.GetRowCursor(_columns);
        Writer[] writers = [.. _columns.Select(c => WriterOf(cursor, c))];
        var rows = 0;
        while (cursor.MoveNext())
        {
            foreach (var writer in writers)
            {
                writer.Append();
            }

            if (++rows == ArrowFile.BatchRows)
            {
                yield return Batch(writers, rows);
                rows = 0;
            }
        }

        if (rows > 0)
        {
            yield return Batch(writers, rows);
        }
    }

    private RecordBatch Batch(Writer[] writers, int rows) => new(Schema, writers.Select(w => w.Take()), rows);

    private static IArrowType TypeOf(DataViewSchema.Column column) =>
        column.Type switch
        {
            TextDataViewType => StringType.Default,
            BooleanDataViewType => BooleanType.Default,
            KeyDataViewType when Pipeline.StageAnnotations.KeyValues(column) is not null => StringType.Default,
            VectorDataViewType { Size: > 0 } vector when vector.ItemType == NumberDataViewType.Single => ListOf(vector.Size),
            var type when type == NumberDataViewType.Single => FloatType.Default,
            var type when type == NumberDataViewType.Double => DoubleType.Default,
            var type when type == NumberDataViewType.Int32 => Int32Type.Default,
            var type when type == NumberDataViewType.Int64 => Int64Type.Default,
            _ => throw new ArgumentException(
                $"Column '{column.Name}' is {column.Type}; what is written is Text, Boolean, Single, Double, Int32, Int64, keys with names "
                    + "and vectors of Single of a known length. Name the columns to be written to leave it out.",
                nameof(column)
            ),
        };

    internal static FixedSizeListType ListOf(int size) => new(new Field("item", FloatType.Default, nullable: false), size);

    internal static FixedSizeListArray Lists(float[] values, int count, int size)
    {
        var bytes = new byte[(long)count * size * sizeof(float)];
        System.Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
        var floats = new FloatArray(new ArrowBuffer(bytes), ArrowBuffer.Empty, count * size, 0, 0);
        return new(ListOf(size), count, floats, ArrowBuffer.Empty);
    }

    private static Writer WriterOf(DataViewRowCursor cursor, DataViewSchema.Column column)
    {
        switch (column.Type)
        {
            case TextDataViewType:
                return new TextWriter<ReadOnlyMemory<char>>(cursor.GetGetter<ReadOnlyMemory<char>>(column), text => text.ToString());
            case KeyDataViewType:
                var names = Pipeline.StageAnnotations.KeyValues(column)!;
                return new TextWriter<uint>(cursor.GetGetter<uint>(column), key => key == 0 ? null : names[(int)key - 1]);
            case VectorDataViewType vector:
                return new VectorWriter(cursor.GetGetter<VBuffer<float>>(column), vector.Size);
            case BooleanDataViewType:
                return new ValueWriter<bool>(
                    cursor.GetGetter<bool>(column),
                    values => new BooleanArray.Builder().AppendRange(values).Build()
                );
            case var type when type == NumberDataViewType.Single:
                return new ValueWriter<float>(cursor.GetGetter<float>(column), v => new FloatArray.Builder().AppendRange(v).Build());
            case var type when type == NumberDataViewType.Double:
                return new ValueWriter<double>(cursor.GetGetter<double>(column), v => new DoubleArray.Builder().AppendRange(v).Build());
            case var type when type == NumberDataViewType.Int32:
                return new ValueWriter<int>(cursor.GetGetter<int>(column), v => new Int32Array.Builder().AppendRange(v).Build());
            default:
                return new ValueWriter<long>(cursor.GetGetter<long>(column), v => new Int64Array.Builder().AppendRange(v).Build());
        }
    }

    private abstract class Writer
    {
        public abstract void Append();

        /// <summary>What was appended since the last time.</summary>
        public abstract IArrowArray Take();
    }

    private sealed class TextWriter<T>(ValueGetter<T> getter, Func<T, string?> text) : Writer
    {
        private StringArray.Builder _builder = new();
        private T _value = default!;

        public override void Append()
        {
            getter(ref _value);
            _builder.Append(text(_value));
        }

        public override IArrowArray Take()
        {
            var array = _builder.Build();
            _builder = new();
            return array;
        }
    }

    private sealed class ValueWriter<T>(ValueGetter<T> getter, Func<List<T>, IArrowArray> build) : Writer
    {
        private readonly List<T> _values = [];
        private T _value = default!;

        public override void Append()
        {
            getter(ref _value);
            _values.Add(_value);
        }

        public override IArrowArray Take()
        {
            var array = build(_values);
            _values.Clear();
            return array;
        }
    }

    private sealed class VectorWriter(ValueGetter<VBuffer<float>> getter, int size) : Writer
    {
        private float[] _values = [];
        private VBuffer<float> _value;
        private int _count;

        public override void Append()
        {
            getter(ref _value);
            if ((_count + 1) * size > _values.Length)
            {
                System.Array.Resize(ref _values, Math.Max(64, 2 * _count) * size);
            }

            _value.CopyTo(_values.AsSpan(_count++ * size, size));
        }

        public override IArrowArray Take()
        {
            var array = Lists(_values, _count, size);
            _count = 0;
            return array;
        }
    }
}
