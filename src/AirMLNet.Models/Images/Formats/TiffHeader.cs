namespace AirMLNet.Images.Formats;

/// <summary>TIFF (revision 6.0): all directories, and the strips or tiles that they name.</summary>
internal static class TiffHeader
{
    private const string Format = "TIFF";
    private const int WidthTag = 256,
        HeightTag = 257,
        BitsTag = 258,
        CompressionTag = 259,
        PhotometricTag = 262,
        StripOffsets = 273,
        RowsPerStrip = 278,
        StripLengths = 279;
    private const int TileOffsets = 324,
        TileLengths = 325,
        SampleFormat = 339;
    private const int MostBits = 64,
        Huffman = 2, // this, and two kinds of fax
        Group4 = 4,
        Jpeg = 7,
        Short = 3,
        Long = 4,
        EntryLength = 12, // tag, type, count, and a value or where it is
        FloatingPoint = 3,
        BlackIsZero = 1;

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        var file = new TiffReader(bytes, bytes[0] == 'I');
        ImageHeader? header = null;
        // Directories, lists of strips and values that overlap could be walked for ever, and copied by a decoder.
        var budget = 4L * bytes.Length;
        for (var at = file.UInt32(4); at != 0; )
        {
            var page = new Directory();
            var count = file.UInt16(at);
            for (var i = 0; i < count; i++)
            {
                page.Add(file, at + 2 + EntryLength * i);
                budget -= EntryLength + Math.Min(bytes.Length, file.SizeOfValues(at + 2 + EntryLength * i));
            }

            // Without lengths nothing says how long the strips are; a decoder has to find out.
            var strips = Math.Min(page.Offsets.Count, page.Lengths.Count);
            if ((budget -= strips) < 0)
            {
                throw ImageHeader.Damaged(Format, "its pages or strips overlap");
            }

            for (long i = 0; i < strips; i++)
            {
                var strip = ImageHeader.Slice(bytes, file.Value(page.Offsets, i), file.Value(page.Lengths, i), Format);
                if (header is null && page.Compression == Jpeg)
                {
                    CheckJpeg(strip, page, ref budget);
                }
            }

            if (page.Width is <= 0 or > int.MaxValue || page.Height is <= 0 or > int.MaxValue)
            {
                throw ImageHeader.Damaged(Format, $"{page.Width} x {page.Height} pixels");
            }

            header ??= new(
                Format,
                (int)page.Width,
                (int)page.Height,
                HasAlpha: true,
                Is16Bit: page.Bits == 16,
                Math.Max(page.Orientation, ExifOrientation.Upright)
            );
            at = file.UInt32(at + 2 + EntryLength * count);
        }

