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
);
