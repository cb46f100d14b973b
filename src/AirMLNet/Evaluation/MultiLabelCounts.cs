namespace AirMLNet.Evaluation;

/// <summary>Precision, recall and F1 of decisions about many labels (<c>docs/methods.md</c> §6.6), 0..1.</summary>
/// <param name="ClassPrecision">Mean precision of the classes.</param>
/// <param name="ClassRecall">Mean recall of the classes; NaN by the published meter where a class has no positive.</param>
/// <param name="OverallPrecision">Of all decisions.</param>
/// <param name="OverallRecall">Of all labels.</param>
/// <param name="MeanClassF1">Mean of the classes' F1: DualCoOp's F_C.</param>
internal sealed record MultiLabelCounts(
    double ClassPrecision,
    double ClassRecall,
    double OverallPrecision,
    double OverallRecall,
    double MeanClassF1
)
{
    /// <summary>CF1, the harmonic mean of mean precision and mean recall.</summary>
    public double ClassF1 => F1(ClassPrecision, ClassRecall);

    /// <summary>OF1.</summary>
    public double OverallF1 => F1(OverallPrecision, OverallRecall);

    /// <summary>Counts.</summary>
    /// <param name="chosen">[N, C], whether a label was decided on.</param>
    /// <param name="labels">[N, C]: 1 positive, 0 negative; what is NaN is left out.</param>
    /// <param name="classes">C.</param>
    /// <param name="emptyRecall">Recall of a class without positives; 0, or NaN as the published meter has it.</param>
    public static MultiLabelCounts Of(ReadOnlySpan<bool> chosen, ReadOnlySpan<float> labels, int classes, double emptyRecall = 0)
    {
        if (chosen.Length != labels.Length || classes < 1 || labels.Length % classes != 0)
        {
            throw new ArgumentException($"{chosen.Length} decisions and {labels.Length} labels are not of the same {classes} classes.");
        }

        var (hits, decided, positives) = (new double[classes], new double[classes], new double[classes]);
        for (var i = 0; i < labels.Length; i++)
        {
            if (float.IsNaN(labels[i]))
            {
                continue;
            }
            var (c, positive) = (i % classes, labels[i] == 1);
            positives[c] += positive ? 1 : 0;
            decided[c] += chosen[i] ? 1 : 0;
            hits[c] += chosen[i] && positive ? 1 : 0;
        }
        var all = Enumerable.Range(0, classes).ToArray();
        double Precision(int c) => hits[c] / Math.Max(1, decided[c]);
        double Recall(int c) => positives[c] > 0 ? hits[c] / positives[c] : emptyRecall;
        return new(
            all.Average(Precision),
            all.Average(Recall),
            hits.Sum() / Math.Max(1, decided.Sum()),
            positives.Sum() > 0 ? hits.Sum() / positives.Sum() : emptyRecall,
            all.Average(c => hits[c] > 0 ? F1(Precision(c), Recall(c)) : 0)
        );
    }

    /// <summary>Decides on the k labels of the highest score in each row, where they also reach a threshold.</summary>
    /// <param name="scores">[N, C].</param>
    /// <param name="classes">C.</param>
    /// <param name="k">How many at most.</param>
    /// <param name="threshold">The least score; −∞ for k in every row.</param>
    public static bool[] Top(ReadOnlySpan<float> scores, int classes, int k, float threshold = float.NegativeInfinity)
    {
        var chosen = new bool[scores.Length];
        for (var start = 0; start < scores.Length; start += classes)
        {
            var row = scores.Slice(start, classes).ToArray();
            foreach (var c in AveragePrecision.Ranked(row).Take(k).Where(c => row[c] >= threshold))
            {
                chosen[start + c] = true;
            }
        }
        return chosen;
    }

    private static double F1(double precision, double recall) =>
        double.IsNaN(precision + recall) ? double.NaN
        : precision + recall > 0 ? 2 * precision * recall / (precision + recall)
        : 0;
}
