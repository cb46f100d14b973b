using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Options;

namespace AirMLNet.Prototypes;

/// <summary>
/// How CLIP itself is fine-tuned without labels, with LatteCLIP's numbers (<c>docs/methods.md</c> §5): what a <c>Recipe</c> and
/// <see cref="LatteClipOptions"/> have in common. What speaks of texts and prototypes is LatteCLIP's alone. Values are checked when they
/// are set.
/// </summary>
public abstract record ClipFineTuning
{
    private protected ClipFineTuning() { }

    /// <summary>How the prototypes follow the texts.</summary>
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

    /// <summary>μ of <see cref="PrototypeUpdate.Paper"/>, 0..1; the other rule has none.</summary>
    public double Momentum
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.99;

    /// <summary>Whether the class's template is among the texts (Table 2).</summary>
    public bool ClassText { get; init; } = true;

    /// <summary>Whether texts are weighed by Eq. 1; otherwise all alike (Table 3).</summary>
    public bool Mixer { get; init; } = true;

    /// <summary>Which weight a class text has.</summary>
    public ClassTextWeight ClassWeight
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Whether the loss of the zero-shot labels counts (L_zs, Table 3).</summary>
    public bool ZeroShotLoss { get; init; } = true;

    /// <summary>Whether the loss of the current labels counts (L_ft, Table 3).</summary>
    public bool CurrentLoss { get; init; } = true;

    /// <summary>Whose group text an image gets.</summary>
    public GroupTextSource GroupTexts
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

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

    /// <summary>The smallest share of an image's area that a random crop shows, 0.01..1; 1 crops as in scoring.</summary>
    public double MinCropArea
    {
        get;
        init => field = OptionCheck.Range(value, 0.01, 1);
    } = 0.9;

    /// <summary>Numbers that the tuned model is kept, scored and saved in: float32 or bfloat16.</summary>
    public ClipPrecision Precision
    {
        get;
        init => field = OptionCheck.OneOf(value, ClipPrecision.Float32, ClipPrecision.BFloat16);
    }

    /// <summary>
    /// Numbers that are computed in while training. With <see cref="ClipPrecision.BFloat16"/> the weights themselves and what moves them
    /// stay float32; float16, whose range is too small for gradients, is refused.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ClipPrecision TrainingPrecision
    {
        get;
        init => field = OptionCheck.OneOf(value, ClipPrecision.Float32, ClipPrecision.BFloat16);
    }
}
