using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AirMLNet.Images;

/// <summary>
/// Resampling of 8-bit images with the semantics of Python's Pillow: antialiased when shrinking, horizontal pass
/// then vertical, coefficients in 22-bit fixed point, rounded to 8 bits after each pass. CLIP's published features were
/// made so with the bicubic filter; another resampling moves them.
/// </summary>
internal static partial class PilResize
{
    private const int Precision = 22;
    private const int Half = 1 << (Precision - 1); // rounds

    /// <summary>Resamples the whole image by the bicubic filter.</summary>
    public static RgbImage Bicubic(RgbImage image, int width, int height) => Bicubic(image, width, height, 0, 0, width, height);

    /// <summary>Resamples the whole image by the Lanczos filter with three lobes.</summary>
    public static RgbImage Lanczos(RgbImage image, int width, int height) =>
        Resample<LanczosFilter>(image, width, height, 0, 0, width, height);

    /// <summary>
    /// Resamples an image to <paramref name="width"/> x <paramref name="height"/> by the bicubic filter and cuts a window out of that.
    /// Only what the window needs is computed; its pixels are those of the whole.
    /// </summary>
    public static RgbImage Bicubic(RgbImage image, int width, int height, int left, int top, int windowWidth, int windowHeight) =>
        Resample<CubicFilter>(image, width, height, left, top, windowWidth, windowHeight);

    /// <summary>As <see cref="Bicubic(RgbImage, int, int, int, int, int, int)"/>, by any of Pillow's filters.</summary>
    public static RgbImage Resize(
        PilFilter filter,
        RgbImage image,
        int width,
        int height,
        int left,
        int top,
        int windowWidth,
        int windowHeight
    ) =>
        filter switch
        {
            PilFilter.Nearest => Nearest(image, width, height, left, top, windowWidth, windowHeight),
            PilFilter.Lanczos => Resample<LanczosFilter>(image, width, height, left, top, windowWidth, windowHeight),
            PilFilter.Bilinear => Resample<TriangleFilter>(image, width, height, left, top, windowWidth, windowHeight),
            PilFilter.Box => Resample<BoxFilter>(image, width, height, left, top, windowWidth, windowHeight),
            PilFilter.Hamming => Resample<HammingFilter>(image, width, height, left, top, windowWidth, windowHeight),
            _ => Resample<CubicFilter>(image, width, height, left, top, windowWidth, windowHeight),
        };

    private static RgbImage Nearest(RgbImage image, int width, int height, int left, int top, int windowWidth, int windowHeight)
    {
        var result = new byte[3 * windowWidth * windowHeight];
        for (var y = 0; y < windowHeight; y++)
        {
            var row = Source(top + y, image.Height, height) * 3 * image.Width;
            for (var x = 0; x < windowWidth; x++)
            {
                image.Pixels.AsSpan(row + (3 * Source(left + x, image.Width, width)), 3).CopyTo(result.AsSpan(3 * ((y * windowWidth) + x)));
            }
        }
        return new(windowWidth, windowHeight, result);

        static int Source(int at, int from, int to) => Math.Min(from - 1, (int)((at + 0.5) * from / to));
    }

