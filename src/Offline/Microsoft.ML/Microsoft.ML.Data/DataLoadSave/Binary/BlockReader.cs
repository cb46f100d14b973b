using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Data.IO;

/// <summary>Reads little-endian values of a block that is in memory; nothing in a block can claim more than the block has.</summary>
internal sealed class BlockReader
{
    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _bytes;
    private readonly int _end;

    public BlockReader(byte[] bytes, int start, int end)
    {
        _bytes = bytes;
        Position = start;
        _end = end;
    }

    public int Position { get; private set; }

    public int Remaining => _end - Position;

    public byte ReadByte() => Take(1)[0];

    public short ReadInt16() => BinaryPrimitives.ReadInt16LittleEndian(Take(sizeof(short)));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    /// <summary>The bytes of a value as they are in memory, which is little-endian on every platform that LibTorch runs on.</summary>
    public T ReadRaw<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(Take(System.Runtime.CompilerServices.Unsafe.SizeOf<T>()));

    public void ReadRaw<T>(Span<T> values)
        where T : unmanaged
    {
        Span<byte> target = MemoryMarshal.AsBytes(values);
        Take(target.Length).CopyTo(target);
    }

    /// <summary>As many numbers as announced, of which the bytes must be there.</summary>
    public int[] ReadInt32Array(int count)
    {
        if (count < 0 || count > Remaining / sizeof(int))
            throw new FormatException($"Corrupt block: {count} numbers in {Remaining} bytes");
        var values = new int[count];
        ReadRaw<int>(values);
        return values;
    }

    /// <summary>A number of up to 63 bits, seven per byte, the lowest first.</summary>
    public long ReadLeb128()
    {
        ulong value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            byte part = ReadByte();
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return (long)value;
        }
        throw new FormatException("Corrupt file: a variable-length number is too long");
    }

    /// <summary>UTF-8 text after its length in bytes.</summary>
    public string ReadString()
    {
        long length = ReadLeb128();
        if (length > Remaining)
            throw new FormatException($"Corrupt file: a text of {length} bytes where {Remaining} are left");
        try
        {
            return _strictUtf8.GetString(Take((int)length));
        }
        catch (DecoderFallbackException e)
        {
            throw new FormatException("Corrupt file: a text is not UTF-8", e);
        }
    }

    /// <summary>The next bytes as a reader of their own.</summary>
    public BlockReader Slice(long length)
    {
        if (length < 0 || length > Remaining)
            throw new FormatException($"Corrupt file: a part of {length} bytes where {Remaining} are left");
        var slice = new BlockReader(_bytes, Position, Position + (int)length);
        Position += (int)length;
        return slice;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > Remaining)
            throw new FormatException($"Corrupt file: {count} bytes are needed where {Remaining} are left");
        var span = new ReadOnlySpan<byte>(_bytes, Position, count);
        Position += count;
        return span;
    }
}
