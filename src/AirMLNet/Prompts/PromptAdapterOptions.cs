using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.PseudoLabels;

namespace AirMLNet.Prompts;

/// <summary>What is learned.</summary>
public enum PromptKind
{
    /// <summary>Vectors before the class name, shared by all classes (<c>docs/methods.md</c> §2.1).</summary>
    Text,

    /// <summary>Tokens beside the patches of the image, put in before the first block (VPT shallow, <c>docs/methods.md</c> §2.2).</summary>
    Visual,

    /// <summary>Tokens of their own before every block of the image tower (VPT deep).</summary>
    VisualDeep,
}

/// <summary>
/// Options of <see cref="PromptAdapterEstimator"/>. Values are checked when they are set. Defaults: <c>docs/methods.md</c> §10.
/// </summary>
public sealed record PromptAdapterOptions
{
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

    /// <summary>What is learned: vectors of the text, or of the image.</summary>
    public PromptKind Prompt
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PromptKind.Text;

    /// <summary>
    /// Templates of the zero-shot classifier: of all of it when <see cref="Rounds"/> is 0, and of the text side of visual prompts.
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

    /// <summary>λ of Eq. 7, 0..1000; in convex form at most 1.</summary>
    public double PrototypeWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 0.5;

    /// <summary>Form of Eq. 7.</summary>
    public FusionForm Fusion
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = FusionForm.Additive;

    /// <summary>
    /// Fuses the score too. Without it the prototypes help to choose pseudo-labels only, and scoring does not need their column.
    /// </summary>
    public bool PrototypeAtTest { get; init; }

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

    /// <summary>T, 0..1000 rounds of training and relabelling; 0 is the zero-shot classifier, without training.</summary>
    public int Rounds
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1;

    /// <summary>Images per class in the rounds after the first: fixed (FPL with one round, IFPL with more), or growing (GRIP).</summary>
    public PseudoLabelStrategy Strategy
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PseudoLabelStrategy.Fpl;

    /// <summary>K of <see cref="PseudoLabelStrategy.Fpl"/> in the rounds after the first, 1..1,000,000.</summary>
    public int PerClass
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 16;

    /// <summary>How images are chosen in the rounds after the first.</summary>
    public SelectionRule Selection
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = SelectionRule.Exact;

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

    /// <summary>The loss on pseudo-labelled images.</summary>
    public PromptLoss Loss
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PromptLoss.CrossEntropy;

    /// <summary>Weight of the loss on pseudo-labelled images, 0..1000; 0 leaves them out.</summary>
    public double PseudoLabelWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1;

    /// <summary>How the losses on labelled and on pseudo-labelled images are weighed against each other.</summary>
    public LabelledBalance LabelledBalance
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = LabelledBalance.ScaleLabelled;

    /// <summary>Whether labelled images share the batches of the pseudo-labelled ones.</summary>
    public LabelledBatches LabelledBatches
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = LabelledBatches.Mixed;

    /// <summary>β of Eq. 10, 0..1000: weight of the loss on synthetic images; 0 leaves them out.</summary>
    public double SyntheticWeight
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 0.1;

    /// <summary>Synthetic images per step, 1..1,000,000; null: as many as <see cref="BatchSize"/>.</summary>
    public int? SyntheticBatchSize
    {
        get;
        init => field = value is { } n ? OptionCheck.Range(n, 1, 1_000_000) : null;
    }

    /// <summary>Number of learned vectors before the class name, or of learned tokens beside the patches, 1..64.</summary>
    public int PromptLength
    {
        get;
        init => field = OptionCheck.Range(value, 1, 64);
    } = 16;

    /// <summary>
    /// Standard deviation of the first values of the learned vectors, 0..10. Null: 0.02 for text, W^(−1/2) for visual prompts
    /// of width W. Deep visual prompts are uniform: this, or √(6/(3·P² + W)) with patches of P pixels, is then their bound.
    /// </summary>
    public double? InitialStandardDeviation
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 0, 10);
    }

    /// <summary>Epochs per round, 1..100,000.</summary>
    public int Epochs
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 150;

    /// <summary>Images per step, 1..1,000,000. The text tower runs once per step, so large batches cost little.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 64;

    /// <summary>Leaves out an epoch's last batch where it is not whole and not the only one.</summary>
    public bool DropLast { get; init; }

    /// <summary>Peak learning rate, 0..1000.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 0.1;

    /// <summary>SGD momentum, 0..0.9999.</summary>
    public double Momentum
    {
        get;
        init => field = OptionCheck.Range(value, 0, 0.9999);
    } = 0.9;

    /// <summary>SGD weight decay, 0..100.</summary>
    public double WeightDecay
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 0.05;

    /// <summary>Warm-up epochs, 0..100,000, fewer than <see cref="Epochs"/>. Null: 5, or a tenth of the epochs if that is less.</summary>
    public int? WarmUpEpochs
    {
        get;
        init => field = value is { } w ? OptionCheck.Range(w, 0, 100_000) : null;
    }

    /// <summary>Learning rate of a constant warm-up, 0..1000.</summary>
    public double WarmUpLearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1e-4;

    /// <summary>How the warm-up goes.</summary>
    public WarmUp WarmUp
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = WarmUp.Constant;

    /// <summary>Largest L2 norm of the gradient, 0..1e6; 0 does not clip.</summary>
    public double GradientClip
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1e6);
    }

    /// <summary>Starts each round from the last round's prompt instead of the first values (as GRIP's code does by accident).</summary>
    public bool WarmStart { get; init; }

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
    /// <exception cref="ArgumentOutOfRangeException"><see cref="WarmUpEpochs"/> leaves no epoch for training.</exception>
    internal LearningRateSchedule Schedule()
    {
        var warm = WarmUpEpochs ?? Math.Min(5, Epochs / 10);
        return warm < Epochs
            ? new(LearningRate, Epochs, warm, WarmUpLearningRate, WarmUp)
            : throw new ArgumentOutOfRangeException(
                nameof(WarmUpEpochs),
                warm,
                $"{nameof(WarmUpEpochs)} = {warm}; expected 0..{Epochs - 1}, less than {nameof(Epochs)}."
            );
    }

    internal Fusion FusionRule() => new Fusion(Fusion, PrototypeWeight).Checked(nameof(PrototypeWeight));
}
