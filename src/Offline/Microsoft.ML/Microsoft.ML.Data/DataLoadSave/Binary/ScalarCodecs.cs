using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Data.IO;

/// <summary>Numbers, time spans (ticks) and row ids (low half first): packed little-endian values.</summary>
internal sealed class RawCodec<T>(DataViewType type) : Codec<T>(typeof(T).Name, type)
    where T : unmanaged
{
    public override int EstimatedBytes => Unsafe.SizeOf<T>();

    public override int MinimumBits => Unsafe.SizeOf<T>() * 8;

    public override ValueWriter<T> OpenWriter() => new Writer();

    public override ValueReader<T> OpenReader(BlockReader block, int count) => new Reader(block);

    private sealed class Writer : ValueWriter<T>
    {
        private readonly List<T> _values = [];

        public override void Write(in T value) => _values.Add(value);

        public override void Commit(BinaryWriter writer) => writer.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_values)));
    }

    private sealed class Reader(BlockReader block) : ValueReader<T>
    {
        public override void Read(ref T value) => value = block.ReadRaw<T>();

        public override void Read(Span<T> values) => block.ReadRaw(values);
    }
}

/// <summary>Keys: the values of their number type; the number of keys is a parameter.</summary>
internal sealed class KeyCodec<T>(KeyDataViewType type, RawCodec<T> inner) : Codec<T>("Key2", type)
    where T : unmanaged
{
    public override int EstimatedBytes => inner.EstimatedBytes;

    public override int MinimumBits => inner.MinimumBits;

    public override void WriteParameters(BinaryWriter writer)
    {
        inner.WriteDefinition(writer);
        writer.Write(type.Count);
    }

    public override ValueWriter<T> OpenWriter() => inner.OpenWriter();

    public override ValueReader<T> OpenReader(BlockReader block, int count) => inner.OpenReader(block, count);
}

/// <summary>One bit per value, the first in the lowest bit.</summary>
internal sealed class BooleanCodec() : Codec<bool>("Boolean", BooleanDataViewType.Instance)
{
    public override int EstimatedBytes => 1;

    public override int MinimumBits => 1;

    public override ValueWriter<bool> OpenWriter() => new Writer();

    public override ValueReader<bool> OpenReader(BlockReader block, int count) => new Reader(block);

    private sealed class Writer : ValueWriter<bool>
    {
        private readonly List<byte> _bytes = [];
        private int _bit = 8;

        public override void Write(in bool value)
        {
            if (_bit == 8)
            {
                _bytes.Add(0);
                _bit = 0;
            }
            if (value)
                _bytes[^1] |= (byte)(1 << _bit);
            _bit++;
        }

        public override void Commit(BinaryWriter writer) => writer.Write(CollectionsMarshal.AsSpan(_bytes));
    }

    private sealed class Reader(BlockReader block) : ValueReader<bool>
    {
        private int _bits;
        private int _bit = 8;

        public override void Read(ref bool value)
        {
            if (_bit == 8)
            {
                _bits = block.ReadByte();
                _bit = 0;
            }
            value = ((_bits >> _bit) & 1) != 0;
            _bit++;
        }
    }
}

/// <summary>Two bits per value, 16 values in four bytes: 0 for false, 1 for true, 2 for missing. Earlier versions wrote it; it is only read.</summary>
internal sealed class TwoBitBooleanCodec() : Codec<bool>("DvBool", BooleanDataViewType.Instance)
{
    public override int EstimatedBytes => 1;

    public override int MinimumBits => 2;

    public override ValueWriter<bool> OpenWriter() => throw new NotSupportedException("Booleans are written with one bit each");

    public override ValueReader<bool> OpenReader(BlockReader block, int count) => new Reader(block);

    private sealed class Reader(BlockReader block) : ValueReader<bool>
    {
        private uint _bits;
        private int _slot = 16;

        public override void Read(ref bool value)
        {
            if (_slot == 16)
            {
                _bits = (uint)block.ReadInt32();
                _slot = 0;
            }
            uint code = (_bits >> (2 * _slot++)) & 3;
            // A missing Boolean is false since there is no missing value for it.
            value = code < 3 ? code == 1 : throw new FormatException("Corrupt block: there is no Boolean 3");
        }
    }
}

/// <summary>Ticks.</summary>
internal sealed class DateTimeCodec() : Codec<DateTime>("DateTime", DateTimeDataViewType.Instance)
{
    public override int EstimatedBytes => sizeof(long);

    public override int MinimumBits => sizeof(long) * 8;

    public override ValueWriter<DateTime> OpenWriter() => new Writer();

    public override ValueReader<DateTime> OpenReader(BlockReader block, int count) => new Reader(block);

