using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
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
    public static RgbImage Bicubic(RgbImage image, int width, int height) => Bicubic(image, width, height, 0, 0, width, height);

    /// <summary>
    /// Resamples an image to <paramref name="width"/> x <paramref name="height"/> and cuts a window out of that. Only what the
    /// window needs is computed; its pixels are those of the whole.
    /// </summary>
    public static RgbImage Bicubic(RgbImage image, int width, int height, int left, int top, int windowWidth, int windowHeight)
    {
        var vertical = Coefficients(image.Height, height, top, windowHeight);
        var same = height == image.Height;
        // The rows of the source that the window is made of.
        var first = same ? top : vertical.Starts[0];
        var end = same ? top + windowHeight : Math.Min(image.Height, vertical.Starts[^1] + vertical.Taps);
        var rows = Horizontal(image, first, end - first, width, left, windowWidth); // [end - first, windowWidth, 3]
        return new(windowWidth, windowHeight, same ? rows : Vertical(rows, first, end, 3 * windowWidth, vertical));
    }

    private static byte[] Horizontal(RgbImage image, int firstRow, int rows, int newWidth, int left, int window)
    {
        var source = image.Pixels;
        var width = image.Width;
        var result = GC.AllocateUninitializedArray<byte>(3 * window * rows);
        if (newWidth == width)
        {
            for (var y = 0; y < rows; y++)
            {
                source.AsSpan((((firstRow + y) * width) + left) * 3, 3 * window).CopyTo(result.AsSpan(y * 3 * window));
            }

            return result;
        }

        var (starts, weights, taps) = Coefficients(width, newWidth, left, window);
        ref var pixels = ref MemoryMarshal.GetArrayDataReference(source);
        for (var y = 0; y < rows; y++)
        {
            var row = (firstRow + y) * width * 3;
            var to = y * window * 3;
            for (var x = 0; x < window; x++, to += 3)
            {
                var from = row + (starts[x] * 3);
                var count = Math.Min(taps, width - starts[x]);
                var weight = weights.AsSpan(x * taps, count);
                // Red, green, blue and a byte of no meaning at once; two sums hide the latency of the multiplication.
                Vector128<int> even = Vector128.Create(1 << (Precision - 1)), odd = Vector128<int>.Zero;
                var k = 0;
                for (; k + 1 < count && from + 7 <= source.Length; k += 2, from += 6)
                {
                    even += Four(ref pixels, from) * weight[k];
                    odd += Four(ref pixels, from + 3) * weight[k + 1];
                }

                even += odd;
                int r = even[0], g = even[1], b = even[2];
                for (; k < count; k++, from += 3)
                {
                    r += source[from] * weight[k];
                    g += source[from + 1] * weight[k];
                    b += source[from + 2] * weight[k];
                }

                result[to] = Clip(r);
                result[to + 1] = Clip(g);
                result[to + 2] = Clip(b);
            }
        }

        return result;
    }

    /// <summary>Four bytes as integers; the caller makes sure that they exist.</summary>
    private static Vector128<int> Four(ref byte pixels, int at) => Vector128.WidenLower(Vector128.WidenLower(
        Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref pixels, at))).AsByte())).AsInt32();

    private static byte[] Vertical(byte[] source, int firstRow, int endRow, int stride, (int[] Starts, int[] Weights, int Taps) c)
    {
        var window = c.Starts.Length;
        var result = GC.AllocateUninitializedArray<byte>(stride * window);
        ref var pixels = ref MemoryMarshal.GetArrayDataReference(source);
        for (var y = 0; y < window; y++)
        {
            var start = c.Starts[y];
            var count = Math.Min(c.Taps, endRow - start);
            var weight = c.Weights.AsSpan(y * c.Taps, count);
            var from = (start - firstRow) * stride;
            var i = 0;
            for (; i + 8 <= stride; i += 8)
            {
                Vector128<int> low = Vector128.Create(1 << (Precision - 1)), high = low;
                for (int k = 0, at = from + i; k < count; k++, at += stride)
                {
                    var words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref pixels, at))).AsByte());
                    low += Vector128.WidenLower(words).AsInt32() * weight[k];
                    high += Vector128.WidenUpper(words).AsInt32() * weight[k];
                }

                low = Vector128.Clamp(low >> Precision, Vector128<int>.Zero, Vector128.Create(255));
                high = Vector128.Clamp(high >> Precision, Vector128<int>.Zero, Vector128.Create(255));
                var bytes = Vector128.Narrow(Vector128.Narrow(low, high).AsUInt16(), Vector128<ushort>.Zero);
                Unsafe.WriteUnaligned(ref result[(y * stride) + i], bytes.AsUInt64()[0]);
            }

            for (; i < stride; i++)
            {
                var sum = 1 << (Precision - 1);
                for (int k = 0, at = from + i; k < count; k++, at += stride)
                {
                    sum += source[at] * weight[k];
                }

                result[(y * stride) + i] = Clip(sum);
            }
        }

        return result;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);

    // For each output pixel of the window the first input pixel and the weights of those it is made of.
    private static (int[] Starts, int[] Weights, int Taps) Coefficients(int from, int to, int left, int window)
    {
        var scale = (double)from / to;
        var filterScale = Math.Max(scale, 1);
        var support = Support * filterScale;
        var taps = (int)Math.Ceiling(support) * 2 + 1;
        var starts = new int[window];
        var weights = new int[window * taps];
        var raw = new double[taps];
        for (var x = 0; x < window; x++)
        {
            var center = (left + x + 0.5) * scale;
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