    private static RgbImage Resample<TFilter>(RgbImage image, int width, int height, int left, int top, int windowWidth, int windowHeight)
        where TFilter : struct, IFilter
    {
        var vertical = Coefficients<TFilter>(image.Height, height, top, windowHeight);
        var same = height == image.Height;
        // The rows of the source that the window is made of.
        var first = same ? top : vertical.Starts[0];
        var end = same ? top + windowHeight : Math.Min(image.Height, vertical.Starts[^1] + vertical.Taps);
        var result = GC.AllocateUninitializedArray<byte>(3 * windowWidth * windowHeight);
        if (same)
        {
            Horizontal<TFilter>(image, first, end - first, width, left, windowWidth, result);
            return new(windowWidth, windowHeight, result);
        }

        var rows = ArrayPool<byte>.Shared.Rent(3 * windowWidth * (end - first)); // [end - first, windowWidth, 3]
        try
        {
            Horizontal<TFilter>(image, first, end - first, width, left, windowWidth, rows);
            Vertical(rows, first, end, 3 * windowWidth, vertical, result);
            return new(windowWidth, windowHeight, result);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rows);
        }
    }

    private static void Horizontal<TFilter>(RgbImage image, int firstRow, int rows, int newWidth, int left, int window, byte[] result)
        where TFilter : struct, IFilter
    {
        var source = image.Pixels;
        var stride = 3 * image.Width;
        if (newWidth == image.Width)
        {
            for (var y = 0; y < rows; y++)
            {
                source.AsSpan(((firstRow + y) * stride) + (3 * left), 3 * window).CopyTo(result.AsSpan(y * 3 * window));
            }

            return;
        }

        var c = Coefficients<TFilter>(image.Width, newWidth, left, window);
        var done = Avx2.IsSupported ? HorizontalAvx2(source, stride, firstRow, rows, window, c, result) : 0;
        for (var y = done; y < rows; y++)
        {
            var row = (firstRow + y) * stride;
            var to = y * window * 3;
            for (var x = 0; x < window; x++)
            {
                int from = row + (c.Starts[x] * 3),
                    r = Half,
                    g = Half,
                    b = Half;
                foreach (var weight in c.Weights.AsSpan(x * c.Taps, Math.Min(c.Taps, image.Width - c.Starts[x])))
                {
                    r += source[from++] * weight;
                    g += source[from++] * weight;
                    b += source[from++] * weight;
                }

                result[to++] = Clip(r);
                result[to++] = Clip(g);
                result[to++] = Clip(b);
            }
        }
    }

    // A weight of 23 bits is two of 12 and 11, weight = high · 2¹¹ + low: products of 16 bits, which processors add in pairs, give
    // the same sum exactly. Measured on photos of 1024 x 1024 pixels to 224: both passes 3 times as fast as products of 32 bits.
    private const int LowBits = 11;

    /// <summary>Four rows at a time, four taps of each at a time; gives the number of rows that were done from the first on.</summary>
    private static int HorizontalAvx2(
        byte[] source,
        int stride,
        int firstRow,
        int rows,
        int window,
        (int[] Starts, int[] Weights, int Taps) c,
        byte[] result
    )
    {
        const int together = 4;
        var groups = (c.Taps + 3) / 4;
        // Reads go beyond a row's end, where weights are 0; they must not go beyond the image's.
        var safe = Math.Min(rows, ((source.Length - 16 - (12 * groups)) / stride) - firstRow) / together * together;
        if (safe <= 0)
        {
            return 0;
        }

        var (high, low) = Pairs(c, groups);
        // Red, green and blue of two neighbours side by side, twice.
        var order = Vector128.Create((byte)0, 3, 1, 4, 2, 5, 255, 255, 6, 9, 7, 10, 8, 11, 255, 255);
        ref var pixels = ref MemoryMarshal.GetArrayDataReference(source);
        ref var highs = ref MemoryMarshal.GetArrayDataReference(high);
        ref var lows = ref MemoryMarshal.GetArrayDataReference(low);
        for (var y = 0; y < safe; y += together)
        {
            ref var row = ref Unsafe.Add(ref pixels, (nint)(firstRow + y) * stride);
            for (var x = 0; x < window; x++)
            {
                ref var from = ref Unsafe.Add(ref row, c.Starts[x] * 3);
                Vector256<int> h0 = default,
                    h1 = default,
                    h2 = default,
                    h3 = default,
                    l0 = default,
                    l1 = default,
                    l2 = default,
                    l3 = default;
                for (int g = 0, w = x * groups; g < groups; g++, w++)
                {
                    var wh = Unsafe.Add(ref highs, w);
                    var wl = Unsafe.Add(ref lows, w);
                    ref var at = ref Unsafe.Add(ref from, 12 * g);
                    var p = Avx2.ConvertToVector256Int16(Ssse3.Shuffle(Vector128.LoadUnsafe(ref at), order));
                    h0 += Avx2.MultiplyAddAdjacent(p, wh);
                    l0 += Avx2.MultiplyAddAdjacent(p, wl);
                    p = Avx2.ConvertToVector256Int16(Ssse3.Shuffle(Vector128.LoadUnsafe(ref at, (nuint)stride), order));
                    h1 += Avx2.MultiplyAddAdjacent(p, wh);
                    l1 += Avx2.MultiplyAddAdjacent(p, wl);
                    p = Avx2.ConvertToVector256Int16(Ssse3.Shuffle(Vector128.LoadUnsafe(ref at, 2 * (nuint)stride), order));
                    h2 += Avx2.MultiplyAddAdjacent(p, wh);
                    l2 += Avx2.MultiplyAddAdjacent(p, wl);
                    p = Avx2.ConvertToVector256Int16(Ssse3.Shuffle(Vector128.LoadUnsafe(ref at, 3 * (nuint)stride), order));
                    h3 += Avx2.MultiplyAddAdjacent(p, wh);
                    l3 += Avx2.MultiplyAddAdjacent(p, wl);
                }

                var to = (y * window + x) * 3;
                Store(result, to, h0, l0);
                Store(result, to + (3 * window), h1, l1);
                Store(result, to + (6 * window), h2, l2);
                Store(result, to + (9 * window), h3, l3);
            }
        }

        return safe;
    }

    private static void Store(byte[] result, int to, Vector256<int> high, Vector256<int> low)
    {
        var sums = (high << LowBits) + low;
        var rgb = (sums.GetLower() + sums.GetUpper() + Vector128.Create(Half)) >> Precision;
        rgb = Vector128.Clamp(rgb, Vector128<int>.Zero, Vector128.Create(255));
        result[to + 2] = (byte)rgb[2];
        result[to] = (byte)rgb[0];
        result[to + 1] = (byte)rgb[1];
    }

    /// <summary>The weights of each output pixel in groups of four taps, as the two halves of a register: a pair in each.</summary>
    private static (Vector256<short>[] High, Vector256<short>[] Low) Pairs((int[] Starts, int[] Weights, int Taps) c, int groups)
    {
        var high = new Vector256<short>[c.Starts.Length * groups];
        var low = new Vector256<short>[high.Length];
        for (var i = 0; i < high.Length; i++)
        {
            var (x, first) = (i / groups, i % groups * 4);
            int Pair(int k, Func<int, int> part) => (part(Weight(k)) & 0xffff) | (part(Weight(k + 1)) << 16);
            int Weight(int k) => first + k < c.Taps ? c.Weights[x * c.Taps + first + k] : 0;
            Vector256<short> Group(Func<int, int> part) =>
                Vector256.Create(Vector128.Create(Pair(0, part)), Vector128.Create(Pair(2, part))).AsInt16();
            high[i] = Group(High);
            low[i] = Group(Low);
        }

        return (high, low);
    }

    private static int High(int weight) => weight >> LowBits;

    private static int Low(int weight) => weight & ((1 << LowBits) - 1);

    private static void Vertical(
        byte[] source,
        int firstRow,
        int endRow,
        int stride,
        (int[] Starts, int[] Weights, int Taps) c,
        byte[] result
    )
    {
        for (var y = 0; y < c.Starts.Length; y++)
        {
            var weights = c.Weights.AsSpan(y * c.Taps, Math.Min(c.Taps, endRow - c.Starts[y]));
            var from = (c.Starts[y] - firstRow) * stride;
            var to = result.AsSpan(y * stride, stride);
            for (var i = Avx2.IsSupported ? VerticalAvx2(source, from, stride, weights, to) : 0; i < stride; i++)
            {
                var sum = Half;
                for (int k = 0, at = from + i; k < weights.Length; k++, at += stride)
                {
                    sum += source[at] * weights[k];
                }

                to[i] = Clip(sum);
            }
        }
    }

    /// <summary>Sixteen columns at a time, two rows of them at a time; gives the number of columns that were done.</summary>
    private static int VerticalAvx2(byte[] source, int from, int stride, ReadOnlySpan<int> weights, Span<byte> to)
    {
        ref var pixels = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(source), from);
        var i = 0;
        for (; i + 16 <= stride; i += 16)
        {
            Vector256<int> h0 = default,
                h1 = default,
                l0 = default,
                l1 = default;
            ref var at = ref Unsafe.Add(ref pixels, i);
            for (var k = 0; k < weights.Length; k += 2, at = ref Unsafe.Add(ref at, 2 * stride))
            {
                int one = weights[k],
                    other = k + 1 < weights.Length ? weights[k + 1] : 0;
                var upper = Vector128.LoadUnsafe(ref at);
                var lower = k + 1 < weights.Length ? Vector128.LoadUnsafe(ref at, (nuint)stride) : upper;
                var left = Avx2.ConvertToVector256Int16(Sse2.UnpackLow(upper, lower));
                var right = Avx2.ConvertToVector256Int16(Sse2.UnpackHigh(upper, lower));
                var wh = Vector256.Create((High(one) & 0xffff) | (High(other) << 16)).AsInt16();
                var wl = Vector256.Create(Low(one) | (Low(other) << 16)).AsInt16();
                h0 += Avx2.MultiplyAddAdjacent(left, wh);
                l0 += Avx2.MultiplyAddAdjacent(left, wl);
                h1 += Avx2.MultiplyAddAdjacent(right, wh);
                l1 += Avx2.MultiplyAddAdjacent(right, wl);
            }

            var words = Vector256.Narrow(Finish(h0, l0), Finish(h1, l1)).AsUInt16();
            Vector128.Narrow(words.GetLower(), words.GetUpper()).CopyTo(to[i..]);
        }

        return i;

        static Vector256<int> Finish(Vector256<int> high, Vector256<int> low) =>
            Vector256.Clamp(((high << LowBits) + low + Vector256.Create(Half)) >> Precision, Vector256<int>.Zero, Vector256.Create(255));
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);

    // For each output pixel of the window the first input pixel and the weights of those it is made of.
    private static (int[] Starts, int[] Weights, int Taps) Coefficients<TFilter>(int from, int to, int left, int window)
        where TFilter : struct, IFilter
    {
        var scale = (double)from / to;
        var filterScale = Math.Max(scale, 1);
        var support = TFilter.Support * filterScale;
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
                raw[k] = TFilter.At((k + first - center + 0.5) / filterScale);
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
}
