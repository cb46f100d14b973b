using Microsoft.ML;

namespace AirMLNet.Tests.Prompts;

/// <summary>A view of which one column must not be read.</summary>
internal sealed class ForbiddenColumn(IDataView source, string name) : IDataView
{
    public DataViewSchema Schema => source.Schema;
    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        source.GetRowCursor(Check(columnsNeeded), rand);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        source.GetRowCursorSet(Check(columnsNeeded), n, rand);

    private DataViewSchema.Column[] Check(IEnumerable<DataViewSchema.Column> columns) =>
        columns.Select(c => c.Name != name ? c : throw new InvalidOperationException($"The column '{name}' was read.")).ToArray();
}
