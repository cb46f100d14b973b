using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Options;

namespace AirMLNet.Prototypes;

/// <summary>What CLIP is fine-tuned by.</summary>
public enum FineTuneMethod
{
    /// <summary>Prototypes mixed of texts (LatteCLIP).</summary>
    LatteClip,

    /// <summary>The class templates, with labels that the model gives anew before every update (FLYP with pseudo-labels).</summary>
    FlypCurrentLabels,

    /// <summary>The class templates, with the labels of the label column throughout: zero-shot ones, or the truth for the oracle.</summary>
    FlypGivenLabels,
}

/// <summary>
/// Options of <see cref="LatteClipEstimator"/>; the defaults are LatteCLIP's (<c>docs/methods.md</c> §5). Values are checked when they are
/// set.
/// </summary>
public sealed record LatteClipOptions : ClipFineTuning
{
    /// <summary>LatteCLIP's numbers.</summary>
    public LatteClipOptions() { }

    /// <summary>The numbers of a method; model, classes, folder and columns are to be set.</summary>
    internal LatteClipOptions(ClipFineTuning method)
        : base(method) { }

    /// <summary>Folder of the CLIP model to begin with; it stays as it is.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The activation of CLIP's blocks; null as for <see cref="ClipExecution.Activation"/>.</summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>
    /// Texts with <c>{}</c> for the class name. The prototypes begin as the mean over them; training takes the first.
    /// </summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Folder for checkpoints and the tuned model, which the fitted stage reads from there until it is saved.</summary>
    public required string WorkFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Column of image paths, or images (which are kept in memory while the stage is fitted).</summary>
    public string ImageColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "ImagePath";

    /// <summary>Key column with the frozen zero-shot label of each image; rows without one are not learned from.</summary>
    public string LabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "ZeroShotLabel";

    /// <summary>Text column about each image; null for none. Empty texts weigh nothing.</summary>
    public string? ImageTextColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    } = "ImageText";

    /// <summary>Text column about each image's group; null for none.</summary>
    public string? GroupTextColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    } = "GroupText";

    /// <summary>Receives a probability per class.</summary>
    public string ScoreColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Score";

    /// <summary>Receives the class.</summary>
    public string PredictedLabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "PredictedLabel";

    /// <summary>What CLIP is fine-tuned by.</summary>
    public FineTuneMethod Method
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Epochs, 1..100,000.</summary>
    public int Epochs
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 50;

    /// <summary>Images of a step, 2..1,000,000; where there are fewer, all of them. An incomplete last batch is left out.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 2, 1_000_000);
    } = 512;

    /// <summary>Peak learning rate of AdamW, 0..1.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 1e-7;

    /// <summary>Weight decay of matrices, 0..100.</summary>
    public double WeightDecay
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 0.2;

    /// <summary>Steps between checkpoints, 1..1,000,000.</summary>
    public int CheckpointSteps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 200;

    /// <summary>Receives a report after each step.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked at every step.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Whether a stage before has warned of class texts that are cut.</summary>
    [JsonIgnore]
    internal bool TextsAreTold { get; init; }

    internal MixerRule Rule =>
        new()
        {
            Update = Update,
            TextShare = 1 - Alpha,
            Momentum = Momentum,
            ImageText = ImageTextColumn is not null,
            GroupText = GroupTextColumn is not null,
            ClassText = ClassText,
            Weighted = Mixer,
            ClassWeight = ClassWeight,
            ZeroShotLoss = ZeroShotLoss,
            CurrentLoss = CurrentLoss,
        };
}
