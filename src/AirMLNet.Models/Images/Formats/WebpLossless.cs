namespace AirMLNet.Images.Formats;

/// <summary>
/// The beginning of a lossless WebP image (RFC 9649, 3): as much as says how many groups of prefix codes it has. A decoder takes
/// up to 80 kilobytes for each, and a file of 50 bytes may claim 65,536.
/// </summary>
internal ref struct WebpLossless
{
    private const string Format = "WebP";

    // Encoders choose blocks so large that there are at most 2,600 of them, and a group is used by a block at least.
    private const int MostGroups = 4096;
    private const int Literals = 256,
        Lengths = 24,
        Distances = 40,
        ColorIndexing = 3,
        SubtractGreen = 2,
        MostTransforms = 4;

    private static ReadOnlySpan<byte> CodeLengthOrder => [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    private readonly ReadOnlySpan<byte> _bytes;
    private long _at; // in bits

    private WebpLossless(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Checks an image whose bits begin behind its size.</summary>
    /// <exception cref="InvalidDataException">The image claims too many groups, ends early or is damaged.</exception>
    public static void Check(ReadOnlySpan<byte> bits, int width, int height) => new WebpLossless(bits).Check(width, height);

    private void Check(int width, int height)
    {
        for (var transforms = 0; Bits(1) == 1; transforms++)
        {
            if (transforms == MostTransforms)
            {
                throw ImageHeader.Damaged(Format, "too many transforms");
            }

            switch (Bits(2))
            {
                case ColorIndexing:
                    var colors = Bits(8) + 1;
                    Image(colors, 1);
                    width = Blocks(
                        width,
                        colors <= 2 ? 3
                            : colors <= 4 ? 2
                            : colors <= 16 ? 1
                            : 0
                    );
                    break;
                case SubtractGreen:
                    break;
                default:
                    var size = Bits(3) + 2;
                    Image(Blocks(width, size), Blocks(height, size));
                    break;
            }
        }

        ColorCache();
        if (Bits(1) == 0)
        {
            return; // one group
        }

        var block = Bits(3) + 2;
        long columns = Blocks(width, block),
            rows = Blocks(height, block),
            groups = Image(columns, rows) + 1;
        if (groups > Math.Min(MostGroups, columns * rows))
        {
            throw ImageHeader.Damaged(Format, $"{groups} groups of codes");
        }
    }

    private static int Blocks(int length, int bits) => (length + (1 << bits) - 1) >> bits;

    /// <summary>Skips an image of its own codes; gives the largest number in the two middle bytes of its pixels.</summary>
    private int Image(long columns, long rows)
    {
        var cache = ColorCache();
        Code green = ReadCode(Literals + Lengths + cache),
            red = ReadCode(Literals),
            blue = ReadCode(Literals),
            alpha = ReadCode(Literals),
            distance = ReadCode(Distances);
        var largest = 0;
        for (var pixels = columns * rows; pixels > 0; )
        {
            var symbol = Next(green);
            if (symbol < Literals)
            {
                // Every other pixel is a copy of one of these.
                largest = Math.Max(largest, Next(red) << 8 | symbol);
                Next(blue);
                Next(alpha);
                pixels--;
            }
            else if (symbol < Literals + Lengths)
            {
                pixels -= Prefixed(symbol - Literals);
                Prefixed(Next(distance));
            }
            else
            {
                pixels--;
            }
        }

        return largest;
    }

    /// <summary>The number of colours that codes may refer to.</summary>
    private int ColorCache()
    {
        if (Bits(1) == 0)
        {
            return 0;
        }

        var bits = Bits(4);
        return bits is >= 1 and <= 11 ? 1 << bits : throw ImageHeader.Damaged(Format, $"a cache of {bits} bits");
    }

    private int Prefixed(int symbol)
    {
        if (symbol < 4)
        {
            return symbol + 1;
        }

        var extra = (symbol - 2) >> 1;
        return ((2 + (symbol & 1)) << extra) + Bits(extra) + 1;
    }

    private Code ReadCode(int symbols)
    {
        var lengths = new byte[symbols];
        if (Bits(1) == 1)
        {
            var two = Bits(1) == 1;
            Give(lengths, Bits(Bits(1) == 1 ? 8 : 1), 1);
            if (two)
            {
                Give(lengths, Bits(8), 1);
            }

            return new(lengths);
        }

        var ofLengths = new byte[CodeLengthOrder.Length];
        for (int i = 0, count = Math.Min(CodeLengthOrder.Length, 4 + Bits(4)); i < count; i++)
        {
            ofLengths[CodeLengthOrder[i]] = (byte)Bits(3);
        }

        var code = new Code(ofLengths);
        var left = Bits(1) == 0 ? symbols : 2 + Bits(2 + 2 * Bits(3));
        byte last = 8;
        for (var i = 0; i < symbols && left-- > 0; )
        {
            var length = Next(code);
            if (length < 16)
            {
                lengths[i++] = (byte)length;
                if (length > 0)
                {
                    last = (byte)length;
                }

                continue;
            }

            var (repeated, times) = length switch
            {
                16 => (last, 3 + Bits(2)),
                17 => ((byte)0, 3 + Bits(3)),
                _ => ((byte)0, 11 + Bits(7)),
            };
            if (i + times > symbols)
            {
                throw ImageHeader.Damaged(Format, "too many code lengths");
            }

            lengths.AsSpan(i, times).Fill(repeated);
            i += times;
        }

        return new(lengths);
    }

    private static void Give(byte[] lengths, int symbol, byte length) =>
        lengths[symbol < lengths.Length ? symbol : throw ImageHeader.Damaged(Format, "a code of an unknown symbol")] = length;

    private int Next(in Code code)
    {
        if (code.SingleSymbol >= 0)
        {
            return code.SingleSymbol;
        }

        int value = 0,
            first = 0,
            index = 0;
        for (var length = 1; length < code.Counts.Length; length++)
        {
            value |= Bits(1);
            var count = code.Counts[length];
            if (value - first < count)
            {
                return code.Symbols[index + value - first];
            }

            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }

        throw ImageHeader.Damaged(Format, "no such code");
    }

    private int Bits(int count)
    {
        if (_at + count > 8L * _bytes.Length)
        {
            throw ImageHeader.EndsEarly(Format);
        }

        var value = 0;
        for (var i = 0; i < count; i++, _at++)
        {
            value |= (_bytes[(int)(_at >> 3)] >> (int)(_at & 7) & 1) << i;
        }

        return value;
    }

    /// <summary>A canonical prefix code: how many codes of each length there are, and their symbols in the order of the codes.</summary>
    private readonly struct Code
    {
        public Code(byte[] lengths)
        {
            Counts = new int[16];
            foreach (var length in lengths)
            {
                Counts[length]++;
            }

            Counts[0] = 0;
            Symbols = [.. Enumerable.Range(0, lengths.Length).Where(s => lengths[s] > 0).OrderBy(s => lengths[s])];
            SingleSymbol = Symbols.Length == 1 ? Symbols[0] : -1;
            var left = 1;
            for (var length = 1; length < 16 && left >= 0; length++)
            {
                left = 2 * left - Counts[length];
            }

            if (Symbols.Length != 1 && left != 0)
            {
                throw ImageHeader.Damaged(Format, "an incomplete code");
            }
        }

        public int[] Counts { get; }

        public int[] Symbols { get; }

        /// <summary>The symbol of a code that has no other, which takes no bits; otherwise -1.</summary>
        public int SingleSymbol { get; }
    }
}
