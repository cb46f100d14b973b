using System.Collections.Concurrent;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Pipeline;

/// <summary>A stage that adds <c>Sum</c>, which is wanted, and <c>Unwanted</c>, which is not.</summary>
internal sealed class Stage(DataViewSchema input)
    : RowMapper(
        input,
        new DataViewSchema.DetachedColumn("Sum", NumberDataViewType.Int32),
        new DataViewSchema.DetachedColumn("Unwanted", NumberDataViewType.Int32)
    )
{
    public override IReadOnlyList<DataViewSchema.Column> Reads => [InputSchema["Number"]];

    public override Delegate?[] CreateGetters(DataViewRow input, Func<int, bool> active) => [null, null];
}

internal sealed class NumberRow
{
    public int Number { get; set; }
    public string Text { get; set; } = "";

    [VectorType(2)]
    public float[] Vector { get; set; } = [0, 0];
}

/// <summary>Says that nothing goes wrong here, in expressions that must throw.</summary>
internal sealed class Skip : Exception;

/// <summary>Batched work that notes what is done when.</summary>
internal sealed class WatchedEncoder(int batchSize, int workers) : IBatchEncoder
{
    public int BatchSize => batchSize;
    public int Workers => workers;
    public CancellationToken Cancellation { get; init; }
    public ValueGetter<int>? Input { get; set; }

    /// <summary>What happens in each step; a <see cref="Skip"/> means nothing.</summary>
    public Action<int>? Reading { get; init; }
    public Action<int>? Preparation { get; init; }
    public Action<int>? Running { get; init; }

    public List<long> Read { get; } = [];
    public ConcurrentQueue<int> Prepared { get; } = [];

    /// <summary>The number of rows of each batch that was run.</summary>
    public List<int> Runs { get; } = [];
    public List<int> LeftOut { get; } = [];
    public int Batches { get; private set; }
    public int MostAtOnceInABatch { get; private set; }
    public bool Disposed { get; private set; }

    public IBatch NewBatch()
    {
        Batches++;
        return new Batch(this);
    }

    public void Dispose() => Disposed = true;

    private static void Do(Action<int>? action, int number)
    {
        try
        {
            action?.Invoke(number);
        }
        catch (Skip)
        {
            // Nothing goes wrong in this row.
        }
    }

    private sealed class Batch(WatchedEncoder work) : IBatch
    {
        private readonly int[] _numbers = new int[work.BatchSize],
            _sums = new int[work.BatchSize];
        private int _atOnce;

        void IBatch.Read(int slot, long row)
        {
            work.Read.Add(row);
            work.Input?.Invoke(ref _numbers[slot]);
            Do(work.Reading, (int)row);
        }

        public void Prepare(int slot)
        {
            var atOnce = Interlocked.Increment(ref _atOnce);
            lock (work.Read)
            {
                work.MostAtOnceInABatch = Math.Max(work.MostAtOnceInABatch, atOnce);
            }

            work.Prepared.Enqueue(_numbers[slot]);
            try
            {
                Do(work.Preparation, _numbers[slot]);
            }
            finally
            {
                Interlocked.Decrement(ref _atOnce);
            }
        }

        public void Run(int count, ReadOnlySpan<bool> failed)
        {
            work.Runs.Add(count);
            Do(work.Running, work.Runs.Count - 1);
            for (var i = 0; i < count; i++)
            {
                _sums[i] = 10 * _numbers[i];
                if (failed[i])
                {
                    work.LeftOut.Add(_numbers[i]);
                }
            }
        }

        public Delegate?[] Getters(Func<int> current) => [(ValueGetter<int>)((ref int value) => value = _sums[current()]), null];
    }
}
