using System.Buffers.Binary;
using AirMLNet.Images;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Images;

/// <summary>
/// Files made to take more than they look like. Each took gigabytes or many seconds of the decoder, or more than the limit that
/// was asked for; the figures are ImageSharp 2.1.13's own.
/// </summary>
[TestClass]
[DoNotParallelize] // counts what is allocated
public sealed class HostileImageTests
{
    private const long MaxPixels = 1_000_000,
        Mebibyte = 1 << 20;
    private const int Width = 19,
        Height = 13;

    private static readonly byte[] Lossy = SeedImages.All["webp-lossy"][12..],
        Lossless = SeedImages.All["webp-lossless"][12..];

    [TestMethod]
    public void A_WebP_image_larger_than_its_canvas_is_refused() =>
        Refused(Parts.Webp(0, Width, Height, Claiming(2000, 1000)), "not as large as its header says");

    [TestMethod]
    public void Of_two_images_in_a_WebP_file_the_first_is_read() // 640 bytes: 3.2 GB and 12 s for the second
        => Read(Parts.Webp(0, Width, Height, Lossy, Claiming(16384, 16384)));

    [TestMethod]
    public void A_WebP_frame_larger_than_it_says_or_outside_its_canvas_is_refused()
    {
        Refused(Parts.Webp(2, Width, Height, Parts.WebpFrame(Width, Height, Claiming(2000, 1000))), "not as large as its header says");
        Refused(Parts.Webp(2, Width - 1, Height, Parts.WebpFrame(Width, Height, Lossy)), "outside its canvas");
    }

    [TestMethod]
    public void A_lossless_WebP_image_that_claims_thousands_of_groups_of_codes_is_refused() // 132 bytes: 2.6 GB
    {
        var bits = ManyGroups();
        Refused(Parts.RiffChunk("RIFF"u8, [.. "WEBP"u8, .. Parts.RiffChunk("VP8L"u8, [0x2f, 0, 0, 0, 0, .. bits])]), "65536 groups");
        Refused(Parts.Webp(16, Width, Height, Parts.RiffChunk("ALPH"u8, [1, .. bits]), Lossy), "65536 groups");
    }

    [TestMethod]
    public void A_PNG_file_with_a_second_header_is_refused() =>
        Refused(Parts.Png(Parts.PngHeader(4, 4), Parts.PngHeader(8000, 8000), Rows(4, 4)), "two headers");

    [TestMethod]
    [DataRow("zTXt", "a\0\0")] // 65 kB: 870 MB and 2 s
    [DataRow("iTXt", "a\0\u0001\0\0\0")]
    [DataRow("zTXt", "Raw profile type exif\0\0")]
    public void Compressed_texts_in_PNG_files_cost_nothing(string chunk, string name)
    {
        byte[] text = [.. name.Select(c => (byte)c), .. Parts.Deflated(new byte[64 * Mebibyte])];
        Read(Parts.Png(Parts.PngHeader(4, 4), Parts.PngChunk(chunk.Select(c => (byte)c).ToArray(), text), Rows(4, 4)));
    }

    [TestMethod]
    public void A_GIF_frame_wider_than_its_screen_counts_with_its_width()
    {
        byte[] gif = [.. SeedImages.All["gif"]];
        var frame = 13 + (3 << ((gif[10] & 7) + 1));
        while (gif[frame] != 0x2c)
        {
            frame++;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(gif.AsSpan(6), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(gif.AsSpan(8), 65535);
        BinaryPrimitives.WriteUInt16LittleEndian(gif.AsSpan(frame + 5), 65535);
        Refused(gif, "65535 x 65535 pixels; at most 1 megapixels");
    }

    [TestMethod]
    public void A_JPEG_file_of_hundreds_of_scans_is_refused() // a dozen bytes for a pass over the whole image
    {
        var whole = SeedImages.All["jpeg-progressive"];
        byte[] WithScans(int more) => [.. whole[..^2], .. Enumerable.Repeat(whole[461..491], more).SelectMany(b => b), 0xff, 0xd9];
        Read(WithScans(100));
        Refused(WithScans(300), "more than 200 scans");
    }

    [TestMethod]
    public void TIFF_strips_of_more_rows_than_the_image_take_the_memory_of_the_image() // 257 bytes: 640 MB
    {
        var file = Tiff(compression: 1, (278, 4, 1, 200_000_000));
        Read(file);
        using var folder = new TemporaryFolder();
        var path = folder["strips.tif"];
        File.WriteAllBytes(path, file);
        (var code, var output, var error) = ChildProcess.Run("--image-memory", TestData.Path("images/exif/exif.jpg"), path);
        Assert.AreEqual(0, code, error);
        Assert.IsLessThan(60 * Mebibyte, long.Parse(output, System.Globalization.CultureInfo.InvariantCulture));
    }

    [TestMethod]
    public void A_JPEG_strip_larger_than_its_TIFF_image_is_refused() // 1 kB: 150 MB and 2 s
    {
        byte[] tiff = [.. SeedImages.All["tiff-jpeg"]];
        var frame = tiff.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc0]);
        BinaryPrimitives.WriteUInt16BigEndian(tiff.AsSpan(frame + 5), 8000);
        BinaryPrimitives.WriteUInt16BigEndian(tiff.AsSpan(frame + 7), 8000);
        Refused(tiff, "a strip larger than the image");
    }

