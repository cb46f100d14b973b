using AirMLNet.FineTuning;
using AirMLNet.Images;
using AirMLNet.Optimisation;

namespace AirMLNet.Tests.FineTuning;

[TestClass]
public sealed class RandomCropTests
{
    [TestMethod]
    public void WindowsHaveTheShareOfTheAreaThatWasAskedFor()
    {
        var crop = new RandomCrop();
        HashSet<(int, int, int, int)> different = [];
        for (var i = 0; i < 500; i++)
        {
            var (left, top, width, height) = crop.Window(200, 190, SeededRandom.Create(1, 2, i));
            Assert.IsTrue(left >= 0 && top >= 0 && left + width <= 200 && top + height <= 190);
            Assert.IsGreaterThan(0.89, width * height / (200.0 * 190)); // rounding may cost half a pixel a side
            different.Add((left, top, width, height));
        }
        Assert.IsGreaterThan(100, different.Count);
    }

    [TestMethod]
    [DataRow(1000, 10, 493, 0, 13, 10)] // far too wide: the middle, at 4:3
    [DataRow(10, 1000, 0, 493, 10, 13)]
    public void WhereNothingFits_TheMiddleIsTaken(int width, int height, int left, int top, int wide, int high) =>
        Assert.AreEqual((left, top, wide, high), new RandomCrop(1, 1).Window(width, height, new Random(1)));

    [TestMethod]
    public void TheCropIsThatWindowResampled()
    {
        var pixels = new byte[3 * 40 * 30];
        new Random(5).NextBytes(pixels);
        var image = new RgbImage(40, 30, pixels);
        var crop = new RandomCrop(0.5, 0.6);
        var (left, top, width, height) = crop.Window(40, 30, new Random(7));
        var found = crop.Of(image, 16, new Random(7));
        var part = new byte[3 * width * height];
        for (var y = 0; y < height; y++)
        {
            Array.Copy(pixels, 3 * (((top + y) * 40) + left), part, 3 * width * y, 3 * width);
        }
        CollectionAssert.AreEqual(PilResize.Bicubic(new RgbImage(width, height, part), 16, 16).Pixels, found.Pixels);
    }
}
