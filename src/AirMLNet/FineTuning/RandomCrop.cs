using AirMLNet.Images;

namespace AirMLNet.FineTuning;

/// <summary>
/// torchvision's <c>RandomResizedCrop</c> on our own numbers: a window of a random share of the area and a random proportion, resampled to
/// a
/// square by the bicubic filter.
/// </summary>
/// <param name="MinArea">The smallest share of the area, above 0.</param>
/// <param name="MaxArea">The largest share, at most 1.</param>
internal sealed record RandomCrop(double MinArea = 0.9, double MaxArea = 1)
{
    private const int Tries = 10;
    private const double MinRatio = 3.0 / 4,
        MaxRatio = 4.0 / 3;

    /// <summary>The window; where ten draws do not fit, the largest one in the middle whose proportion is allowed.</summary>
    public (int Left, int Top, int Width, int Height) Window(int width, int height, Random random)
    {
        var area = (double)width * height;
        for (var i = 0; i < Tries; i++)
        {
            var target = area * Between(MinArea, MaxArea, random.NextDouble());
            var ratio = Math.Exp(Between(Math.Log(MinRatio), Math.Log(MaxRatio), random.NextDouble()));
            var (w, h) = ((int)Math.Round(Math.Sqrt(target * ratio)), (int)Math.Round(Math.Sqrt(target / ratio)));
            if (w > 0 && w <= width && h > 0 && h <= height)
            {
                var top = random.Next(height - h + 1);
                return (random.Next(width - w + 1), top, w, h);
            }
        }

        var own = (double)width / height;
        var (last, high) =
            own < MinRatio ? (width, (int)Math.Round(width / MinRatio))
            : own > MaxRatio ? ((int)Math.Round(height * MaxRatio), height)
            : (width, height);
        return ((width - last) / 2, (height - high) / 2, last, high);
    }

    /// <summary>A random window as a square of <paramref name="size"/> pixels.</summary>
    public RgbImage Of(RgbImage image, int size, Random random)
    {
        var (left, top, width, height) = Window(image.Width, image.Height, random);
        var pixels = GC.AllocateUninitializedArray<byte>(3 * width * height);
        for (var y = 0; y < height; y++)
        {
            image.Pixels.AsSpan(3 * (((top + y) * image.Width) + left), 3 * width).CopyTo(pixels.AsSpan(3 * y * width));
        }
        return PilResize.Bicubic(new RgbImage(width, height, pixels), size, size);
    }

    private static double Between(double low, double high, double at) => low + ((high - low) * at);
}
