using Apache.Arrow;
using Apache.Arrow.Ipc;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Arrow;

/// <summary>Reads a file's rows in order, one batch in memory at a time.</summary>
internal sealed class ArrowRowCursor : DataViewRowCursor
{
    private readonly string _path;
    private readonly IArrowArrayStream _batches;
    private readonly IDisposable _file;
    private readonly Dictionary<int, int> _places = []; // where a needed column is in a batch
    private RecordBatch? _batch;
    private long _first; // row number of the batch's first
    private int _row = -1;
    private bool _ended;

    /// <param name="path">The file.</param>
    /// <param name="schema">Its columns.</param>
    /// <param name="needed">Which of them.</param>
    /// <param name="fields">The file's field of each column.</param>
    public ArrowRowCursor(string path, DataViewSchema schema, int[] needed, int[] fields)
    {
        (_path, Schema) = (path, schema);
        // Rows are counted by some column, even where none is needed.
        var columns = needed.Length > 0 ? needed : [0];
        (_batches, var places, _file) = ArrowFile.Read(path, [.. columns.Select(c => fields[c])]);
        for (var i = 0; i < needed.Length; i++)
        {
            _places[needed[i]] = places[i];
        }
    }

    public override DataViewSchema Schema { get; }

    public override long Position => _row < 0 || _ended ? -1 : _first + _row;

    public override long Batch => 0;

    public override bool IsColumnActive(DataViewSchema.Column column) => _places.ContainsKey(column.Index);

    public override bool MoveNext()
    {
        if (_ended)
        {
            return false;
        }

        _row++;
        while (_batch is null || _row >= _batch.Length)
        {
            _first += _batch?.Length ?? 0;
            _row = 0;
            _batch?.Dispose();
            _batch = ArrowFile.Guard(_path, () => _batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult());
            if (_batch is null)
            {
                _ended = true;
                return false;
            }
        }

        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() =>
        (ref DataViewRowId value) => value = new DataViewRowId((ulong)Math.Max(0, Position), 0);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!_places.TryGetValue(column.Index, out var place))
        {
            throw new InvalidOperationException($"Column '{column.Name}' was not asked for when the rows were.");
        }

        return Getter(column, place) as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' is {column.Type}, not {typeof(TValue)}.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ended = true;
            _batch?.Dispose();
            _batch = null;
            _file.Dispose();
        }

        base.Dispose(disposing);
    }

    private Delegate? Getter(DataViewSchema.Column column, int place) =>
        column.Type switch
        {
            TextDataViewType => Text(column.Name, place),
            VectorDataViewType vector => Vector(column.Name, place, vector.Size),
            BooleanDataViewType => Guarded(
                column.Name,
                (ref bool value) => value = ((BooleanArray)Array(place)).GetValue(_row) ?? throw Missing(column.Name)
            ),
            var type when type == NumberDataViewType.Single => Single(column.Name, place),
            var type when type == NumberDataViewType.Double => Number<double>(column.Name, place, double.NaN),
            var type when type == NumberDataViewType.SByte => Number<sbyte>(column.Name, place),
            var type when type == NumberDataViewType.Int16 => Number<short>(column.Name, place),
            var type when type == NumberDataViewType.Int32 => Number<int>(column.Name, place),
            var type when type == NumberDataViewType.Int64 => Number<long>(column.Name, place),
            var type when type == NumberDataViewType.Byte => Number<byte>(column.Name, place),
            var type when type == NumberDataViewType.UInt16 => Number<ushort>(column.Name, place),
            var type when type == NumberDataViewType.UInt32 => Number<uint>(column.Name, place),
            var type when type == NumberDataViewType.UInt64 => Number<ulong>(column.Name, place),
            _ => null,
        };

    private IArrowArray Array(int place) => _batch!.Column(place);

    /// <summary>Lengths and offsets in a file may be anything: whatever a value's reading ends in is damage, and named as such.</summary>
    private ValueGetter<T> Guarded<T>(string column, ValueGetter<T> get) =>
        (ref T value) =>
        {
            if (_batch is null || _ended)
            {
                throw new InvalidOperationException("There is no current row.");
            }

            try
            {
                get(ref value);
            }
            catch (Exception e) when (e is not (InvalidDataException or OutOfMemoryException))
            {
                throw new InvalidDataException($"{_path}: row {Position}, column '{column}' is damaged: {e.Message}", e);
            }
        };

    private ValueGetter<ReadOnlyMemory<char>> Text(string column, int place) =>
        Guarded(column, (ref ReadOnlyMemory<char> value) => value = ArrowText.Read(Array(place), _row));

    private ValueGetter<T> Number<T>(string column, int place, T? missing = null)
        where T : struct, IEquatable<T> =>
        Guarded(
            column,
            (ref T value) =>
            {
                var array = (PrimitiveArray<T>)Array(place);
                value = array.IsNull(_row) ? missing ?? throw Missing(column) : array.Values[_row];
            }
        );

    private ValueGetter<float> Single(string column, int place) =>
        Guarded(
            column,
            (ref float value) =>
            {
                var array = Array(place);
                value =
                    array.IsNull(_row) ? float.NaN
                    : array is HalfFloatArray halves ? (float)halves.Values[_row]
                    : ((FloatArray)array).Values[_row];
            }
        );

    private ValueGetter<VBuffer<float>> Vector(string column, int place, int size) =>
        Guarded(
            column,
            (ref VBuffer<float> value) =>
            {
                var (values, start, length) = ArrowNumbers.List(Array(place), _row) ?? throw Missing(column);
                if (length != size)
                {
                    throw new InvalidDataException(
                        $"{_path}: row {Position}, column '{column}' has {length} numbers, the first list {size}."
                    );
                }

                ArrowNumbers.Copy(values, start, size, ref value);
            }
        );

    private InvalidDataException Missing(string column) => new($"{_path}: row {Position}, column '{column}' has no value.");
}
