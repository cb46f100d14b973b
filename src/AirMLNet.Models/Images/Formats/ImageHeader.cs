namespace AirMLNet.Images.Formats;

/// <summary>What has to be known of an image file before it is decoded.</summary>
/// <param name="Format">Its name in messages.</param>
/// <param name="Width">Width in pixels, as stored.</param>
/// <param name="Height">Height in pixels, as stored.</param>
/// <param name="HasAlpha">Whether pixels may be transparent.</param>
/// <param name="Is16Bit">Whether a channel has 16 bits.</param>
/// <param name="Orientation">EXIF's number of how the stored rows have to be turned.</param>
internal readonly record struct ImageHeader(
    string Format,
    int Width,
    int Height,
    bool HasAlpha = false,
    bool Is16Bit = false,
    int Orientation = ExifOrientation.Upright
)
{
    /// <summary>
    /// Reads the header of a file and follows its structure to the end: decoders fill what is missing of a file that was cut
    /// off with grey, and tell nobody.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is of no known format, ends early or is damaged.</exception>
    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]))
        {
            return JpegHeader.Read(bytes);
        }

        if (bytes.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]))
        {
            return PngHeader.Read(bytes);
        }

        if (bytes.StartsWith("GIF87a"u8) || bytes.StartsWith("GIF89a"u8))
        {
            return GifHeader.Read(bytes);
        }

        if (bytes.StartsWith("RIFF"u8) && bytes.Length >= 12 && bytes[8..12].SequenceEqual("WEBP"u8))
        {
            return WebpHeader.Read(bytes);
        }

        if (bytes.StartsWith("BM"u8))
        {
            return BmpHeader.Read(bytes);
        }

        if (bytes.StartsWith("II*\0"u8) || bytes.StartsWith("MM\0*"u8))
        {
            return TiffHeader.Read(bytes);
        }

        const string none = "no PNG, JPEG, BMP, GIF, TIFF or WebP image";
        throw new InvalidDataException(
            bytes.IsEmpty ? "the file is empty"
            : OtherFormat.Of(bytes) is { } other ? $"{none}, but {other}"
            : none
        );
    }

    /// <exception cref="InvalidDataException">There are fewer than <paramref name="count"/> bytes at <paramref name="offset"/>.</exception>
    public static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> bytes, long offset, long count, string format) =>
        offset >= 0 && count >= 0 && offset <= bytes.Length && count <= bytes.Length - offset
            ? bytes.Slice((int)offset, (int)count)
            : throw EndsEarly(format);

    public static InvalidDataException EndsEarly(string format) => new($"the {format} file ends early");

    public static InvalidDataException Damaged(string format, string what) => new($"a damaged {format} file: {what}");
}
