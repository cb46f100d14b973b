using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Copies a column value so that the copy shares no buffer with the original.</summary>
internal delegate void ValueCopier<T>(in T source, ref T destination);

internal static class ValueCopy
{
    public static ValueCopier<T> Get<T>()
    {
        if (typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>))
        {
            return typeof(ValueCopy).GetMethod(nameof(CopyVector), BindingFlags.NonPublic | BindingFlags.Static)
                .MakeGenericMethod(typeof(T).GetGenericArguments()[0]).CreateDelegate<ValueCopier<T>>();
        }
        return (in T source, ref T destination) => destination = source;
    }

    private static void CopyVector<T>(in VBuffer<T> source, ref VBuffer<T> destination) => source.CopyTo(ref destination);
}

/// <summary>Values of one column, kept apart from the cursor that they came from.</summary>
internal abstract class ColumnStore
{
    public static ColumnStore Create(DataViewSchema.Column column) =>
        (ColumnStore)Activator.CreateInstance(typeof(ColumnStore<>).MakeGenericType(column.Type.RawType));

    /// <summary>An action that puts the value of the current row at a place.</summary>
    public abstract Action<int> Writer(DataViewRow row, DataViewSchema.Column column);

    /// <summary>A getter of the value at the place that <paramref name="index"/> gives.</summary>
    public abstract Delegate Getter(Func<int> index);

    public abstract void TrimTo(int count);
}

/// <inheritdoc/>
internal sealed class ColumnStore<T> : ColumnStore
{
    private readonly ValueCopier<T> _copy = ValueCopy.Get<T>();
    private T[] _values = [];

    public override Action<int> Writer(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        return index =>
        {
            if (index >= _values.Length)
                Array.Resize(ref _values, Math.Max(16, Math.Max(index + 1, _values.Length * 2)));
            getter(ref value);
            _copy(in value, ref _values[index]);
        };
    }

    public override Delegate Getter(Func<int> index) => (ValueGetter<T>)((ref T value) => _copy(in _values[index()], ref value));

    public override void TrimTo(int count)
    {
        if (_values.Length != count)
            Array.Resize(ref _values, count);
    }
}
