using AirMLNet.Images.Formats;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using Decoding = SixLabors.ImageSharp.Metadata.FrameDecodingMode;

namespace AirMLNet.Images;

/// <summary>Decodes image files and encodes PNG and JPEG, by SixLabors.ImageSharp. Safe for concurrent use.</summary>
internal static class ImageCodec
{
    private static readonly PngEncoder Encoder = new()
    {
        ColorType = PngColorType.Rgb,
        BitDepth = PngBitDepth.Bit8,
        IgnoreMetadata = true,
    };

    private static readonly Configuration Formats = SupportedFormats();

    /// <summary>
    /// Decodes the first frame to upright 8-bit RGB: EXIF orientation applied, transparency flattened on white. An image with
    /// more pixels than <paramref name="maxPixels"/> is refused from its header, before memory is taken for it.
    /// </summary>
    /// <param name="bytes">The file; it is changed where the decoder would take more of it than the image needs.</param>
    /// <param name="name">What to call it in error messages.</param>
    /// <param name="maxPixels">The largest image that is decoded.</param>
    /// <exception cref="InvalidDataException">Not a whole image, or too large; the message starts with <paramref name="name"/>.</exception>
    public static RgbImage Decode(byte[] bytes, string name, long maxPixels)
    {
        ImageHeader header = default;
        try
        {
            header = ImageHeader.Read(bytes);
            if ((long)header.Width * header.Height > maxPixels)
            {
                throw new InvalidDataException(
                    $"{header.Width} x {header.Height} pixels; at most {maxPixels / 1_000_000.0:0.###} megapixels are read"
                );
            }

            if (header.Format == "WebP")
            {
                // ImageSharp 2.1 reads no animated WebP, but each frame is an image that it reads.
                (var file, var place) = WebpHeader.Still(bytes);
                var image = Decode<Rgba32>(file, header.Orientation, CopyOnWhite);
                return place is { } at ? OnCanvas(image, at.Left, at.Top, header.Width, header.Height) : image;
            }

            var inverted = false;
            if (header.Format == "PNG")
            {
                PngHeader.CheckData(bytes);
            }
            else if (header.Format == "TIFF")
            {
                (bytes, inverted) = TiffHeader.Prepare(bytes);
            }

            var decoded = header switch
            {
                { Is16Bit: true } => Decode<Rgba64>(bytes, header.Orientation, CopyUpperBits),
                { HasAlpha: true } => Decode<Rgba32>(bytes, header.Orientation, CopyOnWhite),
                _ => Decode<Rgb24>(bytes, header.Orientation, (image, pixels) => image.CopyPixelDataTo(pixels)),
            };
            return inverted ? Negative(decoded) : decoded;
        }
        catch (Exception e) when (e is InvalidDataException or ImageFormatException or NotSupportedException)
        {
            throw new InvalidDataException($"{name}: {e.Message.TrimEnd('.')}.", e);
        }
        // Decoders fail on damaged files in many other ways (null references, indices, overflows): the file is what is wrong.
        catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
        {
            throw new InvalidDataException($"{name}: a damaged {header.Format} file that cannot be decoded.", e);
        }
    }

    /// <summary>Encodes as an 8-bit RGB PNG without loss.</summary>
    public static byte[] EncodePng(RgbImage image)
    {
        using var pixels = ToSharp(image);
        using var encoded = new MemoryStream();
        pixels.Save(encoded, Encoder);
        return encoded.ToArray();
    }

    /// <summary>Encodes as a JPEG, with loss.</summary>
    /// <param name="image">The image.</param>
    /// <param name="quality">1..100.</param>
    public static byte[] EncodeJpeg(RgbImage image, int quality)
    {
        using var pixels = ToSharp(image);
        using var encoded = new MemoryStream();
        pixels.Save(encoded, new JpegEncoder { Quality = quality });
        return encoded.ToArray();
    }

    /// <summary>A copy of an image for ImageSharp's operations.</summary>
    public static Image<Rgb24> ToSharp(RgbImage image) => Image.LoadPixelData<Rgb24>(image.Pixels.AsSpan(), image.Width, image.Height);

