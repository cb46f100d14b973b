using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>The values of one input column for the rows of a batch.</summary>
internal abstract class ColumnBuffer
{
    private static readonly MethodInfo CreateTyped = typeof(ColumnBuffer).GetMethod(
        nameof(New),
        BindingFlags.Static | BindingFlags.NonPublic
    )!;

    /// <summary>Takes the value of the input's current row into a slot; a failure is kept and thrown when the value is asked for.</summary>
    public abstract void Take(int slot);

    public static ColumnBuffer Create(DataViewRow input, DataViewSchema.Column column, int slots) =>
        (ColumnBuffer)
            CreateTyped
                .MakeGenericMethod(column.Type.RawType)
                .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [input, column, slots], null)!;

    private static ColumnBuffer New<T>(DataViewRow input, DataViewSchema.Column column, int slots) =>
        new ColumnBuffer<T>(input.GetGetter<T>(column), slots);
}

internal sealed class ColumnBuffer<T>(ValueGetter<T> source, int slots) : ColumnBuffer
{
    // Disposable values (images) belong to whoever read them: their slot is emptied, never disposed or filled again.
    private static readonly bool Emptied = typeof(IDisposable).IsAssignableFrom(typeof(T));
    private static readonly Copier Copy = MakeCopier();
    private readonly T[] _values = new T[slots];
    private readonly ExceptionDispatchInfo?[] _errors = new ExceptionDispatchInfo?[slots];

    private delegate void Copier(ref T from, ref T to);

    public override void Take(int slot)
    {
        _errors[slot] = null;
        if (Emptied)
        {
            _values[slot] = default!;
        }

        try
        {
            source(ref _values[slot]);
        }
        catch (Exception e)
        {
            _errors[slot] = ExceptionDispatchInfo.Capture(e);
        }
    }

    public void Give(int slot, ref T value)
    {
        _errors[slot]?.Throw();
        Copy(ref _values[slot], ref value);
    }

    private static Copier MakeCopier()
    {
        if (!typeof(T).IsGenericType || typeof(T).GetGenericTypeDefinition() != typeof(VBuffer<>))
        {
            return static (ref T from, ref T to) => to = from;
        }
        // A vector's arrays may be written to by its reader, so they are copied.
        var copy = typeof(ColumnBufferCopy).GetMethod(nameof(ColumnBufferCopy.Vector))!.MakeGenericMethod(typeof(T).GetGenericArguments());
        return copy.CreateDelegate<Copier>();
    }
}

internal static class ColumnBufferCopy
{
    public static void Vector<TItem>(ref VBuffer<TItem> from, ref VBuffer<TItem> to) => from.CopyTo(ref to);
}
