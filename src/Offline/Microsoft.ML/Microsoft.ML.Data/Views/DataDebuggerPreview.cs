using System.Collections.Immutable;

namespace Microsoft.ML.Data;

/// <summary>The first rows of a view, for looking at.</summary>
public sealed class DataDebuggerPreview
{
    internal DataDebuggerPreview(IDataView data, int maxRows)
    {
        if (maxRows < 0)
            throw new ArgumentOutOfRangeException(nameof(maxRows), maxRows, "Must not be negative");
        Schema = data.Schema;
        var rows = new List<RowInfo>();
        using (DataViewRowCursor cursor = data.GetRowCursor(data.Schema))
        {
            Func<object>[] readers = [.. data.Schema.Select(column => MakeReader(cursor, cursor.Schema[column.Index]))];
            while (rows.Count < maxRows && cursor.MoveNext())
                rows.Add(new RowInfo([.. data.Schema.Select(column => new KeyValuePair<string, object>(column.Name, readers[column.Index]()))]));
        }
        RowView = [.. rows];
        ColumnView = [.. data.Schema.Select(column => new ColumnInfo(column, [.. rows.Select(row => row.Values[column.Index].Value)]))];
    }

    public DataViewSchema Schema { get; }

    public ImmutableArray<ColumnInfo> ColumnView { get; }

    public ImmutableArray<RowInfo> RowView { get; }

    public override string ToString() => $"{Schema.Count} columns, {RowView.Length} rows";

    private static Func<object> MakeReader(DataViewRow row, DataViewSchema.Column column) =>
        (Func<object>)RowGetters.Call(
            typeof(DataDebuggerPreview).GetMethod(nameof(MakeReaderCore), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static),
            column.Type.RawType,
            row,
            column);

    private static Func<object> MakeReaderCore<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default;
            getter(ref value);
            return value;
        };
    }

    /// <summary>The values of one column.</summary>
    public sealed class ColumnInfo
    {
        internal ColumnInfo(DataViewSchema.Column column, object[] values)
        {
            Column = column;
            Values = values;
        }

        public DataViewSchema.Column Column { get; }

        public object[] Values { get; }

        public override string ToString() => $"{Column.Name}: {Column.Type}";
    }

    /// <summary>The values of one row.</summary>
    public sealed class RowInfo
    {
        internal RowInfo(KeyValuePair<string, object>[] values)
        {
            Values = values;
        }

        public KeyValuePair<string, object>[] Values { get; }

        public override string ToString() => $"{Values.Length} columns";
    }
}
