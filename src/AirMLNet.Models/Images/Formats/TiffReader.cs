using System.Buffers.Binary;

namespace AirMLNet.Images.Formats;

/// <summary>The numbers of a TIFF file, in the byte order of its first two bytes.</summary>
internal readonly ref struct TiffReader(ReadOnlySpan<byte> bytes, bool little)
{
    private const string Format = "TIFF";

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes that the values of a directory's entry take elsewhere; 0 where they stand in it.</summary>
    public long SizeOfValues(long entry) => SizeOf(UInt16(entry + 2)) * UInt32(entry + 4) is var size && size > 4 ? size : 0;

    private static int SizeOf(int type) =>
        type switch
        {
            1 or 2 or 6 or 7 => 1,
            3 or 8 => 2,
            4 or 9 or 11 or 13 => 4,
            _ => 8,
        };

    public int UInt16(long at)
    {
        var two = ImageHeader.Slice(_bytes, at, 2, Format);
        return little ? BinaryPrimitives.ReadUInt16LittleEndian(two) : BinaryPrimitives.ReadUInt16BigEndian(two);
    }

    public long UInt32(long at)
    {
        var four = ImageHeader.Slice(_bytes, at, 4, Format);
        return little ? BinaryPrimitives.ReadUInt32LittleEndian(four) : BinaryPrimitives.ReadUInt32BigEndian(four);
    }

    public long Value((long At, int Type, long Count) values, long index) =>
        SizeOf(values.Type) switch
        {
            1 => ImageHeader.Slice(_bytes, values.At + index, 1, Format)[0],
            2 => UInt16(values.At + 2 * index),
            4 => UInt32(values.At + 4 * index),
            _ => throw ImageHeader.Damaged(Format, "a number of the wrong type"),
        };

    /// <summary>Writes a number of two or four bytes into the file that is read.</summary>
    public void Write(byte[] file, long at, int size, long value)
    {
        var to = file.AsSpan((int)at, size);
        if (size == 2 && little)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)value);
        }
        else if (size == 2)
        {
            BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)value);
        }
        else if (little)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(to, (uint)value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(to, (uint)value);
        }
    }
}