    [TestMethod]
    public void TIFF_entries_that_share_their_values_are_refused() // 240 kB: 4.8 GB and 19 s
        => Refused(Tiff(compression: 1, [.. Enumerable.Range(0, 2000).Select(i => (0x8000 + i, 7, 20_000, 8))]), "overlap");

    [TestMethod]
    public void A_TIFF_page_with_two_widths_is_refused() => Refused(Tiff(compression: 1, (256, 4, 1, 60_000)), "two entries 256");

    [TestMethod]
    public void TIFF_samples_of_thousands_of_bits_are_refused() =>
        Refused(
            Parts.Tiff(
                new byte[4],
                (256, 3, 1, 2),
                (257, 3, 1, 2),
                (258, 3, 1, 60_000),
                (259, 3, 1, 1),
                (262, 3, 1, 3),
                (273, 4, 1, 8),
                (279, 4, 1, 4)
            ),
            "bits"
        );

    [TestMethod]
    public void TIFF_pages_that_go_in_a_circle_are_refused()
    {
        var tiff = Tiff(compression: 1);
        Parts.Little(12).CopyTo(tiff, tiff.Length - 4); // the next page is this one
        Refused(tiff, "overlap");
    }

    /// <summary>2 x 2 grey pixels.</summary>
    private static byte[] Tiff(int compression, params (int Tag, int Type, int Count, int Value)[] more) =>
        Parts.Tiff(
            [10, 20, 30, 40],
            [
                (256, 3, 1, 2),
                (257, 3, 1, 2),
                (258, 3, 1, 8),
                (259, 3, 1, compression),
                (262, 3, 1, 1),
                (273, 4, 1, 8),
                (279, 4, 1, 4),
                .. more,
            ]
        );

    private static byte[] Rows(int width, int height) => Parts.PngChunk("IDAT"u8, Parts.Deflated(new byte[(1 + (3 * width)) * height]));

    /// <summary>The lossless image with another size in its header.</summary>
    private static byte[] Claiming(int width, int height) =>
        Parts.RiffChunk("VP8L"u8, [0x2f, .. Parts.Little((width - 1) | ((height - 1) << 14)), .. Lossless[13..]]);

    /// <summary>No transform, a cache of 11 bits, and an image of one block whose group of codes has the number 65,535.</summary>
    private static byte[] ManyGroups()
    {
        List<int> bits = [0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0];
        foreach (var symbol in new[] { 255, 255, 0, 0, 0 })
        {
            bits.AddRange([1, 0, 1]); // one symbol, of eight bits
            bits.AddRange(Enumerable.Range(0, 8).Select(i => (symbol >> i) & 1));
        }

        return [.. bits.Chunk(8).Select(eight => (byte)eight.Select((bit, i) => bit << i).Sum()), .. new byte[50]];
    }

    private static void Refused(byte[] file, string why)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var message = Assert.ThrowsExactly<UnreadableImageException>(() => ImageFile.Decode(file, "hostile", MaxPixels)).Message;
        Assert.Contains("hostile", message);
        Assert.Contains(why, message);
        Assert.IsLessThan(4 * Mebibyte, GC.GetTotalAllocatedBytes(precise: true) - before);
    }

    private static void Read(byte[] file)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var image = ImageFile.Decode(file, "hostile", MaxPixels);
        Assert.IsLessThan(MaxPixels, (long)image.Width * image.Height);
        Assert.IsLessThan(4 * Mebibyte, GC.GetTotalAllocatedBytes(precise: true) - before);
    }
}
