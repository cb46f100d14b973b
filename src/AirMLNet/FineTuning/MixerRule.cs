namespace AirMLNet.FineTuning;

/// <summary>How LatteCLIP's prototypes follow the texts (<c>docs/methods.md</c> §5.1).</summary>
public enum PrototypeUpdate
{
    /// <summary>
    /// As the published code: a prototype becomes the mean of the mixed features of both kinds of labels, scaled to length 1; these
    /// hold 1 − α of the texts already. Weights are taken against the prototypes at the start of the epoch.
    /// </summary>
    Code,

    /// <summary>
    /// As the paper says: μ of the prototype and 1 − μ of the mean, first for the zero-shot labels, then for the current ones.
    /// Prototypes move about a hundred times more slowly.
    /// </summary>
    Paper,
}

/// <summary>Which weight a class text has in the mix; the published code's two differ from its paper's.</summary>
public enum ClassTextWeight
{
    /// <summary>Its own, per sample: the paper.</summary>
    PerSample,

    /// <summary>Per sample, but in the sum for the zero-shot label that of the current label's text, as the code has it.</summary>
    CurrentLabel,

    /// <summary>
    /// The published code as it runs: the weights of the batch's samples scale the columns of the feature. Needs as many samples in a
    /// batch as a feature has numbers.
    /// </summary>
    FeatureColumns,
}

/// <summary>The rule by which texts are mixed and prototypes updated (LatteCLIP, Eq. 1 and 2).</summary>
internal sealed record MixerRule
{
    public PrototypeUpdate Update { get; init; }

    /// <summary>1 − α: the share of the texts in a mixed feature; 1 is the ablation without momentum of the code's rule.</summary>
    public double TextShare { get; init; } = 0.01;

    /// <summary>μ of <see cref="PrototypeUpdate.Paper"/>; 0 replaces prototypes by the means.</summary>
    public double Momentum { get; init; } = 0.99;

    public bool ImageText { get; init; } = true;

    public bool GroupText { get; init; } = true;

    public bool ClassText { get; init; } = true;

    /// <summary>Whether texts are weighed by Eq. 1; otherwise all alike.</summary>
    public bool Weighted { get; init; } = true;

    public ClassTextWeight ClassWeight { get; init; }

    /// <summary>Whether the loss of the frozen zero-shot labels counts. The prototypes follow them in any case.</summary>
    public bool ZeroShotLoss { get; init; } = true;

    /// <summary>Whether the loss of the current labels counts.</summary>
    public bool CurrentLoss { get; init; } = true;
}
