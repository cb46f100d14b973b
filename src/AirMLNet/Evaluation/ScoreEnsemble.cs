namespace AirMLNet.Evaluation;

/// <summary>
/// Fuses the scores of two models (TaI-DPT's <c>ensemble_score.py</c>; <c>docs/methods.md</c> §6.5). It looks at all images at once, and
/// so ranks images of one data set only.
/// </summary>
internal static class ScoreEnsemble
{
    /// <summary>(1 − r)·first + r·second, after each has been brought to 0..1 by its one least and one largest score.</summary>
    /// <param name="first">[N, C].</param>
    /// <param name="second">[N, C].</param>
    /// <param name="share">r, 0..1, the second's share.</param>
    /// <exception cref="ArgumentException">The matrices differ in size, or are empty.</exception>
    public static float[] Fuse(ReadOnlySpan<float> first, ReadOnlySpan<float> second, double share)
    {
        if (first.Length != second.Length || first.Length == 0)
        {
            throw new ArgumentException(
                $"{first.Length} scores of one model and {second.Length} of the other; expected as many, and some."
            );
        }

        var (a, b) = (Scaled(first), Scaled(second));
        var fused = new float[a.Length];
        for (var i = 0; i < fused.Length; i++)
        {
            fused[i] = (float)(((1 - share) * a[i]) + (share * b[i]));
        }
        return fused;
    }

    private static double[] Scaled(ReadOnlySpan<float> scores)
    {
        double least = double.PositiveInfinity,
            largest = double.NegativeInfinity;
        foreach (var score in scores)
        {
            (least, largest) = (Math.Min(least, score), Math.Max(largest, score));
        }
        var result = new double[scores.Length];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = largest > least ? (scores[i] - least) / (largest - least) : 0;
        }
        return result;
    }
}
