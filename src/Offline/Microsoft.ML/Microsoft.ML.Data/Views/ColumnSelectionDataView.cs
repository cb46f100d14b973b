using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Some of the columns of a view, in another order.</summary>
internal sealed class ColumnSelectionDataView(IHost host, IDataView input, ColumnSelectionMapper mapper) : IDataView
{
    public DataViewSchema Schema => mapper.OutputSchema;

    public bool CanShuffle => input.CanShuffle;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Of(Schema, columnsNeeded);
        return new Cursor(host, input.GetRowCursor(mapper.Sources(active), rand), mapper, active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = ActiveColumns.Of(Schema, columnsNeeded);
        return Array.ConvertAll(input.GetRowCursorSet(mapper.Sources(active), n, rand), cursor => new Cursor(host, cursor, mapper, active));
    }

    private sealed class Cursor(IChannelProvider provider, DataViewRowCursor source, ColumnSelectionMapper mapper, bool[] active) : SynchronizedCursorBase(provider, source)
    {
        public override DataViewSchema Schema => mapper.OutputSchema;

        public override bool IsColumnActive(DataViewSchema.Column column) => active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return Input.GetGetter<TValue>(Input.Schema[mapper.SourceOf(column.Index)]);
        }
    }
}

/// <summary>Which column of the input each column is.</summary>
internal sealed class ColumnSelectionMapper : IRowToRowMapper
{
    private readonly int[] _sources;

    public ColumnSelectionMapper(DataViewSchema inputSchema, int[] sources)
    {
        InputSchema = inputSchema;
        _sources = sources;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(sources.Select(source => inputSchema[source]));
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public int SourceOf(int column) => _sources[column];

    public DataViewSchema.Column[] Sources(bool[] active) =>
        [.. Enumerable.Range(0, _sources.Length).Where(i => active[i]).Select(i => InputSchema[_sources[i]]).DistinctBy(c => c.Index)];

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        Sources(ActiveColumns.Of(OutputSchema, dependingColumns));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) =>
        new Row(this, input, ActiveColumns.Of(OutputSchema, activeColumns));

    private sealed class Row(ColumnSelectionMapper mapper, DataViewRow input, bool[] active) : DataViewRow
    {
        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override DataViewSchema Schema => mapper.OutputSchema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return input.GetGetter<TValue>(input.Schema[mapper._sources[column.Index]]);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