        return header ?? throw ImageHeader.Damaged(Format, "it holds no image");
    }

    /// <summary>
    /// Makes strips of the first page that claim more rows than the image has, which is allowed, as high as the image: a decoder
    /// takes memory for all the rows. Where the page does not say how many bits a sample has, which then has one, it says so.
    /// </summary>
    /// <returns>The file, and whether ImageSharp's black is the image's white: it takes 0 for white in all that is compressed as a fax
    /// is.</returns>
    /// <exception cref="InvalidDataException">The samples are floating-point numbers, of which nothing says what is white.</exception>
    public static (byte[] File, bool IsInverted) Prepare(byte[] bytes)
    {
        var file = new TiffReader(bytes, bytes[0] == 'I');
        var at = file.UInt32(4);
        var page = new Directory();
        for (var i = file.UInt16(at) - 1; i >= 0; i--)
        {
            page.Add(file, at + 2 + EntryLength * i);
        }

        if (page.RowsAt > 0 && file.Value((page.RowsAt + 8, file.UInt16(page.RowsAt + 2), 1), 0) > page.Height)
        {
            file.Write(bytes, page.RowsAt + 2, 2, Long);
            file.Write(bytes, page.RowsAt + 8, 4, page.Height);
        }
        if (page.Samples == FloatingPoint)
        {
            throw new InvalidDataException(
                "its samples are floating-point numbers, of which nothing says what is white; save it in 8 bits"
            );
        }
        return (
            page.Bits == 0 ? WithOneBit(bytes, file, at) : bytes,
            page.Compression is >= Huffman and <= Group4 && page.Photometric == BlackIsZero
        );
    }

    /// <summary>The file with a directory at its end in the place of the first: the same entries, and one of the bits.</summary>
    private static byte[] WithOneBit(byte[] bytes, TiffReader file, long at)
    {
        var (count, end) = (file.UInt16(at), bytes.Length + (bytes.Length % 2)); // a directory begins at an even byte
        var longer = new byte[end + 2 + (EntryLength * (count + 1)) + 4];
        bytes.CopyTo(longer, 0);
        var before = 0;
        while (before < count && file.UInt16(at + 2 + (EntryLength * before)) < BitsTag)
        {
            before++;
        }
        var (head, to) = ((int)at + 2, end + 2);
        bytes.AsSpan(head, EntryLength * before).CopyTo(longer.AsSpan(to));
        bytes
            .AsSpan(head + (EntryLength * before), EntryLength * (count - before))
            .CopyTo(longer.AsSpan(to + (EntryLength * (before + 1))));
        var entry = to + (EntryLength * before);
        file.Write(longer, 4, 4, end);
        file.Write(longer, end, 2, count + 1);
        file.Write(longer, entry, 2, BitsTag);
        file.Write(longer, entry + 2, 2, Short);
        file.Write(longer, entry + 4, 4, 1);
        file.Write(longer, entry + 8, 2, 1);
        return longer;
    }

    /// <summary>A strip that is a JPEG file gives its own size, for which a decoder takes memory.</summary>
    private static void CheckJpeg(ReadOnlySpan<byte> strip, in Directory page, ref long budget)
    {
        var part = JpegHeader.Read(strip);
        if (part.Width > page.Width || part.Height > page.Height)
        {
            throw ImageHeader.Damaged(Format, "a strip larger than the image");
        }

        if ((budget -= strip.Length) < 0)
        {
            throw ImageHeader.Damaged(Format, "its strips overlap");
        }
    }

    /// <summary>What a page says of itself.</summary>
    private ref struct Directory
    {
        public long Width,
            Height,
            Bits,
            Compression,
            Photometric,
            Samples,
            RowsAt;
        public (long At, int Type, long Count) Offsets,
            Lengths;
        public int Orientation;
        private ulong _seen;

        public void Add(TiffReader file, long entry)
        {
            int tag = file.UInt16(entry),
                type = file.UInt16(entry + 2);
            if (tag == SampleFormat)
            {
                Samples = file.UInt16(file.SizeOfValues(entry) > 0 ? file.UInt32(entry + 8) : entry + 8);
                return;
            }
            if (tag is not (>= WidthTag and < WidthTag + 64 or TileOffsets or TileLengths))
            {
                return;
            }
            // Decoders differ on whether the first or the last of two counts.
            var bit = 1ul << (tag is TileOffsets or TileLengths ? tag - TileOffsets + StripOffsets - WidthTag + 32 : tag - WidthTag);
            if ((_seen & bit) != 0)
            {
                throw ImageHeader.Damaged(Format, $"two entries {tag}");
            }

            _seen |= bit;
            (long At, int Type, long Count) values = (entry + 8, type, file.UInt32(entry + 4));
            if (file.SizeOfValues(entry) > 0)
            {
                values.At = file.UInt32(entry + 8);
            }

            if (tag == WidthTag)
            {
                Width = file.Value(values, 0);
            }
            else if (tag == HeightTag)
            {
                Height = file.Value(values, 0);
            }
            else if (tag == CompressionTag)
            {
                Compression = file.Value(values, 0);
            }
            else if (tag == PhotometricTag)
            {
                Photometric = file.Value(values, 0);
            }
            else if (tag == ExifOrientation.Tag)
            {
                Orientation = ExifOrientation.Of(file, entry);
            }
            else if (tag == RowsPerStrip && type is 3 or 4)
            {
                RowsAt = entry;
            }
            else if (tag is StripOffsets or TileOffsets)
            {
                Offsets = values;
            }
            else if (tag is StripLengths or TileLengths)
            {
                Lengths = values;
            }
            else if (tag == BitsTag)
            {
                Bits = file.Value(values, 0);
                for (var i = 0; i < Math.Min(values.Count, 64); i++)
                {
                    if (file.Value(values, i) is 0 or > MostBits)
                    {
                        throw ImageHeader.Damaged(Format, "samples of no or too many bits");
                    }
                }
            }
        }
    }
}
