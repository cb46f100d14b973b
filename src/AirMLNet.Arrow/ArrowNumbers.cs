using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.ML.Data;

namespace AirMLNet.Arrow;

/// <summary>Lists of numbers in the forms that programs write them, as vectors of Single.</summary>
internal static class ArrowNumbers
{
    /// <summary>Whether a column is one of lists of real numbers.</summary>
    public static bool IsList(IArrowType type) =>
        type is ListType or LargeListType or FixedSizeListType && IsReal(((NestedType)type).Fields[0]);

    /// <summary>Where a row's list is in the numbers below it; null where the row has none.</summary>
    /// <exception cref="Exception">Offsets lead outside: an exception of any kind.</exception>
    public static (IArrowArray Values, int Start, int Length)? List(IArrowArray lists, int row)
    {
        if (lists.IsNull(row))
        {
            return null;
        }

        switch (lists)
        {
            case FixedSizeListArray list:
                var size = ((FixedSizeListType)list.Data.DataType).ListSize;
                return (list.Values, checked((list.Offset + row) * size), size);
            case LargeListArray list:
                return (
                    list.Values,
                    checked((int)list.ValueOffsets[row]),
                    checked((int)(list.ValueOffsets[row + 1] - list.ValueOffsets[row]))
                );
            default:
                var offsets = ((ListArray)lists).ValueOffsets;
                return (((ListArray)lists).Values, offsets[row], checked(offsets[row + 1] - offsets[row]));
        }
    }

    /// <summary>Copies numbers; missing ones are NaN.</summary>
    /// <exception cref="Exception">They lead outside: an exception of any kind, before memory is taken for them.</exception>
    public static void Copy(IArrowArray values, int start, int count, ref VBuffer<float> to)
    {
        VBufferEditor<float> editor;
        switch (values)
        {
            case FloatArray floats:
                var singles = floats.Values.Slice(start, count);
                editor = VBufferEditor.Create(ref to, count);
                singles.CopyTo(editor.Values);
                break;
            case HalfFloatArray floats:
                var halves = floats.Values.Slice(start, count);
                editor = VBufferEditor.Create(ref to, count);
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(halves, editor.Values);
                break;
            default:
                var doubles = ((DoubleArray)values).Values.Slice(start, count);
                editor = VBufferEditor.Create(ref to, count);
                System.Numerics.Tensors.TensorPrimitives.ConvertTruncating(doubles, editor.Values);
                break;
        }

        if (values.NullCount > 0)
        {
            for (var i = 0; i < count; i++)
            {
                editor.Values[i] = values.IsNull(start + i) ? float.NaN : editor.Values[i];
            }
        }

        to = editor.Commit();
    }

    private static bool IsReal(Field items) => items.DataType is FloatType or DoubleType or HalfFloatType;
}
