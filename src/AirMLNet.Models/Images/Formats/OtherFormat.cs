using System.Text;

namespace AirMLNet.Images.Formats;

/// <summary>What a file is that is none of the images that are read, by its first bytes: users have many under an image's name.</summary>
internal static class OtherFormat
{
    private static readonly (int At, byte[] Bytes, string Name)[] Known =
    [
        (8, [.. "avif"u8], "AVIF"),
        (8, [.. "avis"u8], "AVIF"),
        (8, [.. "heic"u8], "HEIC"),
        (8, [.. "heix"u8], "HEIC"),
        (8, [.. "mif1"u8], "HEIF"),
        (8, [.. "msf1"u8], "HEIF"),
        (0, [0xff, 0x0a], "JPEG XL"),
        (4, [.. "JXL "u8], "JPEG XL"),
        (4, [.. "jP  "u8], "JPEG 2000"),
        (0, [.. "8BPS"u8], "Photoshop's PSD"),
        (0, [.. "II+\0"u8], "BigTIFF"),
        (0, [.. "MM\0+"u8], "BigTIFF"),
        (0, [.. "v/1\x01"u8], "OpenEXR"),
        (0, [.. "DDS "u8], "DDS"),
        (0, [.. "qoif"u8], "QOI"),
        (0, [0, 0, 1, 0], "an icon"),
        (0, [0, 5, 0x16, 7], "what macOS keeps beside a file"),
        (0, [.. "%PDF"u8], "PDF"),
        (0, [.. "PK"u8], "a zip archive"),
        (0, [0x1f, 0x8b], "a gzip archive"),
        (4, [.. "ftyp"u8], "a video"),
        (0, [.. "version https://git-lfs"u8], "a pointer of Git LFS, whose file 'git lfs pull' brings"),
    ];

    /// <summary>What the file is, as the rest of a sentence; null where nothing is known.</summary>
    public static string? Of(ReadOnlySpan<byte> bytes)
    {
        foreach (var (at, known, name) in Known)
        {
            if (bytes.Length >= at + known.Length && bytes.Slice(at, known.Length).SequenceEqual(known))
            {
                return name;
            }
        }
        var start = Encoding
            .Latin1.GetString(bytes[..Math.Min(bytes.Length, 512)])
            .TrimStart('\u00ef', '\u00bb', '\u00bf', ' ', '\t', '\r', '\n');
        return start.Contains("<svg", StringComparison.OrdinalIgnoreCase) ? "SVG"
            : start.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase)
            || start.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
                ? "a web page, as servers send in the place of an image"
            : start is ['{' or '[' or '<', ..] ? "a text"
            : null;
    }
}
