using AirMLNet.Images;

namespace AirMLNet.Clip;

/// <summary>
/// Bicubic resampling of 8-bit images with the semantics of Python's Pillow: antialiased when shrinking, horizontal pass
/// then vertical, coefficients in 22-bit fixed point, rounded to 8 bits after each pass. CLIP's published features were
/// made so; another resampling moves them.
/// </summary>
internal static class PilResize
{
    private const int Precision = 22;
    private const double Support = 2;
    private const double A = -0.5;

    /// <summary>Resamples the whole image.</summary>
    public static RgbImage Bicubic(RgbImage image, int width, int height)
    {
        var pixels = image.Pixels;
        if (width != image.Width)
        {
            pixels = Horizontal(pixels, image.Width, image.Height, width);
        }

        if (height != image.Height)
        {
            pixels = Vertical(pixels, width, image.Height, height);
        }

        return new(width, height, pixels);
    }

    private static byte[] Horizontal(byte[] source, int width, int height, int newWidth)
    {
        var (starts, weights, taps) = Coefficients(width, newWidth);
        var result = GC.AllocateUninitializedArray<byte>(3 * newWidth * height);
        for (var y = 0; y < height; y++)
        {
            var row = y * width * 3;
            var to = y * newWidth * 3;
            for (var x = 0; x < newWidth; x++, to += 3)
            {
                int r = 1 << (Precision - 1), g = r, b = r;
                var from = row + starts[x] * 3;
                var count = Math.Min(taps, width - starts[x]);
                for (int k = 0, w = x * taps; k < count; k++, w++, from += 3)
                {
                    r += source[from] * weights[w];
                    g += source[from + 1] * weights[w];
                    b += source[from + 2] * weights[w];
                }

                result[to] = Clip(r);
                result[to + 1] = Clip(g);
                result[to + 2] = Clip(b);
            }
        }

        return result;
    }

    private static byte[] Vertical(byte[] source, int width, int height, int newHeight)
    {
        var (starts, weights, taps) = Coefficients(height, newHeight);
        var stride = 3 * width;
        var result = GC.AllocateUninitializedArray<byte>(stride * newHeight);
        var sums = new int[stride];
        for (var y = 0; y < newHeight; y++)
        {
            Array.Fill(sums, 1 << (Precision - 1));
            var count = Math.Min(taps, height - starts[y]);
            for (var k = 0; k < count; k++)
            {
                var weight = weights[y * taps + k];
                var row = source.AsSpan((starts[y] + k) * stride, stride);
                for (var i = 0; i < row.Length; i++)
                {
                    sums[i] += row[i] * weight;
                }
            }

            for (var i = 0; i < stride; i++)
            {
                result[y * stride + i] = Clip(sums[i]);
            }
        }

        return result;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);

    // For each output pixel the first input pixel and the weights of those it is made of.
    private static (int[] Starts, int[] Weights, int Taps) Coefficients(int from, int to)
    {
        var scale = (double)from / to;
        var filterScale = Math.Max(scale, 1);
        var support = Support * filterScale;
        var taps = (int)Math.Ceiling(support) * 2 + 1;
        var starts = new int[to];
        var weights = new int[to * taps];
        var raw = new double[taps];
        for (var x = 0; x < to; x++)
        {
            var center = (x + 0.5) * scale;
            var first = Math.Max(0, (int)(center - support + 0.5));
            var count = Math.Min(from, (int)(center + support + 0.5)) - first;
            double sum = 0;
            for (var k = 0; k < count; k++)
            {
                raw[k] = Cubic((k + first - center + 0.5) / filterScale);
                sum += raw[k];
            }

            starts[x] = first;
            for (var k = 0; k < count; k++)
            {
                var weight = (sum == 0 ? raw[k] : raw[k] / sum) * (1 << Precision);
                weights[x * taps + k] = (int)(weight < 0 ? weight - 0.5 : weight + 0.5);
            }
        }

        return (starts, weights, taps);
    }

    private static double Cubic(double x)
    {
        x = Math.Abs(x);
        return x < 1 ? ((A + 2) * x - (A + 3)) * x * x + 1
            : x < 2 ? (((x - 5) * x + 8) * x - 4) * A
            : 0;
    }
}
