#nullable disable
using System.Buffers.Binary;
using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.Tests.ImageAnalytics;

[TestClass]
public sealed class ImageLoadingTests
{
    private string _folder;

    private sealed class Row
    {
        public string Path { get; set; }
    }

    private sealed class Loaded
    {
        [ImageType]
        public MLImage Image { get; set; }
    }

    [TestInitialize]
    public void Create() => _folder = Directory.CreateTempSubdirectory("mlimage").FullName;

    [TestCleanup]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void A_saved_image_comes_back()
    {
        byte[] pixels = Noise(17, 9);
        string file = Save("a.png", 17, 9, pixels);
        using MLImage image = MLImage.CreateFromFile(file);
        Assert.AreEqual((17, 9, MLPixelFormat.Bgra32, 32), (image.Width, image.Height, image.PixelFormat, image.BitsPerPixel));
        CollectionAssert.AreEqual(pixels, image.Pixels.ToArray());
        Assert.HasCount(17 * 9 * 3, image.GetBGRPixels);
    }

    [TestMethod]
    [DataRow("png")]
    [DataRow("jpg")]
    [DataRow("bmp")]
    public void A_truncated_file_is_an_error(string extension)
    {
        string file = Save("a." + extension, 40, 30, Noise(40, 30));
        byte[] whole = File.ReadAllBytes(file);
        foreach (double share in new[] { 0.0, 0.01, 0.3, 0.6, 0.95 })
        {
            File.WriteAllBytes(file, whole[..(int)(share * whole.Length)]);
            var e = Assert.ThrowsExactly<ArgumentException>(() => MLImage.CreateFromFile(file), $"{share:P0} of the file");
            StringAssert.Contains(e.Message, file);
        }
    }

    [TestMethod]
    public void A_png_whose_pixels_end_early_is_an_error()
    {
        byte[] few = Png(64, 64, new byte[(64 * 3 + 1) * 20]);
        Assert.ThrowsExactly<InvalidDataException>(() => GdkPixbuf.Decode(few, "short.png"));
        Assert.AreEqual(64, GdkPixbuf.Decode(Png(64, 64, new byte[(64 * 3 + 1) * 64]), "whole.png").Width);
    }

    [TestMethod]
    public void A_huge_image_is_refused_from_its_header()
    {
        byte[] bomb = Png(60_000, 60_000, new byte[1000]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.ThrowsExactly<InvalidDataException>(() => GdkPixbuf.Decode(bomb, "bomb.png"));
        StringAssert.Contains(e.Message, "60000 x 60000");
        Assert.IsLessThan(1_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void Threads_decode_the_same_pixels()
    {
        byte[] pixels = Noise(32, 32);
        string file = Save("a.png", 32, 32, pixels);
        byte[] bytes = File.ReadAllBytes(file);
        byte[] expected = GdkPixbuf.Decode(bytes, file).Pixels;
        Parallel.For(0, 500, _ => CollectionAssert.AreEqual(expected, GdkPixbuf.Decode(bytes, file).Pixels));
    }

    [TestMethod]
    public void The_stage_loads_images_also_after_saving()
    {
        Save("a.png", 5, 4, Noise(5, 4));
        var ml = new MLContext(1);
        IDataView data = ml.Data.LoadFromEnumerable([new Row { Path = "a.png" }]);
        ITransformer model = ml.Transforms.LoadImages("Image", _folder, "Path").Fit(data);
        Assert.AreEqual(new ImageDataViewType(), model.GetOutputSchema(data.Schema)["Image"].Type);
        string file = Path.Combine(_folder, "model.zip");
        ml.Model.Save(model, data.Schema, file);
        foreach (ITransformer stage in new[] { model, new MLContext(2).Model.Load(file, out _) })
        {
            Loaded row = ml.Data.CreateEnumerable<Loaded>(stage.Transform(data), false, ignoreMissingColumns: true).Single();
            Assert.AreEqual((5, 4), (row.Image.Width, row.Image.Height));
            Assert.AreEqual(Path.Combine(_folder, "a.png"), row.Image.Tag);
        }
    }

    private string Save(string name, int width, int height, byte[] pixels)
    {
        string file = Path.Combine(_folder, name);
        using MLImage image = MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, pixels);
        image.Save(file);
        return file;
    }

    private static byte[] Noise(int width, int height)
    {
        byte[] pixels = new byte[4 * width * height];
        new Random(3).NextBytes(pixels);
        for (int i = 3; i < pixels.Length; i += 4)
        {
            pixels[i] = 255;
        }

        return pixels;
    }

    /// <summary>An 8-bit RGB PNG with any claimed size and any rows.</summary>
    private static byte[] Png(int width, int height, byte[] rows)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        Chunk(file, "IHDR"u8, header);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write(rows);
        }

        Chunk(file, "IDAT"u8, packed.ToArray());
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void Chunk(MemoryStream file, ReadOnlySpan<byte> type, byte[] data)
    {
        byte[] number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        byte[] body = [.. type, .. data];
        file.Write(body);
        uint crc = uint.MaxValue;
        foreach (byte b in body)
        {
            crc ^= b;
            for (int k = 0; k < 8; k++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
        file.Write(number);
    }
}
