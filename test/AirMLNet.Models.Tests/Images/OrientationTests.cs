using System.Text;
using AirMLNet.Images;
using AirMLNet.Testing;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.PixelFormats;

namespace AirMLNet.Tests.Images;

/// <summary>Every place where a file can say how it is to be turned, and every way.</summary>
[TestClass]
public sealed class OrientationTests
{
    private const int Width = 24,
        Height = 16;

    public static IEnumerable<object[]> All =>
        from kind in new[] { "jpeg", "png", "png-text", "webp", "tiff" }
        from orientation in Enumerable.Range(1, 8)
        select new object[] { kind, orientation };

    [TestMethod]
    [DynamicData(nameof(All))]
    public void The_image_is_upright(string kind, int orientation)
    {
        var image = ImageFile.Decode(Oriented(kind, orientation), kind);

        Assert.AreEqual(orientation < 5 ? (Width, Height) : (Height, Width), (image.Width, image.Height));
        // Where the stored corners come to lie: EXIF's number says which edges the first row and the first column are.
        (var row, var column) = orientation switch
        {
            1 => ("top", "left"),
            2 => ("top", "right"),
            3 => ("bottom", "right"),
            4 => ("bottom", "left"),
            5 => ("left", "top"),
            6 => ("right", "top"),
            7 => ("right", "bottom"),
            _ => ("left", "bottom"),
        };
        string[] red = [row, column];
        int x = red.Contains("left") ? 2 : image.Width - 3,
            y = red.Contains("top") ? 2 : image.Height - 3;
        Assert.AreEqual("red", Color(image, x, y), "the corner of the first row and column");
        // Green lies at the other end of the first row.
        var rowIsHorizontal = orientation < 5;
        (var greenX, var greenY) = rowIsHorizontal ? (image.Width - 1 - x, y) : (x, image.Height - 1 - y);
        Assert.AreEqual("green", Color(image, greenX, greenY), "the corner of the first row and the last column");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(9)]
    public void A_number_that_means_nothing_turns_nothing(int orientation) =>
        Assert.AreEqual("red", Color(ImageFile.Decode(Oriented("png", orientation), "odd"), 2, 2));

    private static string Color(RgbImage image, int x, int y)
    {
        ReadOnlySpan<byte> p = image.Pixels.AsSpan(3 * ((y * image.Width) + x), 3);
        return (p[0] > 150, p[1] > 150, p[2] > 150) switch
        {
            (true, false, false) => "red",
            (false, true, false) => "green",
            (false, false, false) => "black",
            _ => $"({p[0]}, {p[1]}, {p[2]})",
        };
    }

    /// <summary>Black with a red corner at the first row and column, and a green one at the first row and last column.</summary>
    private static Image<Rgb24> Picture()
    {
        var image = new Image<Rgb24>(Width, Height);
        for (var y = 0; y < 8; y++)
        {
            for (var x = 0; x < 8; x++)
            {
                (image[x, y], image[Width - 1 - x, y]) = (new(255, 0, 0), new(0, 255, 0));
            }
        }

        return image;
    }

    private static byte[] Oriented(string kind, int orientation)
    {
        using var picture = Picture();
        using var stream = new MemoryStream();
        var exif = Parts.Exif(orientation);
        switch (kind)
        {
            case "jpeg":
                picture.SaveAsJpeg(stream);
                return [0xff, 0xd8, 0xff, 0xe1, 0, (byte)(exif.Length + 2), .. exif, .. stream.ToArray()[2..]];
            case "png" or "png-text":
                picture.SaveAsPng(stream, new PngEncoder { ColorType = PngColorType.Rgb });
                var png = stream.ToArray();
                var chunk =
                    kind == "png"
                        ? Parts.PngChunk("eXIf"u8, exif[6..])
                        : Parts.PngChunk("zTXt"u8, [.. "Raw profile type exif\0\0"u8, .. Parts.Deflated(AsText(exif))]);
                return [.. png[..33], .. chunk, .. png[33..]];
            case "webp":
                picture.SaveAsWebp(stream);
                return Parts.Webp(8, Width, Height, stream.ToArray()[12..], Parts.RiffChunk("EXIF"u8, exif));
            default:
                var pixels = new byte[3 * Width * Height];
                picture.CopyPixelDataTo(pixels);
                // The bits of the three samples stand behind the pixels.
                return Parts.Tiff(
                    [.. pixels, 8, 0, 8, 0, 8, 0],
                    (256, 3, 1, Width),
                    (257, 3, 1, Height),
                    (258, 3, 3, 8 + pixels.Length),
                    (259, 3, 1, 1),
                    (262, 3, 1, 2),
                    (273, 4, 1, 8),
                    (274, 3, 1, orientation),
                    (277, 3, 1, 3),
                    (278, 4, 1, Height),
                    (279, 4, 1, pixels.Length)
                );
        }
    }

    /// <summary>As ImageMagick writes it: a name, the length, and lines of 36 bytes.</summary>
    private static byte[] AsText(byte[] exif) =>
        Encoding.ASCII.GetBytes(
            $"\nexif\n{exif.Length, 8}\n{string.Join('\n', exif.Chunk(36).Select(line => Convert.ToHexStringLower(line)))}\n"
        );
}
