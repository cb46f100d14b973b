using System.Runtime.InteropServices;

namespace Microsoft.ML.Data.IO;

/// <summary>
/// The number of vectors; their common length, or 0; where they differ, the length of each; for each the number of
/// explicit values, or -1 where it is dense; the number of indices and the indices; and all values, by the item's codec.
/// </summary>
internal sealed class VectorCodec<T>(VectorDataViewType type, Codec<T> items) : Codec<VBuffer<T>>("VBuffer", type)
{
    /// <summary>Assumed for vectors of which the type does not say how long they are.</summary>
    private const int AssumedLength = 128;

    public override int EstimatedBytes => (int)Math.Min(int.MaxValue, (long)items.EstimatedBytes * (type.IsKnownSize ? type.Size : AssumedLength));

    public override int MinimumBits => sizeof(int) * 8;

    public override void WriteParameters(BinaryWriter writer)
    {
        items.WriteDefinition(writer);
        writer.Write(type.Dimensions.Length);
        foreach (int dimension in type.Dimensions)
            writer.Write(dimension);
    }

    public override ValueWriter<VBuffer<T>> OpenWriter() => new Writer(type, items);

    public override ValueReader<VBuffer<T>> OpenReader(BlockReader block, int count) => new Reader(type, items, block, count);

    private sealed class Writer(VectorDataViewType type, Codec<T> items) : ValueWriter<VBuffer<T>>
    {
        private readonly ValueWriter<T> _items = items.OpenWriter();
        private readonly List<int> _lengths = [];
        private readonly List<int> _counts = [];
        private readonly List<int> _indices = [];

        public override void Write(in VBuffer<T> value)
        {
            if (type.IsKnownSize && value.Length != type.Size)
                throw new InvalidOperationException($"A vector has {value.Length} items, where its column has the type {type}");
            _lengths.Add(value.Length);
            _counts.Add(value.IsDense ? -1 : value.GetValues().Length);
            foreach (int index in value.GetIndices())
                _indices.Add(index);
            foreach (ref readonly T item in value.GetValues())
                _items.Write(in item);
        }

        public override void Commit(BinaryWriter writer)
        {
            writer.Write(_counts.Count);
            int length = type.IsKnownSize ? type.Size : _lengths.Distinct().Take(2).ToArray() is [int one] ? one : 0;
            writer.Write(length);
            if (length == 0)
                Write(writer, _lengths);
            Write(writer, _counts);
            writer.Write(_indices.Count);
            Write(writer, _indices);
            _items.Commit(writer);
        }

        private static void Write(BinaryWriter writer, List<int> values) => writer.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values)));
    }

    private sealed class Reader : ValueReader<VBuffer<T>>
    {
        private readonly int _length;
        private readonly int[] _lengths;
        private readonly int[] _counts;
        private readonly int[] _indices;
        private readonly ValueReader<T> _items;
        private int _next;
        private int _nextIndex;

        public Reader(VectorDataViewType type, Codec<T> items, BlockReader block, int count)
        {
            int vectors = block.ReadInt32();
            if (vectors != count)
                throw new FormatException($"Corrupt block: {vectors} vectors where {count} are expected");
            _length = block.ReadInt32();
            if (_length < 0 || (type.IsKnownSize && _length != type.Size))
                throw new FormatException($"Corrupt block: vectors of length {_length} in a column of type {type}");
            _lengths = _length == 0 ? block.ReadInt32Array(vectors) : null;
            _counts = block.ReadInt32Array(vectors);
            int indexCount = block.ReadInt32();
            _indices = block.ReadInt32Array(indexCount);
            long explicitItems = 0;
            int at = 0;
            for (int i = 0; i < vectors; i++)
            {
                int length = _lengths is null ? _length : _lengths[i];
                int explicitCount = _counts[i];
                if (length < 0 || explicitCount < -1 || explicitCount > length || (explicitCount > 0 && explicitCount > indexCount - at))
                    throw new FormatException($"Corrupt block: a vector of {explicitCount} of {length} values");
                int previous = -1;
                for (int end = at + Math.Max(0, explicitCount); at < end; at++)
                {
                    if (_indices[at] <= previous || _indices[at] >= length)
                        throw new FormatException("Corrupt block: the indices of a vector do not increase, or lie outside of it");
                    previous = _indices[at];
                }
                explicitItems += explicitCount < 0 ? length : explicitCount;
            }
            if (at != indexCount || explicitItems > int.MaxValue)
                throw new FormatException($"Corrupt block: {explicitItems} items with {indexCount} indices");
            items.CheckFits(block, explicitItems);
            _items = items.OpenReader(block, (int)explicitItems);
        }

        public override void Read(ref VBuffer<T> value)
        {
            int length = _lengths is null ? _length : _lengths[_next];
            int count = _counts[_next++];
            VBufferEditor<T> editor = VBufferEditor.Create(ref value, length, count < 0 || count == length ? length : count);
            _items.Read(editor.Values);
            if (count >= 0)
            {
                if (count < length)
                    _indices.AsSpan(_nextIndex, count).CopyTo(editor.Indices);
                _nextIndex += count;
            }
            value = editor.Commit();
        }
    }
}
