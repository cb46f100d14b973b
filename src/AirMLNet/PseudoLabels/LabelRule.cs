namespace AirMLNet.PseudoLabels;

/// <summary>What a fitted stage labels a row by: per-class thresholds, and with candidates the two quantile tests before them.</summary>
/// <param name="Thresholds">Per class of the subset, the probability that a row must reach.</param>
/// <param name="Candidates">CPL's tests; null without candidates.</param>
/// <param name="Soft">Whether candidate targets are soft.</param>
internal sealed record LabelRule(float[] Thresholds, CandidateRule? Candidates, bool Soft)
{
    /// <summary>
    /// The index of a row's label in the subset, or −1; <paramref name="set"/> receives its candidates where there are any.
    /// </summary>
    /// <remarks>
    /// In a stable assignment every image belongs to the first of its candidates whose threshold it reaches, so thresholds give the
    /// choice back, but for rows that tie with the last one taken.
    /// </remarks>
    public int LabelOf(ReadOnlySpan<float> probabilities, out int[] set)
    {
        set = [];
        if (Candidates is null)
        {
            return TopKPerClass.LabelOf(probabilities, Thresholds);
        }

        var candidates = Candidates.Candidates(probabilities);
        foreach (var c in candidates)
        {
            if (!(probabilities[c] >= Thresholds[c]))
            {
                continue;
            }

            set = candidates;
            return candidates[0];
        }
        return -1;
    }
}
