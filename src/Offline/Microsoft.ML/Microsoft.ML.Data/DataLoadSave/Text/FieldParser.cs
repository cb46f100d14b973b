using System.Globalization;

namespace Microsoft.ML.Data;

/// <summary>Reads one value from the text of a field; false where the text is none.</summary>
internal delegate bool TryParseField<T>(ReadOnlySpan<char> text, out T value);

/// <summary>The readers of fields.</summary>
internal static class FieldParser
{
    /// <param name="type">The type of the column's items.</param>
    /// <param name="decimalMarker">'.' or ','.</param>
    public static Delegate Of(PrimitiveDataViewType type, char decimalMarker)
    {
        NumberFormatInfo numbers = CultureInfo.InvariantCulture.NumberFormat;
        if (decimalMarker == ',')
        {
            numbers = (NumberFormatInfo)numbers.Clone();
            (numbers.NumberDecimalSeparator, numbers.NumberGroupSeparator) = (",", ".");
        }
        if (type is KeyDataViewType key)
        {
            return Type.GetTypeCode(key.RawType) switch
            {
                TypeCode.Byte => Key(key.Count, value => (byte)value),
                TypeCode.UInt16 => Key(key.Count, value => (ushort)value),
                TypeCode.UInt32 => Key(key.Count, value => (uint)value),
                _ => Key(key.Count, value => value),
            };
        }
        return Type.GetTypeCode(type.RawType) switch
        {
            TypeCode.Single => (TryParseField<float>)((ReadOnlySpan<char> text, out float value) =>
                float.TryParse(text, NumberStyles.Float, numbers, out value) || (float.IsNaN(value = float.NaN) && IsMissing(text))),
            TypeCode.Double => (TryParseField<double>)((ReadOnlySpan<char> text, out double value) =>
                double.TryParse(text, NumberStyles.Float, numbers, out value) || (double.IsNaN(value = double.NaN) && IsMissing(text))),
            TypeCode.SByte => Whole<sbyte>(),
            TypeCode.Byte => Whole<byte>(),
            TypeCode.Int16 => Whole<short>(),
            TypeCode.UInt16 => Whole<ushort>(),
            TypeCode.Int32 => Whole<int>(),
            TypeCode.UInt32 => Whole<uint>(),
            TypeCode.Int64 => Whole<long>(),
            TypeCode.UInt64 => Whole<ulong>(),
            TypeCode.Boolean => (TryParseField<bool>)TryBoolean,
            TypeCode.DateTime => (TryParseField<DateTime>)((ReadOnlySpan<char> text, out DateTime value) => DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out value)),
            _ when type.RawType == typeof(DateTimeOffset) => (TryParseField<DateTimeOffset>)((ReadOnlySpan<char> text, out DateTimeOffset value) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out value)),
            _ when type.RawType == typeof(TimeSpan) => (TryParseField<TimeSpan>)((ReadOnlySpan<char> text, out TimeSpan value) => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value)),
            _ => throw new NotSupportedException($"Fields cannot be read as {type}"),
        };
    }

    private static bool IsMissing(ReadOnlySpan<char> text) => text is "?" || text.Equals("NaN", StringComparison.OrdinalIgnoreCase);

    private static TryParseField<T> Whole<T>()
        where T : System.Numerics.IBinaryInteger<T> =>
        (ReadOnlySpan<char> text, out T value) => T.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out value);

    /// <summary>Files count keys from 0; what lies outside, or is no number, is missing.</summary>
    private static TryParseField<T> Key<T>(ulong count, Func<ulong, T> convert) =>
        (ReadOnlySpan<char> text, out T value) =>
        {
            bool known = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong index) && index < count;
            value = known ? convert(index + 1) : default;
            return true;
        };

    private static bool TryBoolean(ReadOnlySpan<char> text, out bool value)
    {
        Span<char> lower = stackalloc char[5];
        value = false;
        if (text.Length > lower.Length)
            return false;
        int length = text.ToLowerInvariant(lower);
        switch (lower[..length])
        {
            case "1" or "t" or "y" or "+" or "+1" or "yes" or "true" or "on":
                value = true;
                return true;
            case "0" or "f" or "n" or "-" or "-1" or "no" or "false" or "off":
                return true;
            default:
                return false;
        }
    }
}
