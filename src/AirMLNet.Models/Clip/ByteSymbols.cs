namespace AirMLNet.Clip;

/// <summary>GPT-2's printable stand-ins for the 256 byte values.</summary>
internal static class ByteSymbols
{
    /// <summary>In the order of CLIP's vocabulary: the printable bytes first.</summary>
    public static readonly string[] InOrder;

    /// <summary>By byte value.</summary>
    public static readonly string[] OfByte = new string[256];

    /// <summary>Back from the symbol.</summary>
    public static readonly Dictionary<char, byte> ToByte = [];

    static ByteSymbols()
    {
        static bool Printable(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
        int[] order = [.. Enumerable.Range(0, 256).Where(Printable), .. Enumerable.Range(0, 256).Where(b => !Printable(b))];
        var extra = 0;
        foreach (var b in order)
        {
            var symbol = (char)(Printable(b) ? b : 256 + extra++);
            OfByte[b] = symbol.ToString();
            ToByte[symbol] = (byte)b;
        }

        InOrder = [.. order.Select(b => OfByte[b])];
    }
}
