using Microsoft.ML.Data;

namespace AirMLNet.Images;

/// <summary>The system's gdk-pixbuf, through the bindings of the offline image package.</summary>
internal sealed class GdkPixbufCodec : IImageCodec
{
    public RgbImage Decode(ReadOnlySpan<byte> bytes, string name, long maxPixels)
    {
        DecodedImage image = GdkPixbuf.Decode(bytes, name, maxPixels);
        return new RgbImage(image.Width, image.Height, image.Channels == 3 ? image.Pixels : FlattenOnWhite(image.Pixels));
    }

    public byte[] EncodePng(RgbImage image)
        => GdkPixbuf.Encode("png", image.Width, image.Height, 3, image.Pixels);

    private static byte[] FlattenOnWhite(byte[] rgba)
    {
        byte[] rgb = GC.AllocateUninitializedArray<byte>(rgba.Length / 4 * 3);
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3)
        {
            int alpha = rgba[from + 3];
            int white = 255 * (255 - alpha) + 127; // the white behind, and half a unit to round
            rgb[to] = (byte)((rgba[from] * alpha + white) / 255);
            rgb[to + 1] = (byte)((rgba[from + 1] * alpha + white) / 255);
            rgb[to + 2] = (byte)((rgba[from + 2] * alpha + white) / 255);
        }

        return rgb;
    }
}

/// <summary>Names the codec of this set of packages.</summary>
internal static class ImageCodec
{
    internal static IImageCodec Current { get; } = new GdkPixbufCodec();
}
