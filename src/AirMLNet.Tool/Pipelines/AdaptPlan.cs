namespace AirMLNet.Tool.Pipelines;

/// <summary>How to turn the pool of unlabelled images into a classifier.</summary>
internal enum AdaptMethod
{
    /// <summary>No training: the text features of "a photo of a …" classify.</summary>
    ZeroShot,

    /// <summary>Zero-shot pseudo-labels, the most confident images per class, one prompt training.</summary>
    Fpl,

    /// <summary>Ten rounds of relabelling with growing sets.</summary>
    Grip,

    /// <summary>GRIP, its labels fused with one image prototype per class.</summary>
    Prototypes,
}

/// <summary>Everything that decides what an adaptation gives, apart from the images.</summary>
internal sealed record AdaptPlan
{
    public static readonly IReadOnlyDictionary<string, AdaptMethod> Methods = new Dictionary<string, AdaptMethod>
    {
        ["zero-shot"] = AdaptMethod.ZeroShot,
        ["fpl"] = AdaptMethod.Fpl,
        ["grip"] = AdaptMethod.Grip,
        ["prototypes"] = AdaptMethod.Prototypes,
    };

    /// <summary>Key column with the true classes, where <see cref="Labels"/> is set.</summary>
    public const string LabelColumn = "TrueLabel";

    public required string ClipFolder { get; init; }

    public required IReadOnlyList<string> ClassNames { get; init; }

    public AdaptMethod Method { get; init; } = AdaptMethod.Grip;

    /// <summary>Images are in folders named after their classes, and these labels are learned instead of pseudo-labels.</summary>
    public bool Labels { get; init; }

    public int? Epochs { get; init; }

    public int? Rounds { get; init; }

    public int? PerClass { get; init; }

    public int? Batch { get; init; }

    public double? Lambda { get; init; }
}
