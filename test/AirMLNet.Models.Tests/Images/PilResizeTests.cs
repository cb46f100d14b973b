using AirMLNet.Images;

namespace AirMLNet.Tests.Images;

/// <summary>Resampling equals, byte for byte, what Pillow's definition says, whichever instructions the processor has.</summary>
[TestClass]
public sealed class PilResizeTests
{
    [TestMethod]
    public void Small_images_of_every_size_are_resampled_to_any_other()
    {
        var random = new Random(1);
        for (var width = 1; width <= 40; width++)
        {
            for (var height = 1; height <= 40; height++)
            {
                Check(Noise(random, width, height), random.Next(1, 41), random.Next(1, 41));
            }
        }
    }

    [TestMethod]
    public void Every_size_is_reached_from_a_few()
    {
        var random = new Random(2);
        foreach ((var width, var height) in new[] { (1, 1), (3, 5), (17, 13), (40, 39) })
        {
            for (var size = 1; size <= 40; size++)
            {
                Check(Noise(random, width, height), size, 41 - size);
            }
        }
    }

    [TestMethod]
    [DataRow(224, 224, 336, 336)]
    [DataRow(301, 199, 224, 148)]
    [DataRow(640, 9, 71, 3)]
    [DataRow(9, 640, 3, 71)]
    [DataRow(500, 333, 37, 501)]
    [DataRow(1, 700, 50, 224)]
    [DataRow(257, 259, 257, 97)] // one pass only: the other direction keeps its size
    [DataRow(257, 259, 97, 259)]
    [DataRow(101, 103, 101, 103)]
    [DataRow(800, 600, 2, 1)]
    public void Larger_images_too(int width, int height, int newWidth, int newHeight)
    {
        var random = new Random(width + newHeight);
        Check(Noise(random, width, height), newWidth, newHeight);
        Check(Extremes(random, width, height), newWidth, newHeight);
    }

    [TestMethod]
    public void A_window_is_that_part_of_the_whole()
    {
        var random = new Random(3);
        for (var i = 0; i < 600; i++)
        {
            var most = i % 10 == 0 ? 300 : 40;
            var image =
                i % 2 == 0
                    ? Noise(random, random.Next(1, most), random.Next(1, most))
                    : Extremes(random, random.Next(1, most), random.Next(1, most));
            int width = i % 7 == 0 ? image.Width : random.Next(1, most),
                height = i % 11 == 0 ? image.Height : random.Next(1, most);
            int windowWidth = random.Next(1, width + 1),
                windowHeight = random.Next(1, height + 1);
            int left = random.Next(width - windowWidth + 1),
                top = random.Next(height - windowHeight + 1);

            var found = PilResize.Bicubic(image, width, height, left, top, windowWidth, windowHeight);

            var whole = Defined(image, width, height);
            var expected = new byte[3 * windowWidth * windowHeight];
            for (var y = 0; y < windowHeight; y++)
            {
                Array.Copy(whole.Pixels, 3 * (((top + y) * width) + left), expected, 3 * windowWidth * y, 3 * windowWidth);
            }

            Assert.AreEqual((windowWidth, windowHeight), (found.Width, found.Height));
            AssertSame(
                expected,
                found.Pixels,
                $"{image.Width} x {image.Height} to {width} x {height}, {windowWidth} x {windowHeight} at {left}, {top}"
            );
        }
    }

    private static void Check(RgbImage image, int width, int height)
    {
        foreach (
            var (found, expected, filter) in new[]
            {
                (PilResize.Bicubic(image, width, height), Defined(image, width, height), "bicubic"),
                (PilResize.Lanczos(image, width, height), Defined(image, width, height, Lanczos, 3), "Lanczos"),
            }
        )
        {
            Assert.AreEqual((width, height), (found.Width, found.Height));
            AssertSame(expected.Pixels, found.Pixels, $"{image.Width} x {image.Height} to {width} x {height}, {filter}");
        }
    }

