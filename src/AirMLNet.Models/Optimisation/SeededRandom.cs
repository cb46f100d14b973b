namespace AirMLNet.Optimisation;

/// <summary>
/// Independent random streams from one seed, so that step n draws the same numbers whether or not the run was interrupted before it.
/// </summary>
internal static class SeededRandom
{
    public static Random Create(int seed, int stream, int index)
    {
        // SplitMix64's finaliser: neighbouring indices give unrelated seeds.
        var z = ((ulong)(uint)seed << 40) ^ ((ulong)(uint)stream << 32) ^ (uint)index;
        z += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return new Random((int)((z ^ (z >> 31)) & 0x7FFFFFFF));
    }
}
