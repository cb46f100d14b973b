using System.Buffers.Binary;

namespace AirMLNet.Images.Formats;

/// <summary>WebP (RFC 9649): a RIFF file, whose header says how long it is.</summary>
internal static class WebpHeader
{
    private const string Format = "WebP";
    private const byte Animated = 2,
        HasAlpha = 16;
    private const int LosslessHeader = 5;

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        ImageHeader.Slice(bytes, 8, BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), Format);
        var name = ImageHeader.Slice(bytes, 12, 4, Format);
        var content = Content(bytes, 12);
        if (name.SequenceEqual("VP8X"u8))
        {
            var canvas = ImageHeader.Slice(content, 4, 6, Format);
            var orientation = (content[0] & Animated) == 0 ? ExifOrientation.Read(Find(Chunks(bytes), "EXIF"u8)) : ExifOrientation.Upright;
            return new(Format, 1 + UInt24(canvas), 1 + UInt24(canvas[3..]), HasAlpha: true, Orientation: orientation);
        }

        var (width, height) = Size(name, content) ?? throw ImageHeader.Damaged(Format, "it does not begin with an image");
        return new(Format, width, height, name.SequenceEqual("VP8L"u8));
    }

    /// <summary>
    /// The image of a file as a file of its own, or the first frame of an animation and where it lies on the canvas. Decoders of
    /// whole files look at every chunk, believe the sizes in each, and take the last image of several.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static (byte[] File, (int Left, int Top)? Place) Still(byte[] file)
    {
        ReadOnlySpan<byte> bytes = file;
        var header = Content(bytes, 12);
        if (!bytes[12..16].SequenceEqual("VP8X"u8))
        {
            if (Size(bytes[12..16], header) is { } size && bytes[15] == 'L')
            {
                WebpLossless.Check(header[LosslessHeader..], size.Width, size.Height);
            }

            return (file, null);
        }

        var canvas = (Width: 1 + UInt24(header[4..]), Height: 1 + UInt24(header[7..]));
        if ((header[0] & Animated) == 0)
        {
            return (Rebuilt(Chunks(bytes), canvas), null);
        }

        var frame = Find(Chunks(bytes), "ANMF"u8);
        if (frame.IsEmpty)
        {
            throw ImageHeader.Damaged(Format, "an animation without a frame");
        }

        var place = ImageHeader.Slice(frame, 0, 16, Format); // offsets in units of two pixels, sizes less one
        var (left, top, still) = (
            2 * UInt24(place),
            2 * UInt24(place[3..]),
            (Width: 1 + UInt24(place[6..]), Height: 1 + UInt24(place[9..]))
        );
        if (left + still.Width > canvas.Width || top + still.Height > canvas.Height)
        {
            throw ImageHeader.Damaged(Format, "a frame outside its canvas");
        }

        return (Rebuilt(frame[16..], still), (left, top));
    }

    /// <summary>A file of the first image among some chunks, and its plane of transparency if it has one.</summary>
    private static byte[] Rebuilt(ReadOnlySpan<byte> chunks, (int Width, int Height) size)
    {
        ReadOnlySpan<byte> name = "VP8 "u8,
            image = Find(chunks, name),
            alpha = Find(chunks, "ALPH"u8);
        if (image.IsEmpty)
        {
            name = "VP8L"u8;
            image = Find(chunks, name);
            alpha = default; // a lossless image has its own
        }

        if (image.IsEmpty)
        {
            throw ImageHeader.Damaged(Format, "it holds no image");
        }

        if (Size(name, image) != size)
        {
            throw ImageHeader.Damaged(Format, "the image is not as large as its header says");
        }

        if (name[3] == 'L')
        {
            WebpLossless.Check(image[LosslessHeader..], size.Width, size.Height);
        }

        if (!alpha.IsEmpty && (alpha[0] & 3) == 1)
        {
            WebpLossless.Check(alpha[1..], size.Width, size.Height);
        }

        using var file = new MemoryStream(image.Length + alpha.Length + 64);
        file.Write("RIFF\0\0\0\0WEBP"u8);
        Write(file, "VP8X"u8, [alpha.IsEmpty ? (byte)0 : HasAlpha, 0, 0, 0, .. Three(size.Width - 1), .. Three(size.Height - 1)]);
        if (!alpha.IsEmpty)
        {
            Write(file, "ALPH"u8, alpha);
        }

        Write(file, name, image);
        var still = file.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(still.AsSpan(4), still.Length - 8);
        return still;
    }

    private static void Write(MemoryStream file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, content.Length);
        file.Write(name);
        file.Write(length);
        file.Write(content);
        if ((content.Length & 1) != 0)
        {
            file.WriteByte(0);
        }
    }

    /// <summary>What follows the extended header.</summary>
    private static ReadOnlySpan<byte> Chunks(ReadOnlySpan<byte> bytes)
    {
        var header = Content(bytes, 12).Length;
        return bytes[(int)Math.Min(bytes.Length, 20L + header + (header & 1))..];
    }

    /// <summary>The content of the first chunk of a name; empty where there is none before what is no chunk.</summary>
    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> chunks, ReadOnlySpan<byte> name)
    {
        for (long at = 0; at + 8 <= chunks.Length; )
        {
            if (chunks.Slice((int)at, 4).SequenceEqual(name))
            {
                return Content(chunks, at);
            }

            long length = BinaryPrimitives.ReadUInt32LittleEndian(chunks[((int)at + 4)..]);
            at += 8 + length + (length & 1);
        }

        return default;
    }

    private static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> bytes, long chunk) =>
        ImageHeader.Slice(
            bytes,
            chunk + 8,
            BinaryPrimitives.ReadUInt32LittleEndian(ImageHeader.Slice(bytes, chunk + 4, 4, Format)),
            Format
        );

    /// <summary>The size that an image itself gives; null where it is none.</summary>
    private static (int Width, int Height)? Size(ReadOnlySpan<byte> name, ReadOnlySpan<byte> image)
    {
        if (name.SequenceEqual("VP8 "u8))
        {
            var size = ImageHeader.Slice(image, 6, 4, Format);
            return (BinaryPrimitives.ReadUInt16LittleEndian(size) & 0x3fff, BinaryPrimitives.ReadUInt16LittleEndian(size[2..]) & 0x3fff);
        }

        if (!name.SequenceEqual("VP8L"u8))
        {
            return null;
        }

        var sizes = BinaryPrimitives.ReadUInt32LittleEndian(ImageHeader.Slice(image, 1, 4, Format));
        return ((int)(sizes & 0x3fff) + 1, (int)(sizes >> 14 & 0x3fff) + 1);
    }

    private static int UInt24(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;

    private static byte[] Three(int value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16)];
}