    private static void AssertSame(byte[] expected, byte[] found, string what)
    {
        var same = expected.AsSpan().CommonPrefixLength(found);
        if (same < expected.Length || found.Length > expected.Length)
        {
            Assert.Fail(
                $"{what}: byte {same} of {expected.Length} is {(same < found.Length ? found[same] : -1)}, not "
                    + $"{(same < expected.Length ? expected[same] : -1)}."
            );
        }
    }

    private static RgbImage Noise(Random random, int width, int height)
    {
        var pixels = new byte[3 * width * height];
        random.NextBytes(pixels);
        return new(width, height, pixels);
    }

    /// <summary>Black and white at random: the sums that leave the range of a byte furthest.</summary>
    private static RgbImage Extremes(Random random, int width, int height)
    {
        var image = Noise(random, width, height);
        for (var i = 0; i < image.Pixels.Length; i++)
        {
            image.Pixels[i] = image.Pixels[i] < 128 ? (byte)0 : (byte)255;
        }

        return image;
    }

    /// <summary>
    /// The definition: each row to its new width, then each column to its new height; a direction that keeps its size is not touched.
    /// </summary>
    private static RgbImage Defined(RgbImage image, int width, int height, Func<double, double>? filter = null, double support = 2)
    {
        filter ??= Cubic;
        var pixels = image.Pixels;
        if (width != image.Width)
        {
            var rows = new byte[3 * width * image.Height];
            for (var y = 0; y < image.Height; y++)
            {
                Line(pixels, 3 * image.Width * y, 3, image.Width, rows, 3 * width * y, 3, width, filter, support);
            }

            pixels = rows;
        }

        if (height != image.Height)
        {
            var columns = new byte[3 * width * height];
            for (var x = 0; x < width; x++)
            {
                Line(pixels, 3 * x, 3 * width, image.Height, columns, 3 * x, 3 * width, height, filter, support);
            }

            pixels = columns;
        }

        return new(width, height, pixels);
    }

    /// <summary>Resamples one line of pixels, of which the next is <paramref name="step"/> bytes on.</summary>
    private static void Line(
        byte[] source,
        int first,
        int step,
        int length,
        byte[] target,
        int targetFirst,
        int targetStep,
        int targetLength,
        Func<double, double> filter,
        double support
    )
    {
        const int fixedPoint = 1 << 22;
        var scale = (double)length / targetLength;
        var stretch = Math.Max(1, scale); // the filter is as wide as an output pixel, and at least as an input pixel
        for (var i = 0; i < targetLength; i++)
        {
            var center = (i + 0.5) * scale;
            int from = Math.Max(0, (int)(center - (support * stretch) + 0.5)),
                to = Math.Min(length, (int)(center + (support * stretch) + 0.5));
            double[] weights = [.. Enumerable.Range(from, to - from).Select(k => filter((k - center + 0.5) / stretch))];
            var sum = weights.Sum();
            int[] whole = [.. weights.Select(w => (int)((w / sum * fixedPoint) + (w / sum < 0 ? -0.5 : 0.5)))];
            for (var channel = 0; channel < 3; channel++)
            {
                long value = fixedPoint / 2;
                for (var k = from; k < to; k++)
                {
                    value += (long)whole[k - from] * source[first + (step * k) + channel];
                }

                target[targetFirst + (targetStep * i) + channel] = (byte)Math.Clamp(value >> 22, 0, 255);
            }
        }
    }

    /// <summary>Keys' cubic convolution with a = -1/2.</summary>
    private static double Cubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        return x < 1 ? ((((a + 2) * x) - (a + 3)) * x * x) + 1
            : x < 2 ? ((((x - 5) * x) + 8) * x - 4) * a
            : 0;
    }

    /// <summary>sinc(x)·sinc(x/3) within three pixels.</summary>
    private static double Lanczos(double x)
    {
        static double Sinc(double t) => t == 0 ? 1 : Math.Sin(Math.PI * t) / (Math.PI * t);
        return x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0;
    }
}
