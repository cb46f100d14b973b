using AirMLNet.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace AirMLNet.Tests.Images;

/// <summary>The check of a lossless WebP image before it is decoded takes whatever an encoder makes.</summary>
[TestClass]
public sealed class LosslessWebpTests
{
    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(3, 200)]
    [DataRow(64, 64)]
    [DataRow(301, 203)]
    public void Every_pixel_comes_back(int width, int height)
    {
        foreach (var method in new[] { WebpEncodingMethod.Level0, WebpEncodingMethod.Level4, WebpEncodingMethod.Level6 })
        {
            foreach ((var kind, var color) in Pictures)
            {
                var random = new Random(7);
                using var image = new Image<Rgb24>(width, height);
                for (var y = 0; y < height; y++)
                {
                    for (var x = 0; x < width; x++)
                    {
                        image[x, y] = color(x, y, random);
                    }
                }

                var expected = new byte[3 * width * height];
                image.CopyPixelDataTo(expected);
                using var file = new MemoryStream();
                image.SaveAsWebp(file, new WebpEncoder { FileFormat = WebpFileFormatType.Lossless, Method = method });
                CollectionAssert.AreEqual(expected, ImageFile.Decode(file.ToArray(), kind).Pixels, $"{kind}, {method}");
            }
        }
    }

    /// <summary>Noise, smooth colours, few colours (which are packed), and parts that are best packed each in its own way.</summary>
    private static readonly (string, Func<int, int, Random, Rgb24>)[] Pictures =
    [
        ("noise", (_, _, random) => Noise(random)),
        ("gradient", (x, y, _) => new((byte)x, (byte)y, (byte)(x + y))),
        ("two colours", (x, y, _) => (x / 3 + y / 5) % 2 == 0 ? new(1, 2, 3) : new(250, 240, 230)),
        ("eleven colours", (x, y, _) => new((byte)(20 * ((x + y) % 11)), 7, 9)),
        (
            "parts",
            (x, y, random) =>
                (x / 40 + y / 40) switch
                {
                    0 => new((byte)x, (byte)y, 0),
                    1 => Noise(random),
                    2 => new(9, 9, (byte)(random.Next(3) * 100)),
                    3 => new((byte)(random.Next(16) * 16), 0, 0),
                    _ => new((byte)(x * y), (byte)(x ^ y), 128),
                }
        ),
    ];

    private static Rgb24 Noise(Random random) => new((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256));
}
