using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Images;

/// <summary>Kinds of image files that are not plain 8-bit RGB. The files were written with Pillow.</summary>
[TestClass]
public sealed class OddImageTests
{
    // 8 x 8, CMYK (0, 200, 100, 30) in Adobe's inverted form; Pillow reads (225, 49, 137).
    internal const string Cmyk =
        "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggLCAkKCgoKCgYICwwLCgwJCgoK/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD9/K/NuvbK/YSv/9k=";

    // 6 x 4, two frames: (250, 10, 20), then (5, 240, 30).
    private const string Animated =
        "R0lGODlhBgAEAIEAAPoKFAAAAAAAAAAAACH5BAAKAAAALAAAAAAGAAQAAAgLAAEIHEiwoMGBAQEAIfkEAAoAAAAsAAAAAAYABACBBfAeAAAAAAAAAAAACAsAAQgcSLCgwYEBAQA7";

    // 6 x 4, lossless, (250, 10, 20).
    private const string WebP = "UklGRh4AAABXRUJQVlA4TBEAAAAvBcAAAAdQheqXov+BiOh/AAA=";

    // 5 x 3, 16-bit grey, 0x8040.
    private const string Grey16 = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADEAAAAAAuzUZnAAAAEklEQVR4nGNscGCAAiYGBixMABhEAMb3qBV5AAAAAElFTkSuQmCC";

    // 5 x 3, grey 100 with alpha 128.
    private const string GreyAlpha = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAQAAADxPw1zAAAAEklEQVR4nGNMaWCAAiYGBixMAByEAOqbnIU/AAAAAElFTkSuQmCC";

    [TestMethod]
    [DataRow(Animated, 6, 4, 250, 10, 20, 0)]
    [DataRow(Grey16, 5, 3, 128, 128, 128, 0)] // the upper eight bits
    [DataRow(GreyAlpha, 5, 3, 177, 177, 177, 1)] // 100 · 128/255 + 255 · 127/255
    [DataRow(Cmyk, 8, 8, 225, 49, 137, 3)]
    [DataRow(WebP, 6, 4, 250, 10, 20, 0)]
    public void Become_8_bit_RGB(string file, int width, int height, int red, int green, int blue, int tolerance)
    {
        var image = ImageFile.Decode(Convert.FromBase64String(file), "odd");

        Assert.AreEqual((width, height), (image.Width, image.Height));
        for (var i = 0; i < image.Pixels.Length; i++)
        {
            Assert.AreEqual(
                i % 3 == 0 ? red
                    : i % 3 == 1 ? green
                    : blue,
                image.Pixels[i],
                (double)tolerance
            );
        }
    }

    [TestMethod]
    public void A_decompression_bomb_is_refused_from_its_header()
    {
        var bomb = Parts.PngWithoutPixels(20_000, 20_000);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var message = Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Decode(bomb, "bomb.png")).Message;

        Assert.Contains("bomb.png: 20000 x 20000 pixels; at most 100 megapixels", message);
        Assert.IsLessThan(50_000_000, GC.GetTotalAllocatedBytes(precise: true) - before);
        Assert.Contains(
            "at most 0.001",
            Assert
                .ThrowsExactly<UnreadableImageException>(() => ImageFile.Decode(Parts.PngWithoutPixels(40, 40), "small.png", 1000))
                .Message
        );
    }
}
