using System.Buffers.Binary;

namespace AirMLNet.Images.Formats;

/// <summary>Windows bitmap: rows of known length, or run lengths up to their end mark.</summary>
internal static class BmpHeader
{
    private const string Format = "BMP";

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        long start = BinaryPrimitives.ReadUInt32LittleEndian(ImageHeader.Slice(bytes, 10, 4, Format));
        var kind = BinaryPrimitives.ReadUInt32LittleEndian(ImageHeader.Slice(bytes, 14, 4, Format));
        long width,
            height;
        int bits;
        uint compression = 0,
            size = 0;
        if (kind == 12) // OS/2
        {
            var info = ImageHeader.Slice(bytes, 18, 8, Format);
            (width, height, bits) = (
                BinaryPrimitives.ReadUInt16LittleEndian(info),
                BinaryPrimitives.ReadUInt16LittleEndian(info[2..]),
                BinaryPrimitives.ReadUInt16LittleEndian(info[6..])
            );
        }
        else
        {
            var info = ImageHeader.Slice(bytes, 18, 20, Format);
            // A negative height means that the top row comes first.
            (width, height) = (
                BinaryPrimitives.ReadInt32LittleEndian(info),
                Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(info[4..]))
            );
            (bits, compression, size) = (
                BinaryPrimitives.ReadUInt16LittleEndian(info[10..]),
                BinaryPrimitives.ReadUInt32LittleEndian(info[12..]),
                BinaryPrimitives.ReadUInt32LittleEndian(info[16..])
            );
        }

        if (width <= 0 || height <= 0 || height > int.MaxValue)
        {
            throw ImageHeader.Damaged(Format, $"{width} x {height} pixels");
        }

        ImageHeader.Slice(bytes, start, 0, Format);
        if (compression is 1 or 2) // run lengths
        {
            if (size > 0)
            {
                ImageHeader.Slice(bytes, start, size, Format);
            }
            else if (bytes[(int)start..].IndexOf((ReadOnlySpan<byte>)[0, 1]) < 0)
            {
                throw ImageHeader.EndsEarly(Format);
            }
        }
        else
        {
            // Rows are padded to four bytes; a few writers leave out the padding of the last one.
            var row = (width * bits + 31) / 32 * 4;
            ImageHeader.Slice(bytes, start, (height - 1) * row + (width * bits + 7) / 8, Format);
        }

        // Without masks the fourth byte of a pixel means nothing: some writers leave what they like in it.
        return new(Format, (int)width, (int)height, HasAlpha: bits == 16 || (bits == 32 && compression != 0));
    }
}
