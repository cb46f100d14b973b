using System.Text.Json.Serialization;
using AirMLNet.Captions;
using AirMLNet.FineTuning;
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
public sealed record FineTuneSettings
{
    /// <summary>Which method it is.</summary>
    [JsonInclude]
    internal FineTuneKind Kind { get; init; }

    /// <summary>FLYP: the frozen zero-shot labels throughout, as LatteCLIP's code has it; otherwise anew before every update.</summary>
    public bool FixedLabels { get; init; }

    /// <summary>How LatteCLIP's prototypes follow the texts.</summary>
    public PrototypeUpdate Update
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>
    /// α of Eq. 2, the prototype's share of a mixed feature, 0..1. 0 with <see cref="PrototypeUpdate.Code"/> is the ablation without
    /// momentum.
    /// </summary>
    public double Alpha
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.99;

    /// <summary>μ of <see cref="PrototypeUpdate.Paper"/>, 0..1.</summary>
    public double PrototypeMomentum
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.99;

    /// <summary>Whether the text about the image is mixed in (Table 2).</summary>
    public bool ImageText { get; init; } = true;

    /// <summary>Whether a text about a group of the class is mixed in (Table 2).</summary>
    public bool GroupText { get; init; } = true;

    /// <summary>Whether the class's template is mixed in (Table 2).</summary>
    public bool ClassText { get; init; } = true;

    /// <summary>Whether texts are weighed by Eq. 1; otherwise all alike (Table 3).</summary>
    public bool Mixer { get; init; } = true;

    /// <summary>Which weight a class text has.</summary>
    public ClassTextWeight ClassWeight
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>L_zs: whether the loss of the zero-shot labels counts (Table 3).</summary>
    public bool ZeroShotLoss { get; init; } = true;

    /// <summary>L_ft: whether the loss of the current labels counts (Table 3).</summary>
    public bool CurrentLoss { get; init; } = true;

    /// <summary>Whose group text an image gets.</summary>
    public GroupTextSource GroupTexts
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

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

    /// <summary>The most steps, 1..1,000,000,000, however many epochs that are.</summary>
    public int MostSteps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000_000);
    } = 2000;

    /// <summary>Steps of the linear warm-up, 0..1,000,000.</summary>
    public int WarmUpSteps
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1_000_000);
    } = 10;

    /// <summary>Images that are encoded with a graph at a time, 1..1,000,000; it changes memory and time, and no gradient.</summary>
    public int Chunk
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 128;

    /// <summary>The smallest share of an image's area that a random crop shows, 0.01..1.</summary>
    public double MinCropArea
    {
        get;
        init => field = OptionCheck.Range(value, 0.01, 1);
    } = 0.9;

    /// <summary>Numbers that the tuned model is kept, scored and saved in.</summary>
    public TunedPrecision Precision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Numbers that are computed in while training; the weights themselves stay float32.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public TunedPrecision TrainingPrecision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Whether a captioner is asked.</summary>
    internal bool NeedsCaptions => Kind == FineTuneKind.LmmZeroShot || (Kind == FineTuneKind.LatteClip && (ImageText || GroupText));

    /// <summary>Whether the zero-shot labels of the images are read.</summary>
    internal bool NeedsZeroShotLabels => Kind is FineTuneKind.LatteClip or FineTuneKind.FlypPseudoLabels;
}
