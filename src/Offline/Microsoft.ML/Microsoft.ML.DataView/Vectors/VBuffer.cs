using System.Collections;

namespace Microsoft.ML.Data;

/// <summary>A vector, dense (one value per slot) or sparse (values of the slots named by increasing indices, the rest default).</summary>
/// <remarks>Its arrays are owned by whoever holds it: a getter that fills it may overwrite them.</remarks>
public readonly struct VBuffer<T> : IEnumerable
{
    private readonly T[] _values;
    private readonly int[] _indices;
    private readonly int _count;

    /// <summary>The number of slots.</summary>
    public readonly int Length;

    public VBuffer(int length, T[] values, int[] indices = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if ((values?.Length ?? 0) < length)
            throw new ArgumentException($"A dense vector of {length} slots needs as many values, but {values?.Length ?? 0} were given", nameof(values));
        _values = values;
        _indices = indices;
        _count = length;
        Length = length;
    }

    public VBuffer(int length, int count, T[] values, int[] indices)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if ((uint)count > (uint)length)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"The number of explicit values must be between 0 and the length {length}");
        if ((values?.Length ?? 0) < count)
            throw new ArgumentException($"{count} values are needed, but {values?.Length ?? 0} were given", nameof(values));
        if (count < length && (indices?.Length ?? 0) < count)
            throw new ArgumentException($"A sparse vector with {count} values needs as many indices, but {indices?.Length ?? 0} were given", nameof(indices));
        _values = values;
        _indices = indices;
        _count = count;
        Length = length;
    }

    /// <summary>Whether every slot has an explicit value.</summary>
    public bool IsDense => _count == Length;

    internal int Count => _count;

    internal T[] ValuesArray => _values;

    internal int[] IndicesArray => _indices;

    /// <summary>The explicit values.</summary>
    public ReadOnlySpan<T> GetValues() => _values.AsSpan(0, _count);

    /// <summary>The slots of the explicit values; empty where the vector is dense.</summary>
    public ReadOnlySpan<int> GetIndices() => IsDense ? default : _indices.AsSpan(0, _count);

    /// <summary>Copies into <paramref name="destination"/>, reusing its arrays, and keeps dense or sparse as it is.</summary>
    public void CopyTo(ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, Length, _count);
        GetValues().CopyTo(editor.Values);
        GetIndices().CopyTo(editor.Indices);
        destination = editor.Commit();
    }

    /// <summary>Copies a range of slots.</summary>
    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        if ((uint)sourceIndex > (uint)Length)
            throw new ArgumentOutOfRangeException(nameof(sourceIndex), sourceIndex, $"The vector has {Length} slots");
        if ((uint)length > (uint)(Length - sourceIndex))
            throw new ArgumentOutOfRangeException(nameof(length), length, $"Only {Length - sourceIndex} slots follow slot {sourceIndex}");
        int first = sourceIndex;
        int count = length;
        if (!IsDense)
        {
            first = LowerBound(sourceIndex);
            count = LowerBound(sourceIndex + length) - first;
        }
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, length, count);
        _values.AsSpan(first, count).CopyTo(editor.Values);
        if (count < length)
        {
            for (int i = 0; i < count; i++)
                editor.Indices[i] = _indices[first + i] - sourceIndex;
        }
        destination = editor.Commit();
    }

    public void CopyToDense(ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    /// <summary>Writes all slots.</summary>
    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    /// <summary>Writes all slots from <paramref name="destinationIndex"/> on, with <paramref name="defaultValue"/> where there is no explicit value.</summary>
    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(destinationIndex);
        if (destination.Length - destinationIndex < Length)
            throw new ArgumentException($"{Length} slots do not fit in {destination.Length - destinationIndex}", nameof(destination));
        Span<T> target = destination.Slice(destinationIndex, Length);
        ReadOnlySpan<T> values = GetValues();
        if (IsDense)
        {
            values.CopyTo(target);
            return;
        }
        target.Fill(defaultValue);
        ReadOnlySpan<int> indices = GetIndices();
        for (int i = 0; i < values.Length; i++)
            target[indices[i]] = values[i];
    }

    /// <summary>Fills <paramref name="destination"/> with a range of an array.</summary>
    public static void Copy(T[] source, int sourceIndex, ref VBuffer<T> destination, int length)
    {
        ReadOnlySpan<T> range = source.AsSpan(sourceIndex, length);
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, length);
        range.CopyTo(editor.Values);
        destination = editor.Commit();
    }

    /// <summary>The explicit values with their slots, or with <paramref name="all"/> every slot.</summary>
    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        if (IsDense)
        {
            for (int i = 0; i < Length; i++)
                yield return new KeyValuePair<int, T>(i, _values[i]);
        }
        else if (!all)
        {
            for (int i = 0; i < _count; i++)
                yield return new KeyValuePair<int, T>(_indices[i], _values[i]);
        }
        else
        {
            int next = 0;
            for (int slot = 0; slot < Length; slot++)
            {
                bool isExplicit = next < _count && _indices[next] == slot;
                yield return new KeyValuePair<int, T>(slot, isExplicit ? _values[next++] : default);
            }
        }
    }

    /// <summary>The value of every slot.</summary>
    public IEnumerable<T> DenseValues()
    {
        foreach (KeyValuePair<int, T> item in Items(all: true))
            yield return item.Value;
    }

    public T GetItemOrDefault(int index)
    {
        T value = default;
        GetItemOrDefault(index, ref value);
        return value;
    }

    public void GetItemOrDefault(int index, ref T destination)
    {
        if ((uint)index >= (uint)Length)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"The vector has {Length} slots");
        if (IsDense)
        {
            destination = _values[index];
            return;
        }
        int at = Array.BinarySearch(_indices, 0, _count, index);
        destination = at >= 0 ? _values[at] : default;
    }

    public IEnumerator GetEnumerator() => DenseValues().GetEnumerator();

    public override string ToString() => IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {_count} explicit values";

    private int LowerBound(int slot)
    {
        int at = Array.BinarySearch(_indices, 0, _count, slot);
        return at >= 0 ? at : ~at;
    }
}
