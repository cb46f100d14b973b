using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The view that a row mapper gives: the input's columns, then those that the mapper adds.</summary>
internal sealed class RowToRowMapperTransform : IDataView, IRowToRowMapper
{
    private readonly IHost _host;
    private readonly IDataView _input;
    private readonly RowMapperAdapter _mapper;

    /// <param name="env">Where cursors get their channels from.</param>
    /// <param name="input">The view to add columns to.</param>
    /// <param name="mapper">What adds them.</param>
    /// <param name="mapperFactory">Makes the same mapper for another schema; may be null.</param>
    public RowToRowMapperTransform(IHostEnvironment env, IDataView input, IRowMapper mapper, Func<DataViewSchema, IRowMapper> mapperFactory)
    {
        Contracts.CheckEnvironment(env);
        env.CheckValue(input, nameof(input));
        env.CheckValue(mapper, nameof(mapper));
        _host = env as IHost ?? env.Register(nameof(RowToRowMapperTransform));
        _input = input;
        _mapper = new RowMapperAdapter(input.Schema, mapper);
        MapperFactory = mapperFactory;
    }

    public Func<DataViewSchema, IRowMapper> MapperFactory { get; }

    public DataViewSchema Schema => _mapper.OutputSchema;

    public DataViewSchema InputSchema => _mapper.InputSchema;

    public DataViewSchema OutputSchema => _mapper.OutputSchema;

    public bool CanShuffle => _input.CanShuffle;

    public static DataViewSchema GetOutputSchema(DataViewSchema inputSchema, IRowMapper mapper) => new RowMapperAdapter(inputSchema, mapper).OutputSchema;

    internal ITransformer GetTransformer() => _mapper.Mapper.GetTransformer();

    public long? GetRowCount() => _input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Of(Schema, columnsNeeded);
        DataViewRowCursor input = _input.GetRowCursor(_mapper.GetDependencies(active), rand);
        return MakeCursor(input, active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = ActiveColumns.Of(Schema, columnsNeeded);
        DataViewRowCursor[] inputs = _input.GetRowCursorSet(_mapper.GetDependencies(active), n, rand);
        return Array.ConvertAll(inputs, input => MakeCursor(input, active));
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => _mapper.GetDependencies(dependingColumns);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) => _mapper.GetRow(input, activeColumns);

    private DataViewRowCursor MakeCursor(DataViewRowCursor input, bool[] active)
    {
        try
        {
            return new Cursor(_host, input, _mapper.MakeRow(input, active));
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }

    private sealed class Cursor(IChannelProvider provider, DataViewRowCursor input, MappedRow row) : SynchronizedCursorBase(provider, input)
    {
        public override DataViewSchema Schema => row.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => row.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => row.GetGetter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                row.Dispose();
            base.Dispose(disposing);
        }
    }
}

/// <summary>Turns a row mapper, which only knows its own columns, into a mapper of whole rows.</summary>
internal sealed class RowMapperAdapter : IRowToRowMapper
{
    private readonly int _inputCount;

    public RowMapperAdapter(DataViewSchema inputSchema, IRowMapper mapper)
    {
        InputSchema = inputSchema;
        Mapper = mapper;
        _inputCount = inputSchema.Count;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumns(mapper.GetOutputColumns());
        OutputSchema = builder.ToSchema();
    }

    public IRowMapper Mapper { get; }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        GetDependencies(ActiveColumns.Of(OutputSchema, dependingColumns));

    public IEnumerable<DataViewSchema.Column> GetDependencies(bool[] active)
    {
        Func<int, bool> needed = Mapper.GetDependencies(added => active[_inputCount + added]);
        return ActiveColumns.Where(InputSchema, index => active[index] || needed(index)).ToArray();
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) =>
        MakeRow(input, ActiveColumns.Of(OutputSchema, activeColumns));

    public MappedRow MakeRow(DataViewRow input, bool[] active)
    {
        Delegate[] getters = Mapper.CreateGetters(input, added => active[_inputCount + added], out Action disposer);
        return new MappedRow(input, OutputSchema, _inputCount, active, getters, disposer);
    }
}

/// <summary>A row with the columns of another row, which it owns, and more.</summary>
internal sealed class MappedRow(DataViewRow input, DataViewSchema schema, int inputCount, bool[] active, Delegate[] getters, Action disposer) : DataViewRow
{
    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override DataViewSchema Schema => schema;

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => active[ActiveColumns.Check(schema, column)];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        ActiveColumns.CheckActive(this, column);
        if (column.Index < inputCount)
            return input.GetGetter<TValue>(input.Schema[column.Index]);
        return getters[column.Index - inputCount] as ValueGetter<TValue> ?? throw ActiveColumns.WrongType<TValue>(schema[column.Index]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            disposer?.Invoke();
            input.Dispose();
        }
        base.Dispose(disposing);
    }
}
