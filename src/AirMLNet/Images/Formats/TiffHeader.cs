using System.Buffers.Binary;

namespace AirMLNet.Images.Formats;

/// <summary>TIFF (revision 6.0): all directories, and the strips or tiles that they name.</summary>
internal static class TiffHeader
{
    private const string Format = "TIFF";
    private const int WidthTag = 256, HeightTag = 257, BitsTag = 258, StripOffsets = 273, StripLengths = 279, TileOffsets = 324, TileLengths = 325;
    private const int MaxPages = 10_000;

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        var file = new Reader(bytes, bytes[0] == 'I');
        ImageHeader? header = null;
        long at = file.UInt32(4);
        for (var page = 0; at != 0; page++)
        {
            if (page == MaxPages) throw ImageHeader.Damaged(Format, "its pages go in a circle");
            var count = file.UInt16(at);
            long width = 0, height = 0, bits = 1;
            (long At, int Type, long Count) offsets = default, lengths = default;
            for (var i = 0; i < count; i++)
            {
                var entry = at + 2 + 12 * i;
                int tag = file.UInt16(entry), type = file.UInt16(entry + 2);
                (long At, int Type, long Count) values = (entry + 8, type, file.UInt32(entry + 4));
                if (SizeOf(type) * values.Count > 4) values.At = file.UInt32(entry + 8);
                if (tag == WidthTag) width = file.Value(values, 0);
                else if (tag == HeightTag) height = file.Value(values, 0);
                else if (tag == BitsTag) bits = file.Value(values, 0);
                else if (tag is StripOffsets or TileOffsets) offsets = values;
                else if (tag is StripLengths or TileLengths) lengths = values;
            }

            // Without lengths nothing says how long the strips are; a decoder has to find out.
            for (long i = 0; i < Math.Min(offsets.Count, lengths.Count); i++)
            {
                ImageHeader.Slice(bytes, file.Value(offsets, i), file.Value(lengths, i), Format);
            }

            if (width is <= 0 or > int.MaxValue || height is <= 0 or > int.MaxValue) throw ImageHeader.Damaged(Format, $"{width} x {height} pixels");
            header ??= new(Format, (int)width, (int)height, HasAlpha: true, Is16Bit: bits == 16);
            at = file.UInt32(at + 2 + 12 * count);
        }

        return header ?? throw ImageHeader.Damaged(Format, "it holds no image");
    }

    private static int SizeOf(int type) => type switch { 1 or 2 or 6 or 7 => 1, 3 or 8 => 2, 4 or 9 or 11 or 13 => 4, _ => 8 };

    private readonly ref struct Reader(ReadOnlySpan<byte> bytes, bool little)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

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

        public long Value((long At, int Type, long Count) values, long index) => SizeOf(values.Type) switch
        {
            1 => ImageHeader.Slice(_bytes, values.At + index, 1, Format)[0],
            2 => UInt16(values.At + 2 * index),
            4 => UInt32(values.At + 4 * index),
            _ => throw ImageHeader.Damaged(Format, "a number of the wrong type"),
        };
    }
}
