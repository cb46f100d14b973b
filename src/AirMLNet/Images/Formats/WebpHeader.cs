using System.Buffers.Binary;

namespace AirMLNet.Images.Formats;

/// <summary>WebP (RFC 9649): a RIFF file, whose header says how long it is.</summary>
internal static class WebpHeader
{
    private const string Format = "WebP";

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        ImageHeader.Slice(bytes, 8, BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), Format);
        var chunk = ImageHeader.Slice(bytes, 12, 18, Format);
        var name = chunk[..4];
        var content = chunk[8..];
        ImageHeader.Slice(bytes, 20, BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]), Format);
        if (name.SequenceEqual("VP8 "u8))
        {
            return new(Format, BinaryPrimitives.ReadUInt16LittleEndian(content[6..]) & 0x3fff, BinaryPrimitives.ReadUInt16LittleEndian(content[8..]) & 0x3fff);
        }

        if (name.SequenceEqual("VP8L"u8))
        {
            var sizes = BinaryPrimitives.ReadUInt32LittleEndian(content[1..]);
            return new(Format, (int)(sizes & 0x3fff) + 1, (int)(sizes >> 14 & 0x3fff) + 1, HasAlpha: true);
        }

        return name.SequenceEqual("VP8X"u8)
            ? new(Format, 1 + UInt24(content[4..]), 1 + UInt24(content[7..]), HasAlpha: true)
            : throw ImageHeader.Damaged(Format, "it does not begin with an image");
    }

    /// <summary>The first frame of an animation as a file of its own, and where it lies on the canvas; null where nothing moves.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static (byte[] Still, int Left, int Top)? FirstFrame(ReadOnlySpan<byte> bytes)
    {
        if (!bytes[12..16].SequenceEqual("VP8X"u8) || (bytes[20] & 2) == 0) return null;
        long at = 12;
        while (true)
        {
            var chunk = ImageHeader.Slice(bytes, at, 8, Format);
            long length = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            if (!chunk[..4].SequenceEqual("ANMF"u8))
            {
                at += 8 + length + (length & 1);
                continue;
            }

            var frame = ImageHeader.Slice(bytes, at + 8, length, Format);
            var place = ImageHeader.Slice(frame, 0, 16, Format); // offsets in units of two pixels, sizes less one
            var alpha = (byte)(frame.Length > 20 && frame[16..20].SequenceEqual("VP8 "u8) ? 0 : 0x10);
            byte[] still = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPVP8X"u8, 10, 0, 0, 0, alpha, 0, 0, 0, .. place[6..12], .. frame[16..]];
            BinaryPrimitives.WriteInt32LittleEndian(still.AsSpan(4), still.Length - 8);
            return (still, 2 * UInt24(place), 2 * UInt24(place[3..]));
        }
    }

    private static int UInt24(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
