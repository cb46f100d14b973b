namespace AirMLNet.PseudoLabels;

/// <summary>How images are chosen for the classes, given their probabilities.</summary>
public enum SelectionRule
{
    /// <summary>
    /// Exactly the K most probable images of each class; an image may count for several classes. Every class gets its K images, however
    /// one-sided the predictions are.
    /// </summary>
    Exact,

    /// <summary>
    /// The leaderboard of the published GRIP code, which depends on the order of the images: one that the class it is most probable for
    /// takes counts for that class alone, one that it refuses is offered to all others, and one that is pushed out is not offered again.
    /// </summary>
    Leaderboard,

    /// <summary>
    /// CPL: sets of candidate labels from quantiles within images and over images, then K images per class (<c>docs/methods.md</c>
    /// §3.3).
    /// </summary>
    Candidates,

    /// <summary>
    /// Deferred acceptance: each image asks for its most probable class, a class keeps the K images it is most probable for, and the
    /// others ask for their next class. An image counts for one class, and every place is filled as long as there are images.
    /// </summary>
    Deferred,
}
