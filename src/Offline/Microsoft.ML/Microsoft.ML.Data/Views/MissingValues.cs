using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Which values are missing: NaN, and the key 0.</summary>
internal static class MissingValues
{
    private static readonly MethodInfo _vectorTest = typeof(MissingValues).GetMethod(nameof(MakeVectorTest), BindingFlags.NonPublic | BindingFlags.Static);

    /// <summary>A test of the current row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Values of this type are never missing.</exception>
    public static Func<bool> MakeTest(DataViewRow row, DataViewSchema.Column column)
    {
        PrimitiveDataViewType item = AnnotationUtils.GetItemType(column.Type);
        if (item is not KeyDataViewType && item?.RawType != typeof(float) && item?.RawType != typeof(double))
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' has type {column.Type}, which has no missing values: expected Single, Double or a key, or a vector of these");
        if (column.Type is VectorDataViewType)
            return (Func<bool>)RowGetters.Call(_vectorTest, item.RawType, row, column, item is KeyDataViewType);
        ValueGetter<double> getter = RowGetters.GetNumber(row, column);
        double value = 0;
        return () =>
        {
            getter(ref value);
            return double.IsNaN(value);
        };
    }

    private static Func<bool> MakeVectorTest<T>(DataViewRow row, DataViewSchema.Column column, bool isKey)
        where T : struct, System.Numerics.INumberBase<T>
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> vector = default;
        return () =>
        {
            getter(ref vector);
            // The implicit values of a sparse vector of keys are missing.
            if (isKey && !vector.IsDense)
                return true;
            foreach (T value in vector.GetValues())
            {
                if (isKey ? T.IsZero(value) : T.IsNaN(value))
                    return true;
            }
            return false;
        };
    }
}

/// <summary>Numbers between 0 and 1 that are the same for all rows with the same value of a column.</summary>
internal static class SamplingKeys
{
    private static readonly MethodInfo _make = typeof(SamplingKeys).GetMethod(nameof(MakeCore), BindingFlags.NonPublic | BindingFlags.Static);

    public static Func<double> MakeNumber(DataViewRow row, DataViewSchema.Column column, int seed)
    {
        if (column.Type is not PrimitiveDataViewType)
            throw new ArgumentOutOfRangeException(nameof(column), $"Sampling key column '{column.Name}' has type {column.Type}, where a scalar is expected");
        return (Func<double>)RowGetters.Call(_make, column.Type.RawType, row, column, seed);
    }

    private static Func<double> MakeCore<T>(DataViewRow row, DataViewSchema.Column column, int seed)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            getter(ref value);
            string text = value is IFormattable formattable ? formattable.ToString(null, System.Globalization.CultureInfo.InvariantCulture) : value.ToString();
            // FNV-1a, then mixed: the hash must be the same in every process.
            ulong hash = 14695981039346656037UL ^ (uint)seed;
            foreach (char c in text)
                hash = (hash ^ c) * 1099511628211UL;
            hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
            hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
            return ((hash ^ (hash >> 31)) >> 11) * (1.0 / (1UL << 53));
        };
    }
}
