namespace Microsoft.ML.Data;

/// <summary>
/// A decoded image in memory: four bytes a pixel, colours premultiplied by alpha. As in the official class, files are
/// decoded to <see cref="MLPixelFormat.Bgra32"/>; unlike there, embedded orientation is applied.
/// </summary>
public sealed class MLImage : IDisposable
{
    private byte[]? _pixels;

    private MLImage(int width, int height, MLPixelFormat format, byte[] pixels)
    {
        Width = width;
        Height = height;
        PixelFormat = format;
        _pixels = pixels;
    }

    public int Width { get; private set; }

    public int Height { get; private set; }

    public MLPixelFormat PixelFormat { get; private set; }

    public int BitsPerPixel
    {
        get
        {
            ThrowIfDisposed();
            return 32;
        }
    }

    /// <summary>Anything the caller wants to remember with the image; the image loader stores the path here.</summary>
    public string? Tag { get; set; }

    public ReadOnlySpan<byte> Pixels => ThrowIfDisposed();

    /// <summary>Three bytes a pixel: blue, green, red.</summary>
    public byte[] GetBGRPixels
    {
        get
        {
            byte[] source = ThrowIfDisposed();
            int blue = PixelFormat == MLPixelFormat.Bgra32 ? 0 : 2;
            byte[] result = GC.AllocateUninitializedArray<byte>(source.Length / 4 * 3);
            for (int from = 0, to = 0; from < source.Length; from += 4, to += 3)
            {
                result[to] = source[from + blue];
                result[to + 1] = source[from + 1];
                result[to + 2] = source[from + 2 - blue];
            }

            return result;
        }
    }

    /// <exception cref="ArgumentException">The file is missing or not a readable image.</exception>
    public static MLImage CreateFromFile(string imagePath)
    {
        ArgumentNullException.ThrowIfNull(imagePath);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(imagePath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"Invalid path: {e.Message}", nameof(imagePath), e);
        }

        return FromBytes(bytes, imagePath, nameof(imagePath));
    }

    /// <exception cref="ArgumentException">The stream does not hold a readable image.</exception>
    public static MLImage CreateFromStream(Stream imageStream)
    {
        ArgumentNullException.ThrowIfNull(imageStream);
        using var copy = new MemoryStream();
        imageStream.CopyTo(copy);
        return FromBytes(copy.GetBuffer().AsSpan(0, (int)copy.Length), "stream", nameof(imageStream));
    }

    public static MLImage CreateFromPixels(int width, int height, MLPixelFormat pixelFormat, ReadOnlySpan<byte> imagePixelData)
    {
        if (width <= 0)
        {
            throw new ArgumentException($"Invalid width {width}; expected 1 or more.", nameof(width));
        }

        if (height <= 0)
        {
            throw new ArgumentException($"Invalid height {height}; expected 1 or more.", nameof(height));
        }

        if (pixelFormat is not (MLPixelFormat.Bgra32 or MLPixelFormat.Rgba32))
        {
            throw new ArgumentException($"Unsupported pixel format {pixelFormat}; expected Bgra32 or Rgba32.", nameof(pixelFormat));
        }

        if (imagePixelData.Length != 4L * width * height)
        {
            throw new ArgumentException(
                $"{width} x {height} pixels need {4L * width * height} bytes, not {imagePixelData.Length}.", nameof(imagePixelData));
        }

        return new MLImage(width, height, pixelFormat, imagePixelData.ToArray());
    }

    /// <summary>Saves as PNG, JPEG, BMP or TIFF, chosen by the extension.</summary>
    public void Save(string imagePath)
    {
        byte[] source = ThrowIfDisposed();
        string format = Path.GetExtension(imagePath)?.ToLowerInvariant() switch
        {
            ".png" => "png",
            ".jpg" or ".jpeg" => "jpeg",
            ".bmp" => "bmp",
            ".tif" or ".tiff" => "tiff",
            string other => throw new ArgumentException(
                $"Path has invalid image file extension '{other}'; expected .png, .jpg, .bmp or .tiff.", nameof(imagePath)),
            null => throw new ArgumentNullException(nameof(imagePath)),
        };

        byte[] straight = MultiplyAlpha(source, PixelFormat == MLPixelFormat.Bgra32, static (colour, alpha) =>
            alpha == 0 ? 0 : Math.Min(255, (colour * 255 + alpha / 2) / alpha));
        byte[] encoded = GdkPixbuf.Encode(format, Width, Height, 4, straight);
        string temporary = $"{imagePath}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(temporary, encoded);
            File.Move(temporary, imagePath, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public void Dispose() => _pixels = null;

    private static MLImage FromBytes(ReadOnlySpan<byte> bytes, string name, string parameter)
    {
        DecodedImage image;
        try
        {
            image = GdkPixbuf.Decode(bytes, name);
        }
        catch (InvalidDataException e)
        {
            throw new ArgumentException(e.Message, parameter, e);
        }

        byte[] pixels = image.Channels == 4
            ? MultiplyAlpha(image.Pixels, true, static (colour, alpha) => (colour * alpha + 127) / 255)
            : OpaqueBgra(image.Pixels);
        return new MLImage(image.Width, image.Height, MLPixelFormat.Bgra32, pixels);
    }

    /// <summary>Applies <paramref name="change"/> to each colour and its alpha, swapping red and blue when asked.</summary>
    private static byte[] MultiplyAlpha(byte[] source, bool swap, Func<int, int, int> change)
    {
        byte[] result = GC.AllocateUninitializedArray<byte>(source.Length);
        int red = swap ? 2 : 0;
        for (int i = 0; i < source.Length; i += 4)
        {
            byte alpha = source[i + 3];
            result[i + red] = alpha == 255 ? source[i] : (byte)change(source[i], alpha);
            result[i + 1] = alpha == 255 ? source[i + 1] : (byte)change(source[i + 1], alpha);
            result[i + 2 - red] = alpha == 255 ? source[i + 2] : (byte)change(source[i + 2], alpha);
            result[i + 3] = alpha;
        }

        return result;
    }

    private static byte[] OpaqueBgra(byte[] rgb)
    {
        byte[] result = GC.AllocateUninitializedArray<byte>(rgb.Length / 3 * 4);
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
        {
            result[to] = rgb[from + 2];
            result[to + 1] = rgb[from + 1];
            result[to + 2] = rgb[from];
            result[to + 3] = 255;
        }

        return result;
    }

    private byte[] ThrowIfDisposed()
    {
        ObjectDisposedException.ThrowIf(_pixels is null, this);
        return _pixels;
    }
}
