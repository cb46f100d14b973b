namespace Microsoft.ML.Data;

/// <summary>A row whose values come from one object at a time.</summary>
internal sealed class TypedInputRow<TRow>(TypedReader<TRow> reader) : DataViewRow
    where TRow : class
{
    private readonly RowHolder<TRow> _holder = new();
    private long _position = -1;

    public override DataViewSchema Schema => reader.Schema;

    public override long Position => _position;

    public override long Batch => 0;

    /// <summary>Moves to another object. The position changes, so that getters which keep what they computed for a row notice.</summary>
    public void Set(TRow row)
    {
        _holder.Row = row;
        _position++;
    }

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        ActiveColumns.Check(Schema, column);
        return true;
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        reader.CreateGetter(ActiveColumns.Check(Schema, column), _holder) as ValueGetter<TValue> ?? throw ActiveColumns.WrongType<TValue>(Schema[column.Index]);

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);
}
