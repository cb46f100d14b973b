namespace AirMLNet.PseudoLabels;

/// <summary>How many images a class gets.</summary>
public enum PseudoLabelStrategy
{
    /// <summary>Few pseudo-labels: the same fixed number per class in every round (FPL with one round, IFPL with several).</summary>
    Fpl,

    /// <summary>GRIP: the number grows from round to round until the whole pool is used.</summary>
    Grip,

    /// <summary>Every image gets its most probable class (LatteCLIP's frozen labels).</summary>
    All,
}

/// <summary>
/// Images per class as a function of the round (GRIP, Menghini et al. 2023; methods of FPL and IFPL are the constant case).
/// </summary>
internal static class SelectionSchedule
{
    /// <summary>
    /// K of a round. FPL: <paramref name="perClass"/>. GRIP: K_t = ⌊t·n/C⌋ with n = ⌊|U|/T⌋, but never more than ⌊|U|/C⌋
    /// and never fewer than 1. All: |U|.
    /// </summary>
    /// <param name="strategy">FPL, GRIP or all.</param>
    /// <param name="round">t, from 1.</param>
    /// <param name="rounds">T.</param>
    /// <param name="poolSize">|U|, the number of unlabelled images.</param>
    /// <param name="classes">C.</param>
    /// <param name="perClass">K of FPL.</param>
    public static int PerClass(PseudoLabelStrategy strategy, int round, int rounds, int poolSize, int classes, int perClass)
    {
        if (strategy == PseudoLabelStrategy.Fpl)
        {
            return perClass;
        }

        if (strategy == PseudoLabelStrategy.All)
        {
            return poolSize;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(round, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(round, rounds);
        long step = poolSize / rounds;
        var k = Math.Min(round * step / classes, poolSize / classes);
        return (int)Math.Max(1, k);
    }
}
