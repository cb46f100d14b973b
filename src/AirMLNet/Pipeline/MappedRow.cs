using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>An input row with the columns of a stage added, computed one row at a time: what PredictionEngine reads.</summary>
internal sealed class MappedRow : DataViewRow
{
    private readonly DataViewRow _input;
    private readonly RowMapper _stage;
    private readonly Delegate?[] _getters;
    private bool _disposed;

    public MappedRow(RowMapper stage, DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        _stage = stage;
        _input = input;
        var active = stage.ActiveOutputs(activeColumns);
        _getters = stage.CreateGetters(input, i => active[i]);
    }

    public override DataViewSchema Schema => _stage.OutputSchema;
    public override long Position => _input.Position;
    public override long Batch => _input.Batch;

    public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => RowColumns.IsActive(_stage, _input, _getters, column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        RowColumns.Getter<TValue>(_stage, _input, _getters, column);

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _input.Dispose();
        }

        _disposed = true;
        base.Dispose(disposing);
    }
}

/// <summary>The same over a cursor, for stages whose rows are cheap.</summary>
internal sealed class MappedCursor : DataViewRowCursor
{
    private readonly DataViewRowCursor _input;
    private readonly RowMapper _stage;
    private readonly Delegate?[] _getters;
    private bool _disposed;

    public MappedCursor(RowMapper stage, DataViewRowCursor input, Func<int, bool> active)
    {
        _stage = stage;
        _input = input;
        _getters = stage.CreateGetters(input, active);
    }

    public override DataViewSchema Schema => _stage.OutputSchema;
    public override long Position => _input.Position;
    public override long Batch => _input.Batch;

    public override bool MoveNext() => _input.MoveNext();

    public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => RowColumns.IsActive(_stage, _input, _getters, column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        RowColumns.Getter<TValue>(_stage, _input, _getters, column);

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _input.Dispose();
        }

        _disposed = true;
        base.Dispose(disposing);
    }
}

internal static class RowColumns
{
    public static bool IsActive(RowMapper stage, DataViewRow input, Delegate?[] getters, DataViewSchema.Column column) =>
        column.Index < stage.InputSchema.Count
            ? input.IsColumnActive(stage.InputSchema[column.Index])
            : getters[column.Index - stage.InputSchema.Count] is not null;

    public static ValueGetter<TValue> Getter<TValue>(
        RowMapper stage,
        DataViewRow input,
        Delegate?[] getters,
        DataViewSchema.Column column
    ) =>
        column.Index < stage.InputSchema.Count
            ? input.GetGetter<TValue>(stage.InputSchema[column.Index])
            : Typed<TValue>(getters[column.Index - stage.InputSchema.Count], column);

    public static ValueGetter<TValue> Typed<TValue>(Delegate? getter, DataViewSchema.Column column) =>
        getter switch
        {
            null => throw new InvalidOperationException($"Column '{column.Name}' is not active in this cursor."),
            ValueGetter<TValue> typed => typed,
            _ => throw new InvalidOperationException($"Column '{column.Name}' is {column.Type}; it cannot be read as {typeof(TValue)}."),
        };
}
