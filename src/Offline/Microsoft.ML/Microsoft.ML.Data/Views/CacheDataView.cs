using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Keeps the columns that were asked for in memory. Others are computed, once, when somebody asks.</summary>
internal sealed class CacheDataView : IDataView
{
    private readonly IHost _host;
    private readonly IDataView _input;
    private readonly Lock _lock = new();
    private readonly ColumnStore[] _stores;
    private readonly int[] _prefetch;
    private int _count = -1;

    public CacheDataView(IHostEnvironment env, IDataView input, int[] prefetch)
    {
        _host = env.Register(nameof(CacheDataView));
        _host.CheckValue(input, nameof(input));
        _input = input;
        _stores = new ColumnStore[input.Schema.Count];
        _prefetch = prefetch ?? [];
    }

    public DataViewSchema Schema => _input.Schema;

    public bool CanShuffle => true;

    public long? GetRowCount()
    {
        lock (_lock)
            return _count >= 0 ? _count : _input.GetRowCount();
    }

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Of(Schema, columnsNeeded);
        int count = Fill(active);
        return new Cursor(this, active, count, rand is null ? null : Shuffling.Permutation(count, rand));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    /// <summary>Makes sure that the active columns are there, and returns the number of rows.</summary>
    private int Fill(bool[] active)
    {
        lock (_lock)
        {
            DataViewSchema.Column[] missing = [.. Schema.Where(c => _stores[c.Index] is null && (active[c.Index] || (_count < 0 && _prefetch.Contains(c.Index))))];
            if (missing.Length == 0 && _count >= 0)
                return _count;
            ColumnStore[] stores = Array.ConvertAll(missing, ColumnStore.Create);
            using DataViewRowCursor cursor = _input.GetRowCursor(missing);
            var writers = new Action<int>[missing.Length];
            for (int i = 0; i < writers.Length; i++)
                writers[i] = stores[i].Writer(cursor, cursor.Schema[missing[i].Index]);
            int count = 0;
            while (cursor.MoveNext())
            {
                foreach (Action<int> write in writers)
                    write(count);
                count++;
            }
            _host.Check(_count < 0 || _count == count, $"The cached view had {_count} rows in its first pass, but has {count} now");
            _count = count;
            for (int i = 0; i < stores.Length; i++)
            {
                stores[i].TrimTo(count);
                _stores[missing[i].Index] = stores[i];
            }
            return count;
        }
    }

    private sealed class Cursor(CacheDataView parent, bool[] active, int count, int[] order) : RootCursorBase(parent._host)
    {
        private int _index = -1;

        public override DataViewSchema Schema => parent.Schema;

        public override long Batch => 0;

        private int Current => order is null ? _index : order[_index];

        public override bool IsColumnActive(DataViewSchema.Column column) => active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return parent._stores[column.Index].Getter(() => Current) as ValueGetter<TValue> ?? throw ActiveColumns.WrongType<TValue>(Schema[column.Index]);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            parent._host.Check(IsGood, "The cursor is not at a row");
            id = new DataViewRowId((ulong)Current, 0);
        };

        protected override bool MoveNextCore() => ++_index < count;
    }
}
