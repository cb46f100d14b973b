namespace AirMLNet.Experiments;

/// <summary>What is labelled (docs/methods.md §3.1).</summary>
internal enum Paradigm
{
    /// <summary>Nothing (UL).</summary>
    Unsupervised,

    /// <summary>A few images of every class (SSL).</summary>
    SemiSupervised,

    /// <summary>All images of the seen classes, none of the unseen ones (TRZSL).</summary>
    Transductive,
}
