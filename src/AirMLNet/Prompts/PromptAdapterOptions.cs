using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.PseudoLabels;

namespace AirMLNet.Prompts;

/// <summary>
/// Options of <see cref="PromptAdapterEstimator"/>. Values are checked when they are set. Defaults: <c>docs/methods.md</c> §10.
/// </summary>
public sealed record PromptAdapterOptions : PromptMethod
{
    /// <summary>FPL with the published number of labels, one round, and a tenth of the weight on synthetic images.</summary>
    public PromptAdapterOptions()
    {
        BatchSize = 64;
        WeightDecay = 0.05;
        SyntheticWeight = 0.1;
    }

    /// <summary>The numbers of a method; model, classes and columns are to be set.</summary>
    internal PromptAdapterOptions(PromptMethod method)
        : base(method) { }

    /// <summary>Folder of the CLIP model whose features are read: its text tower is tuned against.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>
    /// The activation of the model's blocks; null as for <see cref="ClipExecution.Activation"/>. Must be that of the features.
    /// </summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Two or more class names, each once, in the order of the label's KeyValues.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>
    /// Templates of the zero-shot classifier: of all of it when <see cref="PromptMethod.Rounds"/> is 0, and of the text side of visual
    /// prompts.
    /// </summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Vector&lt;Single, D&gt; of image features.</summary>
    public string FeatureColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Features";

    /// <summary>Text column of image paths, or column of MLImage: what visual prompts look at. Not used with text prompts.</summary>
    public string ImageColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "ImagePath";

    /// <summary>
    /// Column of MLImage that is looked at where the path in <see cref="ImageColumn"/> is blank, as synthetic rows have it; not
    /// used where the input has no such column.
    /// </summary>
    public string SyntheticImageColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Image";

    /// <summary>Key column with the labels of the first round, missing where an image was not chosen.</summary>
    public string LabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "PseudoLabel";

    /// <summary>
    /// Vector of candidate targets over the classes, for the first round of <see cref="PromptLoss.Candidates"/>; null: the label alone.
    /// </summary>
    public string? CandidateColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// Vector of class probabilities that the labels of the first round are chosen from, by the same rule as in later
    /// rounds, instead of reading <see cref="LabelColumn"/>; null to read that.
    /// </summary>
    public string? FirstRoundScoreColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// Key column with true labels of some images (semi-supervised, transductive) and of synthetic ones; null to use none.
    /// </summary>
    public string? TrueLabelColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// Text column that says <c>real</c> or <c>synthetic</c>. Synthetic rows with a label in <see cref="TrueLabelColumn"/> form
    /// the synthetic term (Eq. 9); not used where the input has no such column.
    /// </summary>
    public string OriginColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Origin";

    /// <summary>Vector of image-side probabilities to fuse with (Eq. 7); null for none.</summary>
    public string? PrototypeColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Name of the score column.</summary>
    public string ScoreColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Score";

    /// <summary>Name of the predicted label column.</summary>
    public string PredictedLabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "PredictedLabel";

    /// <summary>α of <see cref="SelectionRule.Candidates"/>, 0..1.</summary>
    public double IntraQuantile
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.75;

    /// <summary>
    /// β of <see cref="SelectionRule.Candidates"/>, 0..1; null: 1 − 2/C, with C the number of classes that pseudo-labels may take.
    /// </summary>
    public double? InterQuantile
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 0, 1);
    }

    /// <summary>The classes that pseudo-labels may take, as in transductive zero-shot learning the unseen ones; null for all.</summary>
    public IReadOnlyList<string>? LabelClasses
    {
        get;
        init => field = OptionCheck.NamesOrNull(value);
    }

    /// <summary>How the losses on labelled and on pseudo-labelled images are weighed against each other.</summary>
    public LabelledBalance LabelledBalance
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = LabelledBalance.ScaleLabelled;

    /// <summary>
    /// Standard deviation of the first values of the learned vectors, 0..10. Null: 0.02 for text, W^(−1/2) for visual prompts
    /// of width W. Deep visual prompts are uniform: this, or √(6/(3·P² + W)) with patches of P pixels, is then their bound.
    /// </summary>
    public double? InitialStandardDeviation
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 0, 10);
    }

    /// <summary>Puts the model's files into the saved model. Only visual prompts need the model to score.</summary>
    public bool EmbedBackbone { get; init; }

    /// <summary>Told the labels of each round before it is trained; for measuring them.</summary>
    internal Action<RoundLabels>? Labelled { get; init; }

    /// <summary>Receives a report after each epoch.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked before each step.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The learning rates that these options describe.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The warm-up leaves no epoch for training.</exception>
    internal LearningRateSchedule Schedule() =>
        WarmUpLength < Epochs
            ? new(LearningRate, Epochs, WarmUpLength, WarmUpLearningRate, WarmUp)
            : throw new ArgumentOutOfRangeException(
                nameof(WarmUpEpochs),
                WarmUpLength,
                $"{nameof(WarmUpEpochs)} = {WarmUpLength}; expected 0..{Epochs - 1}, less than {nameof(Epochs)}."
            );

    internal Fusion FusionRule() => new Fusion(Fusion, PrototypeWeight).Checked(nameof(PrototypeWeight));
}
