namespace AirMLNet.Images;

/// <summary>A decoded image: 8-bit RGB, row-major, top row first, without padding.</summary>
public sealed class RgbImage
{
    /// <summary>Wraps pixels without copying them.</summary>
    /// <param name="width">Width in pixels, 1 or more.</param>
    /// <param name="height">Height in pixels, 1 or more.</param>
    /// <param name="pixels">3 · width · height bytes: red, green, blue of each pixel.</param>
    /// <exception cref="ArgumentException">The sizes are not positive or do not fit the number of bytes.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (pixels.LongLength != 3L * width * height)
        {
            throw new ArgumentException(
                $"{width} x {height} RGB pixels need {3L * width * height} bytes, not {pixels.LongLength}.",
                nameof(pixels)
            );
        }

        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>3 · <see cref="Width"/> · <see cref="Height"/> bytes, values 0 to 255.</summary>
    public byte[] Pixels { get; }
}
