namespace AirMLNet.Prompts;

/// <summary>The labels that a round of prompt training is given.</summary>
/// <param name="Round">From 1.</param>
/// <param name="Images">Row numbers of the pseudo-labelled images.</param>
/// <param name="Labels">The class of each.</param>
/// <param name="Pool">Row numbers of all unlabelled images; empty where the labels of the first round came from a column.</param>
/// <param name="Best">The most probable class of each image of the pool, fused with the image side where there is one.</param>
internal sealed record RoundLabels(
    int Round,
    IReadOnlyList<int> Images,
    IReadOnlyList<int> Labels,
    IReadOnlyList<int> Pool,
    IReadOnlyList<int> Best
)
{
    /// <summary>
    /// Probability of each label, parallel to <see cref="Labels"/>; empty where the labels came from a column, without probabilities.
    /// </summary>
    public IReadOnlyList<float> Confidence { get; init; } = [];
}

/// <summary>What a fitted model keeps of a round's labels: no photo, only how many there were of each class, and how sure.</summary>
/// <param name="Round">From 1.</param>
/// <param name="Counts">[C], the pseudo-labelled images of each class.</param>
/// <param name="Confidence">[C], mean probability of a class's labels; null for a class without any. Null: not known.</param>
internal sealed record RoundSummary(int Round, IReadOnlyList<int> Counts, IReadOnlyList<double?>? Confidence)
{
    public static RoundSummary Of(RoundLabels round, int classes)
    {
        var counts = new int[classes];
        var sums = new double[classes];
        for (var k = 0; k < round.Labels.Count; k++)
        {
            counts[round.Labels[k]]++;
            sums[round.Labels[k]] += round.Confidence.Count > 0 ? round.Confidence[k] : 0;
        }
        return new(
            round.Round,
            counts,
            round.Confidence.Count == 0
                ? null
                : [.. Enumerable.Range(0, classes).Select(c => counts[c] == 0 ? (double?)null : Math.Round(sums[c] / counts[c], 6))]
        );
    }
}
