using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Getters of columns whose type is only known at run time.</summary>
internal static class RowGetters
{
    private static readonly MethodInfo _get = typeof(RowGetters).GetMethod(nameof(GetCore), BindingFlags.NonPublic | BindingFlags.Static);

    /// <summary>The getter of a column.</summary>
    public static Delegate Get(DataViewRow row, DataViewSchema.Column column) => (Delegate)Call(_get, column.Type.RawType, row, column);

    /// <summary>A getter that converts a number of any type; keys become their index from 0, with NaN for missing.</summary>
    public static ValueGetter<double> GetNumber(DataViewRow row, DataViewSchema.Column column)
    {
        bool isKey = column.Type is KeyDataViewType;
        switch (Type.GetTypeCode(column.Type.RawType))
        {
            case TypeCode.Single:
                return Convert<float>(row, column, x => x);
            case TypeCode.Double:
                return row.GetGetter<double>(column);
            case TypeCode.SByte:
                return Convert<sbyte>(row, column, x => x);
            case TypeCode.Byte:
                return Convert<byte>(row, column, isKey ? x => x == 0 ? double.NaN : x - 1 : x => x);
            case TypeCode.Int16:
                return Convert<short>(row, column, x => x);
            case TypeCode.UInt16:
                return Convert<ushort>(row, column, isKey ? x => x == 0 ? double.NaN : x - 1 : x => x);
            case TypeCode.Int32:
                return Convert<int>(row, column, x => x);
            case TypeCode.UInt32:
                return Convert<uint>(row, column, isKey ? x => x == 0 ? double.NaN : x - 1 : x => x);
            case TypeCode.Int64:
                return Convert<long>(row, column, x => x);
            case TypeCode.UInt64:
                return Convert<ulong>(row, column, isKey ? x => x == 0 ? double.NaN : x - 1 : x => x);
            default:
                throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' has type {column.Type}, where a number or a key is expected");
        }
    }

    public static object Call(MethodInfo method, Type type, params object[] args)
    {
        try
        {
            return method.MakeGenericMethod(type).Invoke(null, args);
        }
        catch (TargetInvocationException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
            throw;
        }
    }

    private static ValueGetter<double> Convert<T>(DataViewRow row, DataViewSchema.Column column, Func<T, double> convert)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T source = default;
        return (ref double value) =>
        {
            getter(ref source);
            value = convert(source);
        };
    }

    private static Delegate GetCore<T>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<T>(column);
}
