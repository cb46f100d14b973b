using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Testing;
using AirMLNet.Weights;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipPreprocessorTests
{
    [TestMethod]
    [DataRow("rgb", "images/rgb.png")]
    [DataRow("gray", "images/gray.png")]
    [DataRow("palette", "images/palette.png")]
    public void Resizing_equals_Pillow_within_one_level(string name, string image)
    {
        var folder = TestData.Path("golden/preprocess");
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "io.safetensors"));
        var crop = new ClipPreprocessor(224).Resize(ImageFile.Load(Path.Combine(folder, image))).Pixels;
        var want = expected.GetBytes($"{name}.resized_u8");
        Assert.AreEqual(want.Length, crop.Length);
        var different = 0;
        for (var i = 0; i < crop.Length; i++)
        {
            Assert.IsLessThanOrEqualTo(1, Math.Abs(crop[i] - want[i]), $"value {i}");
            different += crop[i] == want[i] ? 0 : 1;
        }

        Assert.IsLessThanOrEqualTo(crop.Length / 1000, different);
    }

    [TestMethod]
    [DataRow(31, 57)]
    [DataRow(200, 48)]
    [DataRow(32, 32)]
    [DataRow(33, 32)]
    [DataRow(7, 640)]
    public void The_cropped_window_is_that_of_the_whole_image_resized(int width, int height)
    {
        var random = new Random(width);
        var pixels = new byte[3 * width * height];
        random.NextBytes(pixels);
        var image = new RgbImage(width, height, pixels);
        var preprocessor = new ClipPreprocessor(32);
        var whole = preprocessor.Resize(image);

        var crop = preprocessor.ResizeAndCrop(image);

        int left = (int)Math.Round((whole.Width - 32) / 2.0, MidpointRounding.ToEven),
            top = (int)Math.Round((whole.Height - 32) / 2.0, MidpointRounding.ToEven);
        for (var y = 0; y < 32; y++)
        {
            CollectionAssert.AreEqual(
                whole.Pixels.AsSpan((((top + y) * whole.Width) + left) * 3, 96).ToArray(),
                crop.Pixels.AsSpan(y * 96, 96).ToArray(),
                $"row {y}"
            );
        }
    }

    [TestMethod]
    [DataRow(1, 300)]
    [DataRow(300, 1)]
    [DataRow(1, 1)]
    [DataRow(20_000, 3)]
    [DataRow(3, 20_000)]
    public void Extreme_shapes_cost_what_the_crop_costs(int width, int height)
    {
        var pixels = new byte[3 * width * height];
        Array.Fill(pixels, (byte)77);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var crop = new ClipPreprocessor(224).ResizeAndCrop(new RgbImage(width, height, pixels));

        Assert.IsLessThan(20_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.IsTrue(Array.TrueForAll(crop.Pixels, p => p == 77));
    }

    [TestMethod]
    public void An_image_of_the_right_size_is_only_normalised()
    {
        var pixels = new byte[3 * 4];
        pixels[0] = 255;
        var result = new ClipPreprocessor(2, [0.5f, 0, 0], [0.25f, 1, 1]).Preprocess(new RgbImage(2, 2, pixels));
        CollectionAssert.AreEqual(new float[] { 2, -2, -2, -2, 0, 0, 0, 0, 0, 0, 0, 0 }, result);
    }

    [TestMethod]
    [DataRow("preprocessor_config.json", """{ "size": { "shortest_edge": 64 } }""", 64)]
    [DataRow("preprocessor_config.json", """{ "size": 70, "crop_size": { "height": 64, "width": 64 } }""", 64)]
    [DataRow("open_clip_config.json", """{ "model_cfg": { "vision_cfg": { "image_size": [64, 64] } } }""", 64)]
    [DataRow("config.json", """{ "vision_config": { "image_size": 64 } }""", 64)]
    [DataRow("config.json", """{ "image_resolution": 64 }""", 64)]
    [DataRow("config.json", "{}", 224)]
    public void The_size_is_found_in_every_form(string name, string json, int size)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder[name], json);
        Assert.AreEqual(size, ClipPreprocessor.Load(folder).Size);
    }

    [TestMethod]
    [DataRow("""{ "crop_size": { "height": 64, "width": 96 } }""", "crop_size")]
    [DataRow("""{ "image_mean": "grey" }""", "image_mean")]
    [DataRow("{", "not valid JSON")]
    public void A_configuration_that_cannot_be_is_refused_by_name(string json, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["preprocessor_config.json"], json);
        var message = Assert.ThrowsExactly<InvalidDataException>(() => ClipPreprocessor.Load(folder)).Message;
        Assert.StartsWith(folder["preprocessor_config.json"], message);
        Assert.Contains(expected, message);
    }
}
