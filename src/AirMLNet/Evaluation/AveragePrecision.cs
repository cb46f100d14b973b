namespace AirMLNet.Evaluation;

/// <summary>In which order rows of the same score are counted.</summary>
internal enum TieRule
{
    /// <summary>As the rows stand.</summary>
    Ascending,

    /// <summary>The later row first: what <c>argsort()[::-1]</c> gives for few rows.</summary>
    Descending,

    /// <summary>All at once: equal scores share one threshold, as scikit-learn has it.</summary>
    Together,
}

/// <summary>The area under a class's precision and recall, by one of several rules (<c>docs/methods.md</c> §6.6).</summary>
internal static class AveragePrecision
{
    // The published rule divides by the positives plus this, so that a class without any gives 0.
    private const double Epsilon = 1e-8;

    /// <summary>Σ over the positives of the precision at their rank, by the number of positives: DualCoOp's and TaI-DPT's rule.</summary>
    /// <param name="scores">Of each row, finite.</param>
    /// <param name="positive">Whether each row is one.</param>
    /// <param name="ties">The order of equal scores.</param>
    /// <param name="epsilon">Added to the number of positives.</param>
    /// <returns>0..1; 0 where there is no positive.</returns>
    public static double Published(
        IReadOnlyList<float> scores,
        IReadOnlyList<bool> positive,
        TieRule ties = TieRule.Ascending,
        double epsilon = Epsilon
    )
    {
        var order = Ranked(scores, ties);
        double sum = 0,
            hits = 0;
        for (var k = 0; k < order.Length; )
        {
            var end = k + 1;
            while (ties == TieRule.Together && end < order.Length && scores[order[end]].Equals(scores[order[k]]))
            {
                end++;
            }
            var found = order[k..end].Count(row => positive[row]);
            hits += found;
            sum += found * hits / end;
            k = end;
        }
        return hits == 0 ? 0 : sum / (hits + epsilon);
    }

    /// <summary>The mean of the best precision at a recall of 0, 0.1, … 1 or more: PASCAL VOC's rule until 2009.</summary>
    /// <param name="scores">Of each row.</param>
    /// <param name="positive">Whether each row is one.</param>
    /// <param name="exact">
    /// Lets a recall of 3/10 reach the threshold 0.3; in the published code rounding keeps it just below.
    /// </param>
    public static double ElevenPoint(IReadOnlyList<float> scores, IReadOnlyList<bool> positive, bool exact = false)
    {
        var curve = Curve(scores, positive);
        double sum = 0;
        for (var i = 0; i <= 10; i++)
        {
            var threshold = (i * 0.1) - (exact ? 1e-9 : 0);
            sum += curve.Where(point => point.Recall >= threshold).Select(point => point.Precision).DefaultIfEmpty(0).Max();
        }
        return sum / 11;
    }

    /// <summary>The area under the best precision at each recall or more: PASCAL VOC's rule since 2010.</summary>
    /// <param name="scores">Of each row.</param>
    /// <param name="positive">Whether each row is one.</param>
    public static double Area(IReadOnlyList<float> scores, IReadOnlyList<bool> positive)
    {
        var curve = Curve(scores, positive);
        double area = 0,
            best = 0;
        for (var k = curve.Length - 1; k >= 0; k--)
        {
            best = Math.Max(best, curve[k].Precision);
            area += (curve[k].Recall - (k > 0 ? curve[k - 1].Recall : 0)) * best;
        }
        return area;
    }

    /// <summary>Rows by falling score.</summary>
    internal static int[] Ranked(IReadOnlyList<float> scores, TieRule ties = TieRule.Ascending)
    {
        var rows = Enumerable.Range(0, scores.Count);
        return [.. (ties == TieRule.Descending ? rows.Reverse() : rows).OrderByDescending(row => scores[row])]; // a stable sort
    }

    private static (double Precision, double Recall)[] Curve(IReadOnlyList<float> scores, IReadOnlyList<bool> positive)
    {
        var total = positive.Count(p => p);
        if (total == 0)
        {
            return [];
        }

        var hits = 0;
        return
        [
            .. Ranked(scores)
                .Select(
                    (row, k) =>
                    {
                        hits += positive[row] ? 1 : 0;
                        return (hits / (k + 1.0), (double)hits / total);
                    }
                ),
        ];
    }
}
