using AirMLNet.Clip;
using AirMLNet.Images;
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
    public void An_image_of_the_right_size_is_only_normalised()
    {
        var pixels = new byte[3 * 4];
        pixels[0] = 255;
        var result = new ClipPreprocessor(2, [0.5f, 0, 0], [0.25f, 1, 1]).Preprocess(new RgbImage(2, 2, pixels));
        CollectionAssert.AreEqual(new float[] { 2, -2, -2, -2, 0, 0, 0, 0, 0, 0, 0, 0 }, result);
    }
}
