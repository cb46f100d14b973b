using System.Collections;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp.Utils;

/// <summary>Reads and writes the elements of a CPU tensor in place, in the order of the indices whatever the strides.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : struct
{
    private readonly torch.Tensor tensor;
    private readonly void* data;
    private readonly long[] shape, strides;
    private readonly bool contiguous;

    internal TensorAccessor(torch.Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU) throw new InvalidOperationException($"The tensor is on {tensor.device}; its elements can be read on the CPU only: call cpu() first.");
        this.tensor = tensor;
        data = tensor.DataPointer();
        shape = tensor.shape;
        strides = tensor.stride();
        contiguous = tensor.is_contiguous();
        Count = tensor.numel();
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    public T this[params long[] indices]
    {
        get => Element(Offset(indices));
        set => Element(Offset(indices)) = value;
    }

    public T[] ToArray()
    {
        if (Count > Array.MaxLength) throw new InvalidOperationException($"The tensor has {Count} elements, more than an array can hold.");
        var result = new T[Count];
        CopyTo(result.AsSpan());
        return result;
    }

    public Array ToNDArray()
    {
        if (shape.Length == 0) return ToArray();
        var result = Array.CreateInstance(typeof(T), shape);
        ToArray().AsSpan().CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(result)), result.Length));
        return result;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Room(array.Length, arrayIndex, tensorIndex);
        if (contiguous) Block(tensorIndex, count).CopyTo(array[arrayIndex..]);
        else
            for (var k = 0; k < count; k++) array[arrayIndex + k] = Element(Strided(tensorIndex + k));
        GC.KeepAlive(tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Room(array.Length, arrayIndex, tensorIndex);
        if (contiguous) array.Slice(arrayIndex, count).CopyTo(Block(tensorIndex, count));
        else
            for (var k = 0; k < count; k++) Element(Strided(tensorIndex + k)) = array[arrayIndex + k];
        GC.KeepAlive(tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long k = 0; k < Count; k++) yield return At(k);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override bool Equals(object obj) => obj is TensorAccessor<T> other && this.SequenceEqual(other);

    public override int GetHashCode() => tensor.GetHashCode();

    public static bool operator ==(TensorAccessor<T> left, TensorAccessor<T> right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(TensorAccessor<T> left, TensorAccessor<T> right) => !(left == right);

    public void Dispose()
    {
    }

    private T At(long k) => Element(contiguous ? k : Strided(k));

    private ref T Element(long offset)
    {
        _ = tensor.Handle; // throws when the tensor has been disposed
        return ref Unsafe.Add(ref Unsafe.AsRef<T>(data), (nint)offset);
    }

    private Span<T> Block(long start, int count)
    {
        _ = tensor.Handle;
        return MemoryMarshal.CreateSpan(ref Unsafe.Add(ref Unsafe.AsRef<T>(data), (nint)start), count);
    }

    private int Room(int length, int arrayIndex, long tensorIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(arrayIndex);
        ArgumentOutOfRangeException.ThrowIfNegative(tensorIndex);
        return (int)Math.Max(0, Math.Min(length - arrayIndex, Count - tensorIndex));
    }

    private long Offset(long[] indices)
    {
        if (indices.Length == 1 && shape.Length != 1)
        {
            if (indices[0] < 0 || indices[0] >= Count) throw new IndexOutOfRangeException($"Index {indices[0]} is not in a tensor of {Count} elements.");
            return Strided(indices[0]);
        }
        if (indices.Length != shape.Length) throw new ArgumentException($"{indices.Length} indices were given for {shape.Length} dimensions.", nameof(indices));
        long offset = 0;
        for (var k = 0; k < indices.Length; k++)
        {
            if (indices[k] < 0 || indices[k] >= shape[k]) throw new IndexOutOfRangeException($"Index {indices[k]} is not in dimension {k} of length {shape[k]}.");
            offset += indices[k] * strides[k];
        }
        return offset;
    }

    private long Strided(long index)
    {
        if (contiguous) return index;
        long offset = 0;
        for (var k = shape.Length - 1; k >= 0; k--)
        {
            offset += index % shape[k] * strides[k];
            index /= shape[k];
        }
        return offset;
    }
}