    /// <summary>A copy of what they made.</summary>
    public static RgbImage FromSharp(Image<Rgb24> image) => FromSharp(image, (i, pixels) => i.CopyPixelDataTo(pixels));

    private static RgbImage FromSharp<TPixel>(Image<TPixel> image, Action<Image<TPixel>, byte[]> copy)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        var pixels = GC.AllocateUninitializedArray<byte>(checked(3 * image.Width * image.Height));
        copy(image, pixels);
        return new RgbImage(image.Width, image.Height, pixels);
    }

    private static RgbImage Decode<TPixel>(byte[] bytes, int orientation, Action<Image<TPixel>, byte[]> copy)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        using var image = Image.Load<TPixel>(Formats, bytes);
        if (orientation != ExifOrientation.Upright)
        {
            image.Metadata.ExifProfile = new ExifProfile();
            image.Metadata.ExifProfile.SetValue(ExifTag.Orientation, (ushort)orientation);
            image.Mutate(context => context.AutoOrient());
        }

        return FromSharp(image, copy);
    }

    private static RgbImage Negative(RgbImage image) => new(image.Width, image.Height, [.. image.Pixels.Select(p => (byte)(255 - p))]);

    private static RgbImage OnCanvas(RgbImage frame, int left, int top, int width, int height)
    {
        if ((frame.Width, frame.Height) == (width, height))
        {
            return frame;
        }

        var pixels = GC.AllocateUninitializedArray<byte>(checked(3 * width * height));
        pixels.AsSpan().Fill(255);
        for (var y = 0; y < frame.Height; y++)
        {
            frame.Pixels.AsSpan(3 * frame.Width * y, 3 * frame.Width).CopyTo(pixels.AsSpan(3 * ((top + y) * width + left)));
        }

        return new(width, height, pixels);
    }

    private static void CopyOnWhite(Image<Rgba32> image, byte[] pixels) =>
        image.ProcessPixelRows(rows =>
        {
            for (int y = 0, to = 0; y < rows.Height; y++)
            {
                foreach (ref readonly var p in rows.GetRowSpan(y))
                {
                    pixels[to++] = OnWhite(p.R, p.A);
                    pixels[to++] = OnWhite(p.G, p.A);
                    pixels[to++] = OnWhite(p.B, p.A);
                }
            }
        });

    private static void CopyUpperBits(Image<Rgba64> image, byte[] pixels) =>
        image.ProcessPixelRows(rows =>
        {
            for (int y = 0, to = 0; y < rows.Height; y++)
            {
                foreach (ref readonly var p in rows.GetRowSpan(y))
                {
                    pixels[to++] = OnWhite(p.R >> 8, p.A >> 8);
                    pixels[to++] = OnWhite(p.G >> 8, p.A >> 8);
                    pixels[to++] = OnWhite(p.B >> 8, p.A >> 8);
                }
            }
        });

    /// <summary>A colour over white, rounded.</summary>
    private static byte OnWhite(int value, int alpha) => (byte)((value * alpha + 255 * (255 - alpha) + 127) / 255);

    /// <summary>
    /// The formats that the documentation names, the first frame and its pixels only: what nobody asked for is not decoded.
    /// </summary>
    private static Configuration SupportedFormats()
    {
        var configuration = new Configuration(
            new JpegConfigurationModule(),
            new PngConfigurationModule(),
            new BmpConfigurationModule(),
            new GifConfigurationModule(),
            new TiffConfigurationModule(),
            new WebpConfigurationModule()
        );
        var formats = configuration.ImageFormatsManager;
        formats.SetDecoder(JpegFormat.Instance, new JpegDecoder { IgnoreMetadata = true });
        formats.SetDecoder(PngFormat.Instance, new PngDecoder { IgnoreMetadata = true });
        formats.SetDecoder(GifFormat.Instance, new GifDecoder { IgnoreMetadata = true, DecodingMode = Decoding.First });
        formats.SetDecoder(TiffFormat.Instance, new TiffDecoder { IgnoreMetadata = true, DecodingMode = Decoding.First });
        formats.SetDecoder(WebpFormat.Instance, new WebpDecoder { IgnoreMetadata = true });
        return configuration;
    }
}
