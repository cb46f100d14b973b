namespace AirMLNet.Data;

/// <summary>
/// NumPy's legacy generator (<c>numpy.random.seed</c>, <c>permutation</c>, <c>choice</c> without replacement): the Mersenne
/// twister MT19937 (Matsumoto and Nishimura 1998), and shuffling from the end with rejection under the smallest bit mask.
/// Published data splits are defined by it.
/// </summary>
internal sealed class NumpyRandom
{
    private const int Length = 624,
        Middle = 397;
    private readonly uint[] _state = new uint[Length];
    private int _next = Length;

    /// <param name="seed">What <c>numpy.random.seed</c> is given.</param>
    public NumpyRandom(uint seed)
    {
        for (uint i = 0; i < Length; i++)
        {
            _state[i] = seed;
            seed = 1812433253 * (seed ^ (seed >> 30)) + i + 1;
        }
    }

    /// <summary>The next 32 random bits.</summary>
    public uint Next()
    {
        if (_next == Length)
        {
            Refill();
        }

        var y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    /// <summary>0 .. <paramref name="count"/> − 1 in random order, as <c>permutation(count)</c>.</summary>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (var i = count - 1; i > 0; i--)
        {
            var j = (int)AtMost((uint)i);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    /// <summary>Some of 0 .. <paramref name="count"/> − 1, each at most once, as <c>choice(count, some, replace=False)</c>.</summary>
    public int[] Choice(int count, int some)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(some, count);
        return Permutation(count)[..some];
    }

    private uint AtMost(uint largest)
    {
        var mask = largest;
        for (var shift = 1; shift < 32; shift *= 2)
        {
            mask |= mask >> shift;
        }

        uint value;
        while ((value = Next() & mask) > largest) { }
        return value;
    }

    private void Refill()
    {
        for (var i = 0; i < Length; i++)
        {
            var y = (_state[i] & 0x80000000) | (_state[(i + 1) % Length] & 0x7fffffff);
            _state[i] = _state[(i + Middle) % Length] ^ (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
        }
        _next = 0;
    }
}
