namespace AirMLNet.Images;

/// <summary>Decodes image files and encodes PNG; one implementation per set of packages, both safe for concurrent use.</summary>
internal interface IImageCodec
{
    /// <summary>
    /// Decodes to upright 8-bit RGB: EXIF orientation applied, transparency flattened on white. An image with more pixels
    /// than <paramref name="maxPixels"/> is refused from its header, before memory is taken for it.
    /// </summary>
    /// <exception cref="InvalidDataException">Not a whole image, or too large; the message starts with <paramref name="name"/>.</exception>
    RgbImage Decode(ReadOnlySpan<byte> bytes, string name, long maxPixels);

    /// <summary>Encodes as an 8-bit RGB PNG without loss.</summary>
    byte[] EncodePng(RgbImage image);
}
