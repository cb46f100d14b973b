using AirMLNet.Testing;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Tiff.Constants;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace AirMLNet.Tests.Images;

/// <summary>Small whole files of every format that is read, and of the variants of each: what fuzzing starts from.</summary>
internal static class SeedImages
{
    private const int Width = 19,
        Height = 13;

    public static IReadOnlyDictionary<string, byte[]> All { get; } = Make();

    private static Dictionary<string, byte[]> Make()
    {
        using var picture = Picture();
        using var frames = Frames(picture, 3);
        var seeds = new Dictionary<string, byte[]>
        {
            ["png-rgb"] = Encode(picture, new PngEncoder { ColorType = PngColorType.Rgb }),
            ["png-rgba"] = Encode(picture, new PngEncoder { ColorType = PngColorType.RgbWithAlpha }),
            ["png-rgba-16"] = Encode(picture, new PngEncoder { ColorType = PngColorType.RgbWithAlpha, BitDepth = PngBitDepth.Bit16 }),
            ["png-grey-1"] = Encode(picture, new PngEncoder { ColorType = PngColorType.Grayscale, BitDepth = PngBitDepth.Bit1 }),
            ["png-grey-16"] = Encode(picture, new PngEncoder { ColorType = PngColorType.Grayscale, BitDepth = PngBitDepth.Bit16 }),
            ["png-palette"] = Encode(picture, new PngEncoder { ColorType = PngColorType.Palette, BitDepth = PngBitDepth.Bit8 }),
            ["png-palette-4"] = Encode(picture, new PngEncoder { ColorType = PngColorType.Palette, BitDepth = PngBitDepth.Bit4 }),
            ["png-interlaced"] = Encode(picture, new PngEncoder { ColorType = PngColorType.Rgb, InterlaceMethod = PngInterlaceMode.Adam7 }),
            ["png-interlaced-16"] = Encode(
                picture,
                new PngEncoder
                {
                    ColorType = PngColorType.RgbWithAlpha,
                    BitDepth = PngBitDepth.Bit16,
                    InterlaceMethod = PngInterlaceMode.Adam7,
                }
            ),
            ["png-exif"] = File("exif/exif.png"),
            ["jpeg-420"] = Encode(picture, new JpegEncoder { ColorType = JpegColorType.YCbCrRatio420 }),
            ["jpeg-444"] = Encode(picture, new JpegEncoder { ColorType = JpegColorType.YCbCrRatio444 }),
            ["jpeg-411"] = Encode(picture, new JpegEncoder { ColorType = JpegColorType.YCbCrRatio411 }),
            ["jpeg-rgb"] = Encode(picture, new JpegEncoder { ColorType = JpegColorType.Rgb }),
            ["jpeg-grey"] = Encode(picture, new JpegEncoder { ColorType = JpegColorType.Luminance }),
            ["jpeg-cmyk"] = Convert.FromBase64String(OddImageTests.Cmyk),
            ["jpeg-progressive"] = [.. File("truncated/p.jpg").AsSpan(0, 738), 0xff, 0xd9], // its first five scans
            ["jpeg-exif"] = File("exif/exif.jpg"),
            ["gif"] = Encode(picture, new GifEncoder()),
            ["gif-local-colours"] = Encode(picture, new GifEncoder { ColorTableMode = GifColorTableMode.Local }),
            ["gif-frames"] = Encode(frames, new GifEncoder { ColorTableMode = GifColorTableMode.Local }),
            ["webp-lossy"] = Encode(picture.CloneAs<Rgb24>(), new WebpEncoder { FileFormat = WebpFileFormatType.Lossy }),
            ["webp-lossless"] = Encode(picture, new WebpEncoder { FileFormat = WebpFileFormatType.Lossless }),
            ["webp-lossless-groups"] = Encode(
                Quarters(),
                new WebpEncoder { FileFormat = WebpFileFormatType.Lossless, Method = WebpEncodingMethod.Level6 }
            ),
            ["webp-exif"] = File("exif/exif.webp"),
            ["bmp-4-runs"] = RunLengthBitmap(),
            ["bmp-os2"] = Os2Bitmap(),
        };
        (var lossy, var lossless) = (seeds["webp-lossy"][12..], seeds["webp-lossless"][12..]);
        seeds["webp-raw-alpha"] = Parts.Webp(
            16,
            Width,
            Height,
            Parts.RiffChunk("ALPH"u8, [0, .. Enumerable.Range(0, Width * Height).Select(i => (byte)i)]),
            lossy
        );
        // An alpha plane is a lossless image without its own first five bytes.
        seeds["webp-packed-alpha"] = Parts.Webp(16, Width, Height, Parts.RiffChunk("ALPH"u8, [1, .. lossless[13..]]), lossy);
        seeds["webp-animated"] = Parts.Webp(
            2,
            Width,
            Height,
            Parts.RiffChunk("ANIM"u8, new byte[6]),
            Parts.WebpFrame(Width, Height, lossy),
            Parts.WebpFrame(Width, Height, lossless)
        );
        foreach (var bits in Enum.GetValues<BmpBitsPerPixel>())
        {
            seeds[$"bmp-{(int)bits}"] = Encode(picture, new BmpEncoder { BitsPerPixel = bits, SupportTransparency = true });
        }

        foreach (var bits in new[] { TiffBitsPerPixel.Bit1, TiffBitsPerPixel.Bit4, TiffBitsPerPixel.Bit8, TiffBitsPerPixel.Bit24 })
        {
            foreach (
                var compression in new[] { TiffCompression.None, TiffCompression.PackBits, TiffCompression.Lzw, TiffCompression.Deflate }
            )
            {
                seeds[$"tiff-{(int)bits}-{compression}"] = Encode(
                    picture,
                    new TiffEncoder { BitsPerPixel = bits, Compression = compression }
                );
            }
        }

        seeds["tiff-predictor"] = Encode(
            picture,
            new TiffEncoder
            {
                BitsPerPixel = TiffBitsPerPixel.Bit24,
                Compression = TiffCompression.Lzw,
                HorizontalPredictor = TiffPredictor.Horizontal,
            }
        );
        seeds["tiff-jpeg"] = Encode(picture, new TiffEncoder { BitsPerPixel = TiffBitsPerPixel.Bit24, Compression = TiffCompression.Jpeg });
        foreach (var fax in new[] { TiffCompression.Ccitt1D, TiffCompression.CcittGroup3Fax, TiffCompression.CcittGroup4Fax })
        {
            seeds[$"tiff-{fax}"] = Encode(picture, new TiffEncoder { BitsPerPixel = TiffBitsPerPixel.Bit1, Compression = fax });
        }

        return seeds;
    }

