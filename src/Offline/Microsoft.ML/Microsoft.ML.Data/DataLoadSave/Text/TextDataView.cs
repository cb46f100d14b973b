using System.Globalization;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The rows of text files. Every cursor reads the files anew, line by line.</summary>
internal sealed class TextDataView(IHost host, TextFormat format, IMultiStreamSource source) : IDataView
{
    public DataViewSchema Schema => format.Schema;

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(host, format, source, ActiveColumns.Of(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursorBase
    {
        private const int MostMessages = 10;

        private readonly IHost _host;
        private readonly TextFormat _format;
        private readonly IMultiStreamSource _source;
        private readonly bool[] _active;
        private readonly LineSplitter _splitter;
        private readonly Delegate[] _getters;
        private LineReader _reader;
        private LineFields _fields;
        private int _file = -1;
        private long _row = -1;
        private long _badValues;

        public Cursor(IHost host, TextFormat format, IMultiStreamSource source, bool[] active)
            : base(host)
        {
            _host = host;
            _format = format;
            _source = source;
            _active = active;
            _splitter = new LineSplitter(format);
            _getters = new Delegate[active.Length];
            for (int i = 0; i < active.Length; i++)
            {
                if (active[i])
                    _getters[i] = MakeGetter(format.Columns[i]);
            }
        }

        public override DataViewSchema Schema => _format.Schema;

        public override long Batch => 0;

        public override bool IsColumnActive(DataViewSchema.Column column) => _active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return _getters[column.Index] as ValueGetter<TValue> ?? throw ActiveColumns.WrongType<TValue>(Schema[column.Index]);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            _host.Check(IsGood, "The cursor is not at a row");
            id = new DataViewRowId((ulong)_row, 0);
        };

        protected override bool MoveNextCore()
        {
            if (_row + 1 >= _format.MaxRows)
                return false;
            try
            {
                string line;
                while (_reader is null || (line = _reader.Read()) is null)
                {
                    _reader?.Dispose();
                    if (++_file >= _source.Count)
                        return false;
                    _reader = new LineReader(_format, _source.OpenTextReader(_file));
                    if (_format.HasHeader)
                        _reader.Read();
                }
                _row++;
                _fields = _splitter.Split(line, _reader.Line);
                return true;
            }
            catch (FormatException e)
            {
                throw _host.ExceptDecode($"{Where()}: {e.Message}", e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && _reader is not null)
            {
                _reader.Dispose();
                if (_badValues > 0)
                    Ch.Info(MessageSensitivity.None, $"{_badValues} values could not be read");
                _badValues = 0;
            }
            base.Dispose(disposing);
        }

        private string Where() => _file >= 0 && _file < _source.Count ? _source.GetPathOrNull(_file) ?? $"Source {_file}" : "The text";

        private Delegate MakeGetter(TextFormat.ColumnInfo column)
        {
            if (column.ItemType is TextDataViewType)
            {
                return column.Type is VectorDataViewType
                    ? VectorGetter<ReadOnlyMemory<char>>(column, text => text)
                    : (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = _fields[column.Segments[0].Min]);
            }
            return (Delegate)IO.CodecFactory.Invoke(typeof(Cursor), nameof(MakeParsed), column.ItemType.RawType, this, column);
        }

        private Delegate MakeParsed<T>(TextFormat.ColumnInfo column)
        {
            var parse = (TryParseField<T>)FieldParser.Of(column.ItemType, _format.DecimalMarker);
            bool isReal = typeof(T) == typeof(float) || typeof(T) == typeof(double);
            T missing = isReal && _format.MissingRealsAsNaNs ? (typeof(T) == typeof(float) ? (T)(object)float.NaN : (T)(object)double.NaN) : default;
            T Read(ReadOnlyMemory<char> text)
            {
                if (text.IsEmpty)
                    return missing;
                if (parse(text.Span, out T value))
                    return value;
                // Real numbers can say that they are not known; others cannot.
                if (!isReal)
                    throw _host.Except($"{Where()}: could not parse value '{text}' in line {_reader.Line}, column '{column.Name}', as {column.ItemType}");
                if (++_badValues <= MostMessages)
                    Ch.Info(MessageSensitivity.Schema, string.Create(CultureInfo.InvariantCulture, $"Bad value at line {_reader.Line} in column {column.Name}"));
                return value;
            }
            if (column.Type is VectorDataViewType)
                return VectorGetter<T>(column, Read);
            int field = column.Segments[0].Min;
            return (ValueGetter<T>)((ref T value) => value = Read(_fields[field]));
        }

        private ValueGetter<VBuffer<T>> VectorGetter<T>(TextFormat.ColumnInfo column, Func<ReadOnlyMemory<char>, T> read)
        {
            bool emptyIsDefault = EqualityComparer<T>.Default.Equals(read(default), default);
            return (ref VBuffer<T> value) =>
            {
                int length = column.IsVariable ? column.Segments.Sum(s => Math.Max(0, Math.Min(s.Lim, _fields.Size) - s.Min)) : column.Size;
                int present = 0;
                foreach ((int index, _) in _fields.Fields)
                    present += Slot(column, index) >= 0 ? 1 : 0;
                // A line of mostly empty fields stays a sparse vector.
                if (emptyIsDefault && present < length / 2)
                {
                    VBufferEditor<T> sparse = VBufferEditor.Create(ref value, length, present);
                    int at = 0;
                    foreach ((int index, ReadOnlyMemory<char> text) in _fields.Fields)
                    {
                        if (Slot(column, index) is >= 0 and int slot)
                        {
                            sparse.Indices[at] = slot;
                            sparse.Values[at++] = read(text);
                        }
                    }
                    sparse.Indices.Sort(sparse.Values);
                    value = sparse.Commit();
                    return;
                }
                VBufferEditor<T> dense = VBufferEditor.Create(ref value, length);
                int position = 0;
                foreach ((int min, int lim, _) in column.Segments)
                {
                    for (int field = min; field < lim && position < length; field++)
                        dense.Values[position++] = read(_fields[field]);
                }
                value = dense.Commit();
            };
        }

        /// <summary>The place of a field in a column, or -1.</summary>
        private static int Slot(TextFormat.ColumnInfo column, int field)
        {
            int start = 0;
            foreach ((int min, int lim, _) in column.Segments)
            {
                if (field >= min && field < lim)
                    return start + field - min;
                start += lim - min;
            }
            return -1;
        }
    }
}
