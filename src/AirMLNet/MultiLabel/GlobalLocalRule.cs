using AirMLNet.Heads;

namespace AirMLNet.MultiLabel;

/// <summary>How the cosines of an image's places to a class become one number.</summary>
public enum LocalAggregation
{
    /// <summary>Weighted by their own softmax, sharpened by κ (TaI-DPT; T2I-PAL, Eq. 3).</summary>
    Softmax,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The largest.</summary>
    Max,
}

/// <summary>Where the adapter's affinity is added.</summary>
[Flags]
public enum AdapterPlacement
{
    /// <summary>Nowhere: TaI-DPT's scores.</summary>
    None = 0,

    /// <summary>To the local score, from the attended feature of each class (T2I-PAL, Eq. 6).</summary>
    Local = 1,

    /// <summary>To the global score, from the global feature (worse in the paper's Table VII).</summary>
    Global = 2,

    /// <summary>To both, with one adapter.</summary>
    Both = Local | Global,
}

/// <summary>The numbers of T2I-PAL's scores and loss (<c>docs/methods.md</c> §6.3 and §10).</summary>
internal sealed record GlobalLocalRule
{
    /// <summary>Factor of a cosine in a logit.</summary>
    public double Scale { get; init; } = 4;

    /// <summary>κ = 1/τ of Eq. 3, the sharpness of the softmax over places.</summary>
    public double Kappa { get; init; } = 50;

    /// <summary>β of Eq. 5.</summary>
    public double Beta { get; init; } = 5.5;

    /// <summary>m of the ranking loss, on scaled logits.</summary>
    public double Margin { get; init; } = 1;

    public LocalAggregation Aggregation { get; init; } = LocalAggregation.Softmax;

    public AdapterPlacement Placement { get; init; } = AdapterPlacement.Local;

    public FusionForm Form { get; init; } = FusionForm.Additive;

    /// <summary>Weight of the global logits in the score; the local ones have the rest.</summary>
    public double GlobalShare { get; init; } = 0.5;
}