    private static Image<Rgba32> Picture()
    {
        var random = new Random(5);
        var image = new Image<Rgba32>(Width, Height);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                image[x, y] = new((byte)(12 * x), (byte)(18 * y), (byte)random.Next(256), (byte)(x < 5 ? 128 : 255));
            }
        }

        return image;
    }

    /// <summary>Quarters that are best packed each in its own way.</summary>
    private static Image<Rgb24> Quarters()
    {
        var random = new Random(6);
        var image = new Image<Rgb24>(64, 64);
        for (var y = 0; y < 64; y++)
        {
            for (var x = 0; x < 64; x++)
            {
                image[x, y] = (x / 32, y / 32) switch
                {
                    (0, 0) => new((byte)x, (byte)y, 0),
                    (0, _) => new(9, 9, (byte)(random.Next(3) * 100)),
                    (_, 0) => new((byte)(random.Next(4) * 60), 0, 0),
                    _ => new((byte)(x * y), (byte)(x ^ y), 128),
                };
            }
        }

        return image;
    }

    private static Image<Rgba32> Frames(Image<Rgba32> picture, int count)
    {
        var frames = picture.Clone();
        for (var i = 1; i < count; i++)
        {
            frames.Frames.AddFrame(picture.Frames.RootFrame);
        }

        return frames;
    }

    private static byte[] Encode(Image image, IImageEncoder encoder)
    {
        using var stream = new MemoryStream();
        image.Save(stream, encoder);
        return stream.ToArray();
    }

    private static byte[] File(string name) => System.IO.File.ReadAllBytes(TestData.Path($"images/{name}"));

    /// <summary>8 x 3 pixels of 4 bits: runs, literals, a jump, ends of lines and of the picture.</summary>
    private static byte[] RunLengthBitmap()
    {
        byte[] runs = [8, 0x12, 0, 0, 3, 0x33, 0, 5, 0x12, 0x34, 0x50, 0, 0, 0, 0, 2, 2, 0, 6, 0x21, 0, 1];
        byte[] header =
        [
            .. Parts.Little(40),
            .. Parts.Little(8),
            .. Parts.Little(3),
            1,
            0,
            4,
            0,
            .. Parts.Little(2),
            .. Parts.Little(runs.Length),
            .. new byte[8],
            .. Parts.Little(16),
            .. Parts.Little(0),
        ];
        return Bitmap(header, Colours(16, 4), runs);
    }

    /// <summary>OS/2's short header, with colours of three bytes.</summary>
    private static byte[] Os2Bitmap() =>
        Bitmap([.. Parts.Little(12), 6, 0, 4, 0, 1, 0, 8, 0], Colours(256, 3), [.. Enumerable.Range(0, 8 * 4).Select(i => (byte)(7 * i))]);

    private static byte[] Colours(int count, int size) => [.. Enumerable.Range(0, count * size).Select(i => (byte)(i * 5))];

    private static byte[] Bitmap(byte[] header, byte[] colours, byte[] pixels)
    {
        var start = 14 + header.Length + colours.Length;
        return
        [
            .. "BM"u8,
            .. Parts.Little(start + pixels.Length),
            .. Parts.Little(0),
            .. Parts.Little(start),
            .. header,
            .. colours,
            .. pixels,
        ];
    }
}
