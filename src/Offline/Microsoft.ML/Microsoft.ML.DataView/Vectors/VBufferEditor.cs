namespace Microsoft.ML.Data;

/// <summary>Makes editors that fill a <see cref="VBuffer{T}"/> in place.</summary>
public static class VBufferEditor
{
    /// <summary>An editor over the current contents.</summary>
    public static VBufferEditor<T> CreateFromBuffer<T>(ref VBuffer<T> destination) =>
        new(destination.Length, destination.Count, destination.ValuesArray, destination.IndicesArray, false, false, destination.Count < destination.Length);

    /// <summary>An editor over the arrays of <paramref name="destination"/> where they are large enough, over new ones where not.</summary>
    /// <param name="destination">The vector to write into.</param>
    /// <param name="newLogicalLength">The number of slots.</param>
    /// <param name="valuesCount">The number of explicit values; without it the vector is dense.</param>
    /// <param name="maxValuesCapacity">The most values that the array may ever need.</param>
    /// <param name="keepOldOnResize">Whether old contents survive a new array.</param>
    /// <param name="requireIndicesOnDense">Whether indices are wanted for a dense vector too.</param>
    public static VBufferEditor<T> Create<T>(
        ref VBuffer<T> destination,
        int newLogicalLength,
        int? valuesCount = null,
        int? maxValuesCapacity = null,
        bool keepOldOnResize = false,
        bool requireIndicesOnDense = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(newLogicalLength);
        int count = valuesCount ?? newLogicalLength;
        if ((uint)count > (uint)newLogicalLength)
            throw new ArgumentOutOfRangeException(nameof(valuesCount), count, $"The number of explicit values must be between 0 and the length {newLogicalLength}");
        int capacity = maxValuesCapacity ?? newLogicalLength;

        T[] values = Grow(destination.ValuesArray, count, capacity, keepOldOnResize, out bool newValues);
        bool needsIndices = count < newLogicalLength || requireIndicesOnDense;
        int[] indices = destination.IndicesArray;
        bool newIndices = false;
        if (needsIndices)
            indices = Grow(indices, count, capacity, keepOldOnResize, out newIndices);
        return new VBufferEditor<T>(newLogicalLength, count, values, indices, newValues, newIndices, needsIndices);
    }

    private static TItem[] Grow<TItem>(TItem[] old, int needed, int capacity, bool keepOld, out bool isNew)
    {
        isNew = false;
        if ((old?.Length ?? 0) >= needed)
            return old;
        isNew = true;
        // Grows by doubling, up to what can ever be needed.
        long size = Math.Max(needed, Math.Min(capacity, 2L * (old?.Length ?? 0)));
        var grown = new TItem[size];
        if (keepOld && old is not null)
            Array.Copy(old, grown, old.Length);
        return grown;
    }
}

/// <summary>Write access to the arrays of a vector until it is committed.</summary>
public readonly ref struct VBufferEditor<T>
{
    private readonly int _length;
    private readonly T[] _values;
    private readonly int[] _indices;

    /// <summary>The explicit values.</summary>
    public readonly Span<T> Values;

    /// <summary>The slots of the explicit values; empty for a dense vector.</summary>
    public readonly Span<int> Indices;

    internal VBufferEditor(int length, int count, T[] values, int[] indices, bool newValues, bool newIndices, bool hasIndices)
    {
        _length = length;
        _values = values;
        _indices = indices;
        Values = values.AsSpan(0, count);
        Indices = hasIndices ? indices.AsSpan(0, count) : default;
        CreatedNewValues = newValues;
        CreatedNewIndices = newIndices;
    }

    public bool CreatedNewValues { get; }

    public bool CreatedNewIndices { get; }

    /// <summary>The vector with all values of this editor.</summary>
    public VBuffer<T> Commit() => new(_length, Values.Length, _values, _indices);

    /// <summary>The vector with only the first values.</summary>
    public VBuffer<T> CommitTruncated(int physicalValuesCount)
    {
        if ((uint)physicalValuesCount > (uint)Values.Length)
            throw new ArgumentOutOfRangeException(nameof(physicalValuesCount), physicalValuesCount, $"The editor holds {Values.Length} values");
        return new VBuffer<T>(_length, physicalValuesCount, _values, _indices);
    }
}
