using System.Text.Json.Serialization;
using AirMLNet.Captions;
using AirMLNet.Options;
using AirMLNet.Prototypes;

namespace AirMLNet.Recipes;

/// <summary>What a recipe does that changes CLIP itself, or asks another model.</summary>
internal enum FineTuneKind
{
    LatteClip,
    FlypPseudoLabels,
    FlypGivenLabels,
    ReClip,
    LmmZeroShot,
}

/// <summary>
/// The part of a <see cref="Recipe"/> that fine-tunes CLIP (LatteCLIP and what it is compared with; <c>docs/methods.md</c> §5). Epochs,
/// batch size, learning rate and weight decay are the recipe's own. Values are checked when they are set.
/// </summary>
public sealed record FineTuneSettings : ClipFineTuning
{
    /// <summary>Which method it is.</summary>
    [JsonInclude]
    internal FineTuneKind Kind { get; init; }

    /// <summary>FLYP: the frozen zero-shot labels throughout, as LatteCLIP's code has it; otherwise anew before every update.</summary>
    public bool FixedLabels { get; init; }

    /// <summary>Whether the text about the image is mixed in (Table 2).</summary>
    public bool ImageText { get; init; } = true;

    /// <summary>Whether a text about a group of the class is mixed in (Table 2).</summary>
    public bool GroupText { get; init; } = true;

    /// <summary>Images of a group, 1..64 (Table 5).</summary>
    public int GroupSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 64);
    } = 4;

    /// <summary>Groups of a class, which its images share in turn; null: one for every image, as published.</summary>
    public int? GroupsPerClass
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, 1_000_000) : null;
    }

    /// <summary>Images of a group that are of its class by the truth, which is for experiments alone (Table 4); null for none.</summary>
    public int? CorrectInGroup
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 0, 64) : null;
    }

    /// <summary>Deals the texts out among the images at random: a control, which shows what their content is worth.</summary>
    public bool ShuffledTexts { get; init; }

    /// <summary>Whose wording of the questions.</summary>
    public CaptionWording Wording
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Names the zero-shot class in the question where the published code does: flowers and food.</summary>
    public bool NameClass { get; init; } = true;

    /// <summary>ReCLIP: min(100, ⌊N/5000⌋ + 2) epochs for N images, in the place of the recipe's number.</summary>
    public bool EpochsByImages { get; init; }

    /// <summary>Whether a captioner is asked.</summary>
    internal bool NeedsCaptions => Kind == FineTuneKind.LmmZeroShot || (Kind == FineTuneKind.LatteClip && (ImageText || GroupText));

    /// <summary>Whether the zero-shot labels of the images are read.</summary>
    internal bool NeedsZeroShotLabels => Kind is FineTuneKind.LatteClip or FineTuneKind.FlypPseudoLabels;
}
