using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace AirMLNet.Arrow;

/// <summary>
/// Texts in the forms that programs write them: strings, large ones, views (Polars), and indices into a dictionary (categories).
/// </summary>
internal static class ArrowText
{
    public static bool Is(IArrowType type) =>
        type is StringType or LargeStringType or StringViewType || (type is DictionaryType { ValueType: var values } && Is(values));

    /// <summary>A row's text; empty where there is none.</summary>
    /// <exception cref="Exception">Offsets or indices lead outside: an exception of any kind.</exception>
    public static ReadOnlyMemory<char> Read(IArrowArray array, int row)
    {
        if (array.IsNull(row))
        {
            return default;
        }

        // Not by GetString, which takes the offsets' word for where the text is and reads memory of others.
        return array switch
        {
            StringArray text => Decode(text.ValueBuffer.Span, text.ValueOffsets[row], text.ValueOffsets[row + 1]),
            LargeStringArray text => Decode(text.ValueBuffer.Span, text.ValueOffsets[row], text.ValueOffsets[row + 1]),
            StringViewArray views => Encoding.UTF8.GetString(views.GetBytes(row)).AsMemory(),
            DictionaryArray dictionary => Read(dictionary.Dictionary, Index(dictionary.Indices, row)),
            _ => throw new NotSupportedException($"{array.Data.DataType.Name} is no text."),
        };
    }

    private static ReadOnlyMemory<char> Decode(ReadOnlySpan<byte> all, long start, long end) =>
        Encoding.UTF8.GetString(all[checked((int)start)..checked((int)end)]).AsMemory();

    private static int Index(IArrowArray indices, int row) =>
        indices switch
        {
            Int8Array array => array.Values[row],
            Int16Array array => array.Values[row],
            Int32Array array => array.Values[row],
            Int64Array array => checked((int)array.Values[row]),
            UInt8Array array => array.Values[row],
            UInt16Array array => array.Values[row],
            UInt32Array array => checked((int)array.Values[row]),
            UInt64Array array => checked((int)array.Values[row]),
            _ => throw new NotSupportedException($"{indices.Data.DataType.Name} is no index."),
        };
}
