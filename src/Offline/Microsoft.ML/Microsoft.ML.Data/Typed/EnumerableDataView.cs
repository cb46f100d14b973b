using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view over objects. A list can be counted and shuffled, any other sequence is walked anew by every cursor.</summary>
internal sealed class EnumerableDataView<TRow> : IDataView
    where TRow : class
{
    private readonly IHost _host;
    private readonly IEnumerable<TRow> _data;
    private readonly TypedReader<TRow> _reader;

    public EnumerableDataView(IHostEnvironment env, IEnumerable<TRow> data, SchemaDefinition definition)
    {
        _host = env.Register(nameof(EnumerableDataView<TRow>));
        _host.CheckValue(data, nameof(data));
        _data = data;
        _reader = new TypedReader<TRow>(_host, definition);
    }

    public DataViewSchema Schema => _reader.Schema;

    public bool CanShuffle => _data is IReadOnlyList<TRow> or IList<TRow>;

    public long? GetRowCount() => _data switch
    {
        IReadOnlyCollection<TRow> collection => collection.Count,
        ICollection<TRow> collection => collection.Count,
        _ => null,
    };

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(this, columnsNeeded, CanShuffle ? rand : null);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursorBase
    {
        private readonly EnumerableDataView<TRow> _parent;
        private readonly RowHolder<TRow> _holder = new();
        private readonly bool[] _active;
        private readonly Delegate[] _getters;
        private readonly IEnumerator<TRow> _rows;
        private readonly IReadOnlyList<TRow> _list;
        private readonly int[] _order;
        private long _index = -1;

        public Cursor(EnumerableDataView<TRow> parent, IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand)
            : base(parent._host)
        {
            _parent = parent;
            _active = ActiveColumns.Of(parent.Schema, columnsNeeded);
            _getters = new Delegate[_active.Length];
            _list = parent._data as IReadOnlyList<TRow>;
            if (rand is not null)
            {
                _list ??= [.. parent._data];
                _order = Shuffling.Permutation(_list.Count, rand);
            }
            if (_list is null)
                _rows = parent._data.GetEnumerator();
        }

        public override DataViewSchema Schema => _parent.Schema;

        public override long Batch => 0;

        public override bool IsColumnActive(DataViewSchema.Column column) => _active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            Delegate getter = _getters[column.Index] ??= _parent._reader.CreateGetter(column.Index, _holder);
            return getter as ValueGetter<TValue> ?? throw ActiveColumns.WrongType<TValue>(Schema[column.Index]);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            _parent._host.Check(IsGood, "The cursor is not at a row");
            id = new DataViewRowId((ulong)(_order is null ? _index : _order[_index]), 0);
        };

        protected override bool MoveNextCore()
        {
            _index++;
            if (_list is not null)
            {
                bool more = _index < (_order?.Length ?? _list.Count);
                _holder.Row = more ? _list[_order is null ? (int)_index : _order[_index]] : null;
                return more;
            }
            bool next = _rows.MoveNext();
            _holder.Row = next ? _rows.Current : null;
            return next;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _rows?.Dispose();
            base.Dispose(disposing);
        }
    }
}
