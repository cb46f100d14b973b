using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Some of the rows of a view: subclasses say which, row by row.</summary>
internal abstract class RowSubsetDataView : IDataView
{
    protected RowSubsetDataView(IHostEnvironment env, IDataView input, string name)
    {
        Host = env.Register(name);
        Host.CheckValue(input, nameof(input));
        Input = input;
    }

    protected IHost Host { get; }

    protected IDataView Input { get; }

    public DataViewSchema Schema => Input.Schema;

    public virtual bool CanShuffle => false;

    public virtual long? GetRowCount() => null;

    /// <summary>The columns that are needed to choose rows.</summary>
    protected virtual IEnumerable<DataViewSchema.Column> FilterColumns => [];

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Of(Schema, columnsNeeded);
        DataViewRowCursor input = Input.GetRowCursor(Schema.Where(c => active[c.Index]).Concat(FilterColumns).DistinctBy(c => c.Index).ToArray(), CanShuffle ? rand : null);
        try
        {
            return new Cursor(Host, input, active, MakeSelector(input));
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    /// <summary>Says for each row, in order, what to do with it.</summary>
    protected abstract Func<RowChoice> MakeSelector(DataViewRowCursor cursor);

    /// <summary>What becomes of a row.</summary>
    protected enum RowChoice
    {
        Drop,
        Keep,

        /// <summary>Drops this row and all that follow.</summary>
        Stop,
    }

    /// <summary>A view without its first rows, or with only its first.</summary>
    internal sealed class SkipTake(IHostEnvironment env, IDataView input, long skip, long take) : RowSubsetDataView(env, input, nameof(SkipTake))
    {
        public override long? GetRowCount() => Input.GetRowCount() is { } count ? Math.Min(take, Math.Max(0, count - skip)) : null;

        protected override Func<RowChoice> MakeSelector(DataViewRowCursor cursor)
        {
            long index = -1;
            return () =>
            {
                index++;
                return index < skip ? RowChoice.Drop : index - skip < take ? RowChoice.Keep : RowChoice.Stop;
            };
        }
    }

    /// <summary>The rows of which a number lies in a range: lower bound inclusive, upper bound exclusive.</summary>
    internal sealed class Range(IHostEnvironment env, IDataView input, DataViewSchema.Column column, double lower, double upper)
        : RowSubsetDataView(env, input, nameof(Range))
    {
        public override bool CanShuffle => Input.CanShuffle;

        protected override IEnumerable<DataViewSchema.Column> FilterColumns => [column];

        protected override Func<RowChoice> MakeSelector(DataViewRowCursor cursor)
        {
            ValueGetter<double> getter = RowGetters.GetNumber(cursor, cursor.Schema[column.Index]);
            double value = 0;
            return () =>
            {
                getter(ref value);
                return value >= lower && value < upper ? RowChoice.Keep : RowChoice.Drop;
            };
        }
    }

    /// <summary>The rows of which none of some columns has a missing value.</summary>
    internal sealed class WithoutMissing(IHostEnvironment env, IDataView input, DataViewSchema.Column[] columns)
        : RowSubsetDataView(env, input, nameof(WithoutMissing))
    {
        public override bool CanShuffle => Input.CanShuffle;

        protected override IEnumerable<DataViewSchema.Column> FilterColumns => columns;

        protected override Func<RowChoice> MakeSelector(DataViewRowCursor cursor)
        {
            Func<bool>[] tests = Array.ConvertAll(columns, column => MissingValues.MakeTest(cursor, cursor.Schema[column.Index]));
            return () => Array.Exists(tests, test => test()) ? RowChoice.Drop : RowChoice.Keep;
        }
    }

    /// <summary>The rows for which a number between 0 and 1, drawn per row or made from a column, lies in a range, or outside of it.</summary>
    internal sealed class Sample(IHostEnvironment env, IDataView input, DataViewSchema.Column? key, int seed, double lower, double upper, bool complement)
        : RowSubsetDataView(env, input, nameof(Sample))
    {
        protected override IEnumerable<DataViewSchema.Column> FilterColumns => key is { } column ? [column] : [];

        protected override Func<RowChoice> MakeSelector(DataViewRowCursor cursor)
        {
            Func<double> number = key is { } column
                ? SamplingKeys.MakeNumber(cursor, cursor.Schema[column.Index], seed)
                : new Random(seed).NextDouble;
            return () =>
            {
                double value = number();
                return (value >= lower && value < upper) != complement ? RowChoice.Keep : RowChoice.Drop;
            };
        }
    }

    private sealed class Cursor(IChannelProvider provider, DataViewRowCursor input, bool[] active, Func<RowChoice> selector) : RootCursorBase(provider)
    {
        public override DataViewSchema Schema => input.Schema;

        public override long Batch => input.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column) => active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return input.GetGetter<TValue>(column);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        protected override bool MoveNextCore()
        {
            while (input.MoveNext())
            {
                switch (selector())
                {
                    case RowChoice.Keep:
                        return true;
                    case RowChoice.Stop:
                        return false;
                }
            }
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
