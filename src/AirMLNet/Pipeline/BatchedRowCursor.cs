using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>
/// Reads input rows ahead, prepares them on worker threads while an earlier batch runs, and gives the rows out in order.
/// At most <see cref="Depth"/> batches exist, whatever the size of the data. A failure surfaces where an unbatched
/// cursor would show it: a failure to move, in MoveNext at that row; a failure of a value, in that row's getter.
/// </summary>
internal sealed class BatchedRowCursor : DataViewRowCursor
{
    /// <summary>Batches alive at once: the one given out, and two being prepared.</summary>
    private const int Depth = 3;

    private readonly RowMapper _stage;
    private readonly DataViewRowCursor _input;
    private readonly IBatchEncoder _encoder;
    private readonly int[] _passThrough;
    private readonly ValueGetter<DataViewRowId> _inputId;
    private readonly Queue<RowBatch> _ahead = new();
    private readonly Stack<RowBatch> _free = new();
    private readonly Delegate?[] _getters;
    private readonly List<RowBatch> _all = [];
    private RowBatch? _current;
    private int _slot;
    private long _position = -1,
        _read;
    private bool _inputEnded,
        _ended;
    private ExceptionDispatchInfo? _moveFailure;

    public BatchedRowCursor(RowMapper stage, DataViewRowCursor input, IEnumerable<DataViewSchema.Column> passThrough, IBatchEncoder encoder)
    {
        _stage = stage;
        _input = input;
        _encoder = encoder;
        _passThrough = passThrough.Select(c => c.Index).Distinct().Order().ToArray();
        _inputId = input.GetIdGetter();
        for (var i = 0; i < Depth; i++)
        {
            _free.Push(NewBatch());
        }

        _getters = new Delegate?[stage.OutputCount];
        for (var i = 0; i < _getters.Length; i++)
        {
            _getters[i] = _all[0].Getters[i] is { } sample ? AddedGetter(sample, i) : null;
        }
    }

    public override DataViewSchema Schema => _stage.OutputSchema;
    public override long Position => _position;
    public override long Batch => _current is { } batch ? batch.InputBatch[_slot] : 0;

