using AirMLNet.Files;

namespace AirMLNet.Images;

/// <summary>
/// Reads image files as upright 8-bit RGB and writes PNG. EXIF orientation is applied, transparency is flattened on white;
/// grey, palette and 16-bit images become 8-bit RGB. Safe for concurrent use.
/// </summary>
public static class ImageFile
{
    /// <summary>The largest image that is decoded where no other limit is given, in pixels; checked before memory is taken.</summary>
    public const long MaxPixels = 100_000_000;

    // A file cannot usefully be larger than its pixels uncompressed at 16 bits with alpha.
    private const long BytesPerPixel = 8;

    /// <summary>Decodes a file.</summary>
    /// <param name="path">A PNG, JPEG, BMP, GIF (first frame), TIFF or WebP file.</param>
    /// <param name="maxPixels">The largest image that is decoded; refused from its header, before memory is taken.</param>
    /// <exception cref="UnreadableImageException">The file is missing, truncated, too large or not an image.</exception>
    public static RgbImage Load(string path, long maxPixels = MaxPixels) => DecodeOwned(Read(path, maxPixels), path, maxPixels);

    /// <summary>The bytes of a file that is to be decoded.</summary>
    /// <exception cref="UnreadableImageException">The file is missing, too large, or cannot be read.</exception>
    internal static byte[] Read(string path, long maxPixels)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            var file = RealFile.Of(path);
            if (file is { Exists: true, Length: 0 })
            {
                // Also what is no plain file, such as a pipe, in which reading would wait, or a device that never ends.
                throw new UnreadableImageException(path, $"{path}: the file is empty.");
            }
            if (file.Exists && file.Length / BytesPerPixel > Math.Max(maxPixels, 1 << 20))
            {
                throw new UnreadableImageException(path, $"{path}: {file.Length} bytes are too many for an image.");
            }

            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            var reason =
                path.Contains('\ufffd', StringComparison.Ordinal) ? "its name is not UTF-8, so that it cannot be opened; rename it."
                : path.Contains("://", StringComparison.Ordinal) ? "an address is no path of a file; fetch the image, and name its file."
                : "the image file does not exist.";
            throw new UnreadableImageException(path, $"{path}: {reason}", e);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not UnreadableImageException)
        {
            var reason = Directory.Exists(path) ? "a folder is no image file." : $"the image file cannot be read: {e.Message}";
            throw new UnreadableImageException(path, $"{path}: {reason}", e);
        }
    }

    /// <summary>Decodes an encoded image in memory.</summary>
    /// <param name="bytes">The content of an image file.</param>
    /// <param name="name">What to call it in error messages.</param>
    /// <param name="maxPixels">The largest image that is decoded; refused from its header, before memory is taken.</param>
    /// <exception cref="UnreadableImageException">The bytes are no whole image, or the image is too large.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> bytes, string name, long maxPixels = MaxPixels) =>
        DecodeOwned(bytes.ToArray(), name, maxPixels);

    /// <summary>The same of bytes that nobody changes meanwhile.</summary>
    internal static RgbImage DecodeOwned(byte[] bytes, string name, long maxPixels)
    {
        try
        {
            return ImageCodec.Decode(bytes, name, maxPixels);
        }
        catch (InvalidDataException e)
        {
            throw new UnreadableImageException(name, e.Message, e);
        }
    }

    /// <summary>Writes a PNG file without loss; the file appears under its name only when whole.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void SavePng(string path, RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var encoded = ImageCodec.EncodePng(image);
        AtomicFile.Write(path, stream => stream.Write(encoded));
    }
}
