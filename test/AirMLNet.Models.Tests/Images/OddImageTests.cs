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

    // 5 x 1, 6 x 3 and 16 x 2, interlaced, grey 7.
    private const string Interlaced5 = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAABCAAAAAFEkgu5AAAADUlEQVR4nGNgZwBDdgAAnAAki5QS1wAAAABJRU5ErkJggg==",
        Interlaced6 = "iVBORw0KGgoAAAANSUhEUgAAAAYAAAADCAAAAAHibRGxAAAAEElEQVR4nGNgZwBDdhQMBAAFrQB/P+F27AAAAABJRU5ErkJggg==",
        Interlaced16 = "iVBORw0KGgoAAAANSUhEUgAAABAAAAACCAAAAAEDgTO7AAAAEklEQVR4nGNgZ2cAIyiBwoABAA9nAOFol4U6AAAAAElFTkSuQmCC";

    [TestMethod]
    [DataRow(Interlaced5, 5, 1, 7, 7, 7, 0)]
    [DataRow(Interlaced6, 6, 3, 7, 7, 7, 0)]
    [DataRow(Interlaced16, 16, 2, 7, 7, 7, 0)]
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

    /// <summary>A sample has one bit where the file does not say how many, by the standard's default.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(0)]
    public void A_TIFF_that_does_not_say_its_bits_has_one(int blackIsZero)
    {
        var file = Parts.Tiff(
            [0b1010_0000, 0b0100_0000, 0],
            (256, 3, 1, 3),
            (257, 3, 1, 2),
            (259, 3, 1, 1),
            (262, 3, 1, blackIsZero),
            (273, 4, 1, 8),
            (278, 3, 1, 2),
            (279, 4, 1, 2)
        );
        var (on, off) = blackIsZero == 1 ? (255, 0) : (0, 255);
        var image = ImageFile.Decode(file, "bits.tif");
        CollectionAssert.AreEqual(
            new[] { on, off, on, off, on, off },
            image.Pixels.Where((_, i) => i % 3 == 0).Select(p => (int)p).ToArray()
        );
    }

    /// <summary>Without masks the fourth byte of a bitmap's pixel is no transparency: Pillow and browsers do not look at it.</summary>
    [TestMethod]
    public void A_bitmap_of_32_bits_without_masks_is_opaque()
    {
        byte[] file =
        [
            .. "BM"u8,
            .. Parts.Little(54 + 8),
            .. Parts.Little(0),
            .. Parts.Little(54),
            .. Parts.Little(40),
            .. Parts.Little(2),
            .. Parts.Little(1),
            .. Parts.Little(1 | (32 << 16)),
            .. new byte[24],
            .. new byte[] { 30, 20, 10, 7, 60, 50, 40, 200 },
        ];
        CollectionAssert.AreEqual(new byte[] { 10, 20, 30, 40, 50, 60 }, ImageFile.Decode(file, "x.bmp").Pixels.ToArray());
    }

    [TestMethod]
    [DataRow("\0\0\0\u0018ftypheic", "but HEIC")]
    [DataRow("\0\0\0\u0018ftypavif", "but AVIF")]
    [DataRow("%PDF-1.7", "but PDF")]
    [DataRow("<!DOCTYPE html><p>403", "but a web page")]
    [DataRow("\n<?xml version='1.0'?><svg>", "but SVG")]
    [DataRow("{\"error\": 404}", "but a text")]
    [DataRow("version https://git-lfs.github.com/spec/v1", "'git lfs pull'")]
    [DataRow("anything", "WebP image.")]
    public void What_is_no_image_that_is_read_is_said(string start, string expected)
    {
        var bytes = start.Select(c => (byte)c).ToArray();
        Assert.Contains(expected, Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Decode(bytes, "x.jpg")).Message);
    }

    [TestMethod]
    [DataRow("https://example.org/a.jpg", "an address is no path")]
    [DataRow("photos/\ufffd.jpg", "is not UTF-8")]
    [DataRow("photos/none.jpg", "does not exist")]
    public void Why_a_file_is_not_there_is_said(string path, string expected) =>
        Assert.Contains(expected, Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Load(path)).Message);

    /// <summary>The decoder never ended, or said that the file was damaged.</summary>
    [TestMethod]
    [DataRow("iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAAAAAHPGAlQAAAADklEQVR4nGNgZwBDdnYAAMcAKylnFAsAAAAASUVORK5CYII=", 3)]
    [DataRow("iVBORw0KGgoAAAANSUhEUgAAAAEAAAAJCAAAAAGhKimuAAAADElEQVR4nGNgZ0CDAAJJAEB428m4AAAAAElFTkSuQmCC", 1)]
    public void Interlaced_images_too_narrow_for_the_decoder_are_refused(string file, int width) =>
        Assert.Contains(
            $"an interlaced PNG of {width} pixels' width is not read",
            Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Decode(Convert.FromBase64String(file), "a.png")).Message
        );

    /// <summary>16 x 4, of which the left twelve columns are white and 0 is black: as a fax they came out inverted.</summary>
    [TestMethod]
    [DataRow(
        "SUkqABAAAAAmof/wAQAQAAkAAAEDAAEAAAAQAAAAAQEDAAEAAAAEAAAAAgEDAAEAAAABAAAAAwEDAAEAAAAEAAAABgEDAAEAAAAB"
            + "AAAAEQEEAAEAAAAIAAAAFgEDAAEAAAAEAAAAFwEEAAEAAAAHAAAAHAEDAAEAAAABAAAAAAAAAA=="
    )]
    [DataRow(
        "SUkqABgAAAAAE1D2ACah7ABNQ9gAmoewCQAAAQMAAQAAABAAAAABAQMAAQAAAAQAAAACAQMAAQAAAAEAAAADAQMAAQAAAAMAAAAG"
            + "AQMAAQAAAAEAAAARAQQAAQAAAAgAAAAWAQMAAQAAAAQAAAAXAQQAAQAAABAAAAAcAQMAAQAAAAEAAAAAAAAA"
    )]
    [DataRow(
        "SUkqABQAAAA1D2A1D2A1D2A1D2AJAAABAwABAAAAEAAAAAEBAwABAAAABAAAAAIBAwABAAAAAQAAAAMBAwABAAAAAgAAAAYBAwAB"
            + "AAAAAQAAABEBBAABAAAACAAAABYBAwABAAAABAAAABcBBAABAAAADAAAABwBAwABAAAAAQAAAAAAAAA="
    )]
    public void Faxes_have_their_own_black(string file)
    {
        var image = ImageFile.Decode(Convert.FromBase64String(file), "fax.tif");
        Assert.AreEqual((16, 4), (image.Width, image.Height));
        for (var i = 0; i < image.Pixels.Length; i++)
        {
            Assert.AreEqual(i / 3 % 16 < 12 ? 255 : 0, image.Pixels[i]);
        }
    }

    /// <summary>4 x 2, 200.0 each: they came out white.</summary>
    [TestMethod]
    public void Floating_point_samples_are_refused() =>
        Assert.Contains(
            "floating-point",
            Assert
                .ThrowsExactly<UnreadableImageException>(() =>
                    ImageFile.Decode(
                        Convert.FromBase64String(
                            "SUkqAAgAAAAKAAABBAABAAAABAAAAAEBBAABAAAAAgAAAAIBAwABAAAAIAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAQAAABEBBAAB"
                                + "AAAAhgAAABYBBAABAAAAAgAAABcBBAABAAAAIAAAABwBAwABAAAAAQAAAFMBAwABAAAAAwAAAAAAAAAAAEhDAABIQwAASEMAAEhD"
                                + "AABIQwAASEMAAEhDAABIQw=="
                        ),
                        "float.tif"
                    )
                )
                .Message
        );

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
