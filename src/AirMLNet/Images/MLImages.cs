using Microsoft.ML.Data;

namespace AirMLNet.Images;

/// <summary>ML.NET's images to the library's own and back.</summary>
internal static class MLImages
{
    /// <summary>Copies the pixels of an ML.NET image, flattening transparency on white.</summary>
    /// <exception cref="ArgumentException">The pixel format is neither Bgra32 nor Rgba32.</exception>
    public static RgbImage ToRgb(MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var red = image.PixelFormat switch
        {
            MLPixelFormat.Bgra32 => 2,
            MLPixelFormat.Rgba32 => 0,
            _ => throw new ArgumentException($"Unsupported pixel format {image.PixelFormat}; expected Bgra32 or Rgba32.", nameof(image)),
        };
        var source = image.Pixels;
        var pixels = GC.AllocateUninitializedArray<byte>(checked(3 * image.Width * image.Height));
        for (int from = 0, to = 0; to < pixels.Length; from += 4, to += 3)
        {
            var white = 255 - source[from + 3]; // MLImage colours are premultiplied by alpha
            pixels[to] = (byte)Math.Min(255, source[from + red] + white);
            pixels[to + 1] = (byte)Math.Min(255, source[from + 1] + white);
            pixels[to + 2] = (byte)Math.Min(255, source[from + 2 - red] + white);
        }

        return new RgbImage(image.Width, image.Height, pixels);
    }

    /// <summary>Copies pixels into an opaque ML.NET image of format Bgra32, which the caller disposes.</summary>
    public static MLImage FromRgb(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var pixels = GC.AllocateUninitializedArray<byte>(checked(4 * image.Width * image.Height));
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
