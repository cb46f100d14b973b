namespace Microsoft.ML;

/// <summary>A lazily computed table: a schema, and cursors that compute only the columns they were asked for.</summary>
public interface IDataView
{
    /// <summary>Whether a cursor honours the random generator given to it.</summary>
    bool CanShuffle { get; }

    /// <summary>The number of rows, or null where it is not known without a pass.</summary>
    long? GetRowCount();

    DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null);

    /// <summary>Up to <paramref name="n"/> cursors which together visit every row once.</summary>
    DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null);

    DataViewSchema Schema { get; }
}
