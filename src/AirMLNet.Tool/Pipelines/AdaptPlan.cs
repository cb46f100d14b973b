using AirMLNet.Prompts;
using AirMLNet.Synthesis;

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

    /// <summary>FPL, relabelled in every round.</summary>
    Ifpl,

    /// <summary>Sets of candidate labels, in growing numbers.</summary>
    Cpl,

    /// <summary>GRIP or CPL with synthetic images: as prototypes that help to label, and in training.</summary>
    Air,
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
        ["ifpl"] = AdaptMethod.Ifpl,
        ["cpl"] = AdaptMethod.Cpl,
        ["air"] = AdaptMethod.Air,
    };

    /// <summary>The methods that need nothing but the images, and are compared where none are named.</summary>
    public static readonly IReadOnlyList<string> Compared = ["zero-shot", "fpl", "grip", "prototypes"];

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

    public double? LearningRate { get; init; }

    public double? GradientClip { get; init; }

    public double? Lambda { get; init; }

    /// <summary>Weight of the synthetic images in the loss of <see cref="AdaptMethod.Air"/>.</summary>
    public double? Beta { get; init; }

    /// <summary>What <see cref="AdaptMethod.Air"/> builds on: grip or cpl.</summary>
    public string Base { get; init; } = "cpl";

    /// <summary>What is learned.</summary>
    public PromptKind Prompt { get; init; } = PromptKind.Text;

    /// <summary>Lets the prototypes of <see cref="AdaptMethod.Air"/> vote in the score too.</summary>
    public bool PrototypeAtTest { get; init; }

    /// <summary>Folder of synthetic images by class, for <see cref="AdaptMethod.Air"/>.</summary>
    public string? Synthetic { get; init; }

    /// <summary>How <see cref="AdaptMethod.Air"/> makes the synthetic images itself; null where <see cref="Synthetic"/> has them.</summary>
    public DiffusionSynthesisOptions? Diffusion { get; init; }

    /// <summary>Folder of labelled images by class: semi-supervised, or transductive where some classes have none.</summary>
    public string? Labelled { get; init; }

    /// <summary>Classes without labelled images, the only ones that pseudo-labels may take; null for all.</summary>
    public IReadOnlyList<string>? Unseen { get; init; }

    /// <summary>Whether a whole published method is asked for, rather than one of the short ones.</summary>
    public bool IsRecipe =>
        Method is AdaptMethod.Ifpl or AdaptMethod.Cpl or AdaptMethod.Air || Prompt != PromptKind.Text || Labelled is not null;
}