    public override bool MoveNext()
    {
        if (_ended)
        {
            return false;
        }

        if (_current is not null && ++_slot < _current.Count)
        {
            return Advance();
        }

        if (_current is not null)
        {
            _free.Push(_current);
            _current = null;
        }
        ReadAhead();
        if (_ahead.TryDequeue(out var next))
        {
            _free.Push(next); // comes back as the current batch below, or stays free when the encoder fails
            try
            {
                next.Finish(_encoder.Cancellation);
            }
            catch
            {
                _ended = true;
                throw;
            }
            _current = _free.Pop();
            _slot = 0;
            return Advance();
        }
        _ended = true;
        _position = -1;
        _moveFailure?.Throw();
        return false;

        bool Advance()
        {
            _position++;
            return true;
        }
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = Current().Ids[_slot];

    public override bool IsColumnActive(DataViewSchema.Column column) =>
        column.Index < _stage.InputSchema.Count
            ? Array.BinarySearch(_passThrough, column.Index) >= 0
            : _getters[column.Index - _stage.InputSchema.Count] is not null;

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (column.Index >= _stage.InputSchema.Count)
        {
            return RowColumns.Typed<TValue>(_getters[column.Index - _stage.InputSchema.Count], column);
        }

        var index = Array.BinarySearch(_passThrough, column.Index);
        if (index < 0)
        {
            throw new InvalidOperationException($"Column '{column.Name}' is not active in this cursor.");
        }

        if (_all[0].Columns[index] is not ColumnBuffer<TValue>)
        {
            throw new InvalidOperationException($"Column '{column.Name}' is {column.Type}; it cannot be read as {typeof(TValue)}.");
        }

        return (ref TValue value) => ((ColumnBuffer<TValue>)Current().Columns[index]).Give(_slot, ref value);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ended = true;
            // Workers write into the buffers: they must be still before anything is let go.
            foreach (var batch in _ahead)
            {
                batch.Abandon();
            }

            _ahead.Clear();
            _encoder.Dispose();
            _input.Dispose();
        }
        base.Dispose(disposing);
    }

    private RowBatch Current() => _current ?? throw new InvalidOperationException("The cursor is not on a row: call MoveNext first.");

    private RowBatch NewBatch()
    {
        var batch = new RowBatch(
            _encoder,
            Array.ConvertAll(_passThrough, i => ColumnBuffer.Create(_input, _stage.InputSchema[i], _encoder.BatchSize)),
            () => _slot
        );
        _all.Add(batch);
        return batch;
    }

    private Delegate AddedGetter(Delegate sample, int output)
    {
        var value = sample.GetType().GetGenericArguments()[0];
        return (Delegate)
            GetType()
                .GetMethod(nameof(MakeAddedGetter), System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!
                .MakeGenericMethod(value)
                .Invoke(this, [output])!;
    }

    private ValueGetter<T> MakeAddedGetter<T>(int output) =>
        (ref T value) =>
        {
            var batch = Current();
            batch.Errors[_slot]?.Throw();
            ((ValueGetter<T>)batch.Getters[output]!)(ref value);
        };

    private void ReadAhead()
    {
        while (!_inputEnded && _free.Count > 0)
        {
            _encoder.Cancellation.ThrowIfCancellationRequested();
            var batch = _free.Pop();
            batch.Clear();
            while (batch.Count < _encoder.BatchSize)
            {
                try
                {
                    if (!_input.MoveNext())
                    {
                        _inputEnded = true;
                    }
                }
                catch (Exception e)
                {
                    _moveFailure = ExceptionDispatchInfo.Capture(e); // thrown when the rows before it are used up
                    _inputEnded = true;
                }
                if (_inputEnded)
                {
                    break;
                }

                batch.Read(_input, _inputId, _read++);
            }
            if (batch.Count == 0)
            {
                _free.Push(batch);
                return;
            }
            batch.Start();
            _ahead.Enqueue(batch);
        }
    }

    /// <summary>One batch: buffered input values, the slots that the encoder fills, and the failures by row.</summary>
    private sealed class RowBatch(IBatchEncoder encoder, ColumnBuffer[] columns, Func<int> current)
    {
        private readonly IBatch _slots = encoder.NewBatch();
        private readonly bool[] _failed = new bool[encoder.BatchSize];
        private Delegate?[]? _getters;
        private Task _prepared = Task.CompletedTask;
        private volatile bool _abandoned;

        public ColumnBuffer[] Columns { get; } = columns;
        public ExceptionDispatchInfo?[] Errors { get; } = new ExceptionDispatchInfo?[encoder.BatchSize];
        public DataViewRowId[] Ids { get; } = new DataViewRowId[encoder.BatchSize];
        public long[] InputBatch { get; } = new long[encoder.BatchSize];
        public Delegate?[] Getters => _getters ??= _slots.Getters(current);
        public int Count { get; private set; }

        public void Clear()
        {
            Array.Clear(Errors);
            Count = 0;
        }

        public void Read(DataViewRowCursor input, ValueGetter<DataViewRowId> id, long row)
        {
            var slot = Count++;
            id(ref Ids[slot]);
            InputBatch[slot] = input.Batch;
            foreach (var column in Columns)
            {
                column.Take(slot);
            }

            try
            {
                _slots.Read(slot, row);
            }
            catch (Exception e)
            {
                Errors[slot] = ExceptionDispatchInfo.Capture(e);
            }
        }

        public void Start()
        {
            int next = -1,
                count = Count;
            var workers = new Task[Math.Min(encoder.Workers, count)];
            for (var w = 0; w < workers.Length; w++)
            {
                workers[w] = Task.Run(() =>
                {
                    int slot;
                    while (!_abandoned && !encoder.Cancellation.IsCancellationRequested && (slot = Interlocked.Increment(ref next)) < count)
                    {
                        if (Errors[slot] is not null)
                        {
                            continue;
                        }

                        try
                        {
                            _slots.Prepare(slot);
                        }
                        catch (Exception e)
                        {
                            Errors[slot] = ExceptionDispatchInfo.Capture(e);
                        }
                    }
                });
            }
            _prepared = Task.WhenAll(workers);
        }

        public void Finish(CancellationToken cancellation)
        {
            _prepared.GetAwaiter().GetResult();
            cancellation.ThrowIfCancellationRequested();
            for (var i = 0; i < Count; i++)
            {
                _failed[i] = Errors[i] is not null;
            }

            _slots.Run(Count, _failed.AsSpan(0, Count));
        }

        public void Abandon()
        {
            _abandoned = true;
            _prepared.GetAwaiter().GetResult();
        }
    }
}
