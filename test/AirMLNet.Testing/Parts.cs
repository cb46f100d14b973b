using System.Buffers.Binary;
using System.IO.Compression;

namespace AirMLNet.Testing;

/// <summary>What image files are made of, for tests that write what no encoder would.</summary>
public static class Parts
{
    public static byte[] Little(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    public static byte[] Big(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] Deflated(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize))
        {
            zlib.Write(bytes);
        }

        return packed.ToArray();
    }

    /// <summary>A PNG file of some chunks.</summary>
    public static byte[] Png(params byte[][] chunks) =>
        [0x89, .. "PNG\r\n"u8, 0x1a, (byte)'\n', .. chunks.SelectMany(chunk => chunk), .. PngChunk("IEND"u8, [])];

    /// <summary>The header of 8-bit RGB.</summary>
    public static byte[] PngHeader(int width, int height) => PngChunk("IHDR"u8, [.. Big(width), .. Big(height), 8, 2, 0, 0, 0]);

    public static byte[] PngChunk(ReadOnlySpan<byte> name, byte[] content)
    {
        byte[] named = [.. name, .. content];
        return [.. Big(content.Length), .. named, .. Big((int)Crc32(named))];
    }

    public static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }

    /// <summary>A WebP file with an extended header (RFC 9649, 2.7).</summary>
    public static byte[] Webp(byte flags, int width, int height, params byte[][] chunks) =>
        RiffChunk(
            "RIFF"u8,
            [.. "WEBP"u8, .. RiffChunk("VP8X"u8, [flags, 0, 0, 0, .. Canvas(width, height)]), .. chunks.SelectMany(chunk => chunk)]
        );

    /// <summary>A frame of an animation, from the chunks of a still image.</summary>
    public static byte[] WebpFrame(int width, int height, byte[] image) =>
        RiffChunk("ANMF"u8, [0, 0, 0, 0, 0, 0, .. Canvas(width, height), 100, 0, 0, 0, .. image]);

    public static byte[] RiffChunk(ReadOnlySpan<byte> name, byte[] content) =>
        [.. name, .. Little(content.Length), .. content, .. new byte[content.Length & 1]];

    private static byte[] Canvas(int width, int height) => [.. Little(width - 1)[..3], .. Little(height - 1)[..3]];

    /// <summary>A little-endian TIFF file of one page; its values stand in the entries.</summary>
    public static byte[] Tiff(byte[] content, params (int Tag, int Type, int Count, int Value)[] entries) =>
        [
            .. "II*\0"u8,
            .. Little(8 + content.Length),
            .. content,
            .. Little(entries.Length)[..2],
            .. entries.SelectMany(Entry),
            .. Little(0),
        ];

    private static byte[] Entry((int Tag, int Type, int Count, int Value) e) =>
        [.. Little(e.Tag | (e.Type << 16)), .. Little(e.Count), .. Little(e.Value)];

    /// <summary>EXIF that says nothing but the orientation.</summary>
    public static byte[] Exif(int orientation) => [.. "Exif\0\0"u8, .. Tiff([], (274, 3, 1, orientation))];

    /// <summary>A PNG of a header without pixels.</summary>
    public static byte[] PngWithoutPixels(int width, int height) =>
        Png(PngHeader(width, height), PngChunk("IDAT"u8, [0x78, 0x9c, 3, 0, 0, 0, 0, 1]));
}
