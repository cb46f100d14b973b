using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Reads one column.</summary>
public static class ColumnCursorExtensions
{
    public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName)
    {
        Contracts.CheckValue(data, nameof(data));
        return data.GetColumn<T>(Contracts.FindColumn(null, data.Schema, "requested", columnName));
    }

    /// <summary>The values as the raw type of the column, or as a string or an array.</summary>
    public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
    {
        Contracts.CheckValue(data, nameof(data));
        if (MemberColumns.RawTypeOf(typeof(T)) != column.Type.RawType && !typeof(T).IsAssignableFrom(column.Type.RawType))
        {
            throw new ArgumentOutOfRangeException(
                nameof(column), $"Column '{column.Name}' has type {column.Type}, of which the values cannot be read as {typeof(T)}");
        }
        var reader = (IColumnEnumerator<T>)Activator.CreateInstance(typeof(Enumerator<,>).MakeGenericType(column.Type.RawType, typeof(T)));
        return reader.Enumerate(data, column);
    }

    private interface IColumnEnumerator<out T>
    {
        IEnumerable<T> Enumerate(IDataView data, DataViewSchema.Column column);
    }

    private sealed class Enumerator<TValue, T> : IColumnEnumerator<T>
    {
        public IEnumerable<T> Enumerate(IDataView data, DataViewSchema.Column column)
        {
            ToMember<TValue, T> convert = MemberColumns.RawTypeOf(typeof(T)) == typeof(TValue)
                ? ValueConversion.ToMember<TValue, T>()
                : (in TValue value, T _) => (T)(object)value;
            using DataViewRowCursor cursor = data.GetRowCursor([column]);
            ValueGetter<TValue> getter = cursor.GetGetter<TValue>(cursor.Schema[column.Index]);
            TValue value = default;
            while (cursor.MoveNext())
            {
                getter(ref value);
                // Each item is the caller's: nothing is shared with the next one.
                yield return convert(in value, default);
            }
        }
    }
}
