namespace AirMLNet.PseudoLabels;

/// <summary>How images are chosen for the classes, given their probabilities.</summary>
public enum SelectionRule
{
    /// <summary>Exactly the K most probable images of each class; an image wanted twice takes its most probable class.</summary>
    Exact,

    /// <summary>The leaderboard of the published GRIP code, with its quirks (an image may count for several classes).</summary>
    Leaderboard,

    /// <summary>
    /// CPL: sets of candidate labels from quantiles within images and over images, then K images per class (<c>docs/methods.md</c>
    /// §3.3).
    /// </summary>
    Candidates,
}
