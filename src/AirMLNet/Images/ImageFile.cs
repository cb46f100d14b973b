using AirMLNet.Weights;
using Microsoft.ML.Data;

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
    public static RgbImage Load(string path, long maxPixels = MaxPixels)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] bytes;
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length / BytesPerPixel > Math.Max(maxPixels, 1 << 20))
            {
                throw new UnreadableImageException(path, $"{path}: {file.Length} bytes are too many for an image.");
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UnreadableImageException(path, $"{path}: the image file does not exist.", e);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not UnreadableImageException)
        {
            throw new UnreadableImageException(path, $"{path}: the image file cannot be read: {e.Message}", e);
        }

        return Decode(bytes, path, maxPixels);
    }

    /// <summary>Decodes an encoded image in memory.</summary>
    /// <param name="bytes">The content of an image file.</param>
    /// <param name="name">What to call it in error messages.</param>
    /// <param name="maxPixels">The largest image that is decoded; refused from its header, before memory is taken.</param>
    /// <exception cref="UnreadableImageException">The bytes are no whole image, or the image is too large.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> bytes, string name, long maxPixels = MaxPixels) => Decode(bytes.ToArray(), name, maxPixels);

    private static RgbImage Decode(byte[] bytes, string name, long maxPixels)
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
        byte[] encoded = ImageCodec.EncodePng(image);
        AtomicFile.Write(path, stream => stream.Write(encoded));
    }

    /// <summary>Copies the pixels of an ML.NET image, flattening transparency on white.</summary>
    /// <exception cref="ArgumentException">The pixel format is neither Bgra32 nor Rgba32.</exception>
    public static RgbImage FromMLImage(MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        int red = image.PixelFormat switch
        {
            MLPixelFormat.Bgra32 => 2,
            MLPixelFormat.Rgba32 => 0,
            _ => throw new ArgumentException($"Unsupported pixel format {image.PixelFormat}; expected Bgra32 or Rgba32.", nameof(image)),
        };
        ReadOnlySpan<byte> source = image.Pixels;
        byte[] pixels = GC.AllocateUninitializedArray<byte>(checked(3 * image.Width * image.Height));
        for (int from = 0, to = 0; to < pixels.Length; from += 4, to += 3)
        {
            int white = 255 - source[from + 3]; // MLImage colours are premultiplied by alpha
            pixels[to] = (byte)Math.Min(255, source[from + red] + white);
            pixels[to + 1] = (byte)Math.Min(255, source[from + 1] + white);
            pixels[to + 2] = (byte)Math.Min(255, source[from + 2 - red] + white);
        }

        return new RgbImage(image.Width, image.Height, pixels);
    }

    /// <summary>Copies pixels into an opaque ML.NET image of format Bgra32, which the caller disposes.</summary>
    public static MLImage ToMLImage(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        byte[] pixels = GC.AllocateUninitializedArray<byte>(checked(4 * image.Width * image.Height));
        for (int from = 0, to = 0; to < pixels.Length; from += 3, to += 4)
        {
            pixels[to] = image.Pixels[from + 2];
            pixels[to + 1] = image.Pixels[from + 1];
            pixels[to + 2] = image.Pixels[from];
            pixels[to + 3] = 255;
        }

        return MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Bgra32, pixels);
    }
}