    /// <exception cref="FormatException">There is no such time.</exception>
    public static DateTime FromTicks(long ticks) =>
        ticks == long.MinValue ? default // missing, in files of earlier versions
        : ticks >= 0 && ticks <= DateTime.MaxValue.Ticks ? new DateTime(ticks) : throw new FormatException($"Corrupt block: a time of {ticks} ticks");

    private sealed class Writer : ValueWriter<DateTime>
    {
        private readonly List<long> _ticks = [];

        public override void Write(in DateTime value) => _ticks.Add(value.Ticks);

        public override void Commit(BinaryWriter writer) => writer.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_ticks)));
    }

    private sealed class Reader(BlockReader block) : ValueReader<DateTime>
    {
        public override void Read(ref DateTime value) => value = FromTicks(block.ReadInt64());
    }
}

/// <summary>The offsets of all values in minutes (two bytes each), then the ticks of all values.</summary>
internal sealed class DateTimeOffsetCodec() : Codec<DateTimeOffset>("DateTimeOffset", DateTimeOffsetDataViewType.Instance)
{
    public override int EstimatedBytes => sizeof(short) + sizeof(long);

    public override int MinimumBits => EstimatedBytes * 8;

    public override ValueWriter<DateTimeOffset> OpenWriter() => new Writer();

    public override ValueReader<DateTimeOffset> OpenReader(BlockReader block, int count) => new Reader(block, count);

    private sealed class Writer : ValueWriter<DateTimeOffset>
    {
        private readonly List<short> _minutes = [];
        private readonly List<long> _ticks = [];

        public override void Write(in DateTimeOffset value)
        {
            _minutes.Add((short)value.Offset.TotalMinutes);
            _ticks.Add(value.DateTime.Ticks);
        }

        public override void Commit(BinaryWriter writer)
        {
            writer.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_minutes)));
            writer.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_ticks)));
        }
    }

    private sealed class Reader : ValueReader<DateTimeOffset>
    {
        private readonly BlockReader _minutes;
        private readonly BlockReader _ticks;

        public Reader(BlockReader block, int count)
        {
            _minutes = block.Slice((long)count * sizeof(short));
            _ticks = block.Slice((long)count * sizeof(long));
        }

        public override void Read(ref DateTimeOffset value)
        {
            DateTime time = DateTimeCodec.FromTicks(_ticks.ReadInt64());
            short minutes = _minutes.ReadInt16();
            try
            {
                value = new DateTimeOffset(time, TimeSpan.FromMinutes(minutes == short.MinValue ? 0 : minutes));
            }
            catch (ArgumentException e)
            {
                throw new FormatException($"Corrupt block: a time with an offset of {minutes} minutes", e);
            }
        }
    }
}

/// <summary>The number of texts, where each ends (in characters), and all of them as one UTF-8 text after its length.</summary>
internal sealed class TextCodec() : Codec<ReadOnlyMemory<char>>("TextSpan", TextDataViewType.Instance)
{
    /// <summary>Set where the text was missing, in files of earlier versions.</summary>
    private const int MissingBit = int.MinValue;

    public override int EstimatedBytes => 64;

    public override int MinimumBits => sizeof(int) * 8;

    public override ValueWriter<ReadOnlyMemory<char>> OpenWriter() => new Writer();

    public override ValueReader<ReadOnlyMemory<char>> OpenReader(BlockReader block, int count) => new Reader(block, count);

    private sealed class Writer : ValueWriter<ReadOnlyMemory<char>>
    {
        private readonly StringBuilder _text = new();
        private readonly List<int> _ends = [];

        public override void Write(in ReadOnlyMemory<char> value)
        {
            _text.Append(value.Span);
            _ends.Add(_text.Length);
        }

        public override void Commit(BinaryWriter writer)
        {
            writer.Write(_ends.Count);
            writer.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_ends)));
            writer.Write(_text.ToString());
        }
    }

    private sealed class Reader : ValueReader<ReadOnlyMemory<char>>
    {
        private readonly int[] _ends;
        private readonly string _text;
        private int _next;

        public Reader(BlockReader block, int count)
        {
            int entries = block.ReadInt32();
            if (entries != count)
                throw new FormatException($"Corrupt block: {entries} texts where {count} are expected");
            _ends = block.ReadInt32Array(entries);
            _text = block.ReadString();
            int previous = 0;
            foreach (int end in _ends)
            {
                int at = end & ~MissingBit;
                if (at < previous || at > _text.Length)
                    throw new FormatException("Corrupt block: a text ends outside of the characters");
                previous = at;
            }
        }

        public override void Read(ref ReadOnlyMemory<char> value)
        {
            int start = _next == 0 ? 0 : _ends[_next - 1] & ~MissingBit;
            int end = _ends[_next++];
            value = end < 0 ? default : _text.AsMemory(start, end - start);
        }
    }
}
