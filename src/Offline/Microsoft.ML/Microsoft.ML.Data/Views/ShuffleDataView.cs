using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// The rows in a random order that is the same in every pass: the source is shuffled where it can be, and its rows
/// wait in a pool of bounded size from which they are drawn.
/// </summary>
internal sealed class ShuffleDataView : IDataView
{
    private readonly IHost _host;
    private readonly IDataView _input;
    private readonly int _seed;
    private readonly int _poolSize;
    private readonly bool _shuffleSource;

    public ShuffleDataView(IHostEnvironment env, IDataView input, int? seed, int poolSize, bool shuffleSource)
    {
        _host = env.Register(nameof(ShuffleDataView));
        _host.CheckParam(poolSize > 0, nameof(poolSize), $"Must be positive, but is {poolSize}");
        _input = input;
        _seed = seed ?? _host.Rand.Next();
        _poolSize = poolSize;
        _shuffleSource = shuffleSource;
    }

    public DataViewSchema Schema => _input.Schema;

    public bool CanShuffle => true;

    public long? GetRowCount() => _input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Of(Schema, columnsNeeded);
        rand ??= new Random(_seed);
        // The draws from the pool must not depend on how many the source takes.
        var poolRand = new Random(rand.Next());
        Random sourceRand = _shuffleSource && _input.CanShuffle ? rand : null;
        return new Cursor(_host, _input.GetRowCursor(Schema.Where(c => active[c.Index]).ToArray(), sourceRand), active, _poolSize, poolRand);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursorBase
    {
        private readonly DataViewRowCursor _input;
        private readonly bool[] _active;
        private readonly Random _rand;
        private readonly int _poolSize;
        private readonly ColumnStore[] _stores;
        private readonly Action<int>[] _writers;
        private readonly ValueGetter<DataViewRowId> _idGetter;

        // Slots of rows in the pool, the drawn ones at the end; one slot more than the pool holds the current row.
        private readonly int[] _slots;
        private readonly DataViewRowId[] _ids;
        private int _filled;
        private bool _started;
        private bool _sourceDone;
        private int _current = -1;

        public Cursor(IChannelProvider provider, DataViewRowCursor input, bool[] active, int poolSize, Random rand)
            : base(provider)
        {
            _input = input;
            _active = active;
            _rand = rand;
            _poolSize = poolSize;
            _slots = new int[poolSize + 1];
            _ids = new DataViewRowId[poolSize + 1];
            for (int i = 0; i < _slots.Length; i++)
                _slots[i] = i;
            _stores = new ColumnStore[active.Length];
            var writers = new List<Action<int>>();
            foreach (DataViewSchema.Column column in input.Schema)
            {
                if (!active[column.Index])
                    continue;
                _stores[column.Index] = ColumnStore.Create(column);
                writers.Add(_stores[column.Index].Writer(input, column));
            }
            _writers = [.. writers];
            _idGetter = input.GetIdGetter();
        }

        public override DataViewSchema Schema => _input.Schema;

        public override long Batch => 0;

        public override bool IsColumnActive(DataViewSchema.Column column) => _active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return _stores[column.Index].Getter(() => _current) as ValueGetter<TValue> ?? throw ActiveColumns.WrongType<TValue>(Schema[column.Index]);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = _ids[_current];

        protected override bool MoveNextCore()
        {
            // The slot of the row before the current one is free again, and gets the next row of the source.
            do
            {
                if (_sourceDone)
                    break;
                if (!_input.MoveNext())
                {
                    _sourceDone = true;
                    break;
                }
                int slot = _slots[_filled++];
                foreach (Action<int> write in _writers)
                    write(slot);
                _idGetter(ref _ids[slot]);
                _started |= _filled == _poolSize;
            }
            while (!_started);

            if (_filled == 0)
                return false;
            int drawn = _rand.Next(_filled);
            _filled--;
            (_slots[drawn], _slots[_filled]) = (_slots[_filled], _slots[drawn]);
            _current = _slots[_filled];
            // The next row must not overwrite the current one while it is being read.
            (_slots[_filled], _slots[_poolSize]) = (_slots[_poolSize], _slots[_filled]);
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _input.Dispose();
            base.Dispose(disposing);
        }
    }
}
