using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace AirMLNet.Images;

/// <summary>SixLabors.ImageSharp 3.1.</summary>
internal sealed class ImageSharpCodec : IImageCodec
{


    private static readonly PngEncoder Png = new() { ColorType = PngColorType.Rgb, BitDepth = PngBitDepth.Bit8, IgnoreMetadata = true };

    public RgbImage Decode(ReadOnlySpan<byte> bytes, string name, long maxPixels)
    {
        try
        {
            IImageInfo info = Image.Identify(bytes.ToArray());
            if ((long)info.Width * info.Height > maxPixels)
            {
                throw new InvalidDataException(
                    $"{name}: {info.Width} x {info.Height} pixels; at most {maxPixels / 1_000_000.0:0.###} megapixels are read.");
            }

            using Image<Rgba32> decoded = Image.Load<Rgba32>(bytes);
            decoded.Mutate(context => context.AutoOrient().BackgroundColor(Color.White));
            using Image<Rgb24> image = decoded.CloneAs<Rgb24>();
            byte[] pixels = GC.AllocateUninitializedArray<byte>(checked(3 * image.Width * image.Height));
            image.CopyPixelDataTo(pixels);
            return new RgbImage(image.Width, image.Height, pixels);
        }
        catch (ImageFormatException e)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }
        catch (NotSupportedException e)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }
    }

    public byte[] EncodePng(RgbImage image)
    {
        using Image<Rgb24> pixels = Image.LoadPixelData<Rgb24>(image.Pixels.AsSpan(), image.Width, image.Height);
        using var encoded = new MemoryStream();
        pixels.Save(encoded, Png);
        return encoded.ToArray();
    }
}

/// <summary>Names the codec of this set of packages.</summary>
internal static class ImageCodec
{
    internal static IImageCodec Current { get; } = new ImageSharpCodec();
}
