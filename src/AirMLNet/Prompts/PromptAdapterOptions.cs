using System.Text.Json.Serialization;
using AirMLNet.Pipeline;
using AirMLNet.PseudoLabels;

namespace AirMLNet.Prompts;

/// <summary>How images are chosen in the rounds after the first.</summary>
public enum SelectionRule
{
    /// <summary>Exactly the K most probable images of each class; an image wanted twice takes its most probable class.</summary>
    Exact,

    /// <summary>The leaderboard of the published GRIP code, with its quirks (an image may count for several classes).</summary>
    Leaderboard,
}

/// <summary>Options of <see cref="PromptAdapterEstimator"/>. Values are checked when they are set. Defaults: methods §10.</summary>
public sealed record PromptAdapterOptions
{
    /// <summary>Folder of the CLIP model whose features are read: its text tower is tuned against.</summary>
    public required string ClipFolder { get; init => field = OptionCheck.NotBlank(value); }

    /// <summary>Two or more class names, each once, in the order of the label's KeyValues.</summary>
    public required IReadOnlyList<string> ClassNames { get; init => field = OptionCheck.ClassNames(value); }

    /// <summary>Templates of the zero-shot classifier, used when <see cref="Rounds"/> is 0.</summary>
    public IReadOnlyList<string> Templates { get; init => field = OptionCheck.Templates(value); } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Vector&lt;Single, D&gt; of image features.</summary>
    public string FeatureColumn { get; init => field = OptionCheck.NotBlank(value); } = "Features";

    /// <summary>Key column with the labels of the first round, missing where an image was not chosen.</summary>
    public string LabelColumn { get; init => field = OptionCheck.NotBlank(value); } = "PseudoLabel";

    /// <summary>Key column with true labels of some images (semi-supervised); null to use none.</summary>
    public string? TrueLabelColumn { get; init => field = OptionCheck.NullOrNotBlank(value); }

    /// <summary>Vector of image-side probabilities to fuse with (Eq. 7); null for none.</summary>
    public string? PrototypeColumn { get; init => field = OptionCheck.NullOrNotBlank(value); }

    /// <summary>λ of Eq. 7, 0..1000: the score is (p + λ·p̂)/(1 + λ).</summary>
    public double PrototypeWeight { get; init => field = OptionCheck.Range(value, 0, 1000); } = 0.5;

    /// <summary>Name of the score column.</summary>
    public string ScoreColumn { get; init => field = OptionCheck.NotBlank(value); } = "Score";

    /// <summary>Name of the predicted label column.</summary>
    public string PredictedLabelColumn { get; init => field = OptionCheck.NotBlank(value); } = "PredictedLabel";

    /// <summary>T, 0..1000 rounds of training and relabelling; 0 is the zero-shot classifier, without training.</summary>
    public int Rounds { get; init => field = OptionCheck.Range(value, 0, 1000); } = 1;

    /// <summary>Images per class in the rounds after the first: fixed (FPL with one round, IFPL with more), or growing (GRIP).</summary>
    public PseudoLabelStrategy Strategy { get; init => field = OptionCheck.Defined(value); } = PseudoLabelStrategy.Fpl;

    /// <summary>K of <see cref="PseudoLabelStrategy.Fpl"/> in the rounds after the first, 1..1,000,000.</summary>
    public int PerClass { get; init => field = OptionCheck.Range(value, 1, 1_000_000); } = 16;

    /// <summary>How images are chosen in the rounds after the first.</summary>
    public SelectionRule Selection { get; init => field = OptionCheck.Defined(value); } = SelectionRule.Exact;

    /// <summary>Number of learned vectors before the class name, 1..64.</summary>
    public int PromptLength { get; init => field = OptionCheck.Range(value, 1, 64); } = 16;

    /// <summary>Standard deviation of the first values of the learned vectors, 0..10.</summary>
    public double InitialStandardDeviation { get; init => field = OptionCheck.Range(value, 0, 10); } = 0.02;

    /// <summary>Epochs per round, 1..100,000.</summary>
    public int Epochs { get; init => field = OptionCheck.Range(value, 1, 100_000); } = 150;

    /// <summary>Images per step, 1..1,000,000. The text tower runs once per step, so large batches cost little.</summary>
    public int BatchSize { get; init => field = OptionCheck.Range(value, 1, 1_000_000); } = 64;

    /// <summary>Peak learning rate, 0..1000.</summary>
    public double LearningRate { get; init => field = OptionCheck.Range(value, 0, 1000); } = 0.1;

    /// <summary>SGD momentum, 0..0.9999.</summary>
    public double Momentum { get; init => field = OptionCheck.Range(value, 0, 0.9999); } = 0.9;

    /// <summary>SGD weight decay, 0..100.</summary>
    public double WeightDecay { get; init => field = OptionCheck.Range(value, 0, 100); } = 0.05;

    /// <summary>Warm-up epochs, 0..100,000, fewer than <see cref="Epochs"/>. Null: 5, or a tenth of the epochs if that is less.</summary>
    public int? WarmUpEpochs { get; init => field = value is { } w ? OptionCheck.Range(w, 0, 100_000) : null; }

    /// <summary>Learning rate of a constant warm-up, 0..1000.</summary>
    public double WarmUpLearningRate { get; init => field = OptionCheck.Range(value, 0, 1000); } = 1e-4;

    /// <summary>How the warm-up goes.</summary>
    public WarmUp WarmUp { get; init => field = OptionCheck.Defined(value); } = WarmUp.Constant;

    /// <summary>Largest L2 norm of the gradient, 0..1e6; 0 does not clip.</summary>
    public double GradientClip { get; init => field = OptionCheck.Range(value, 0, 1e6); }

    /// <summary>Starts each round from the last round's prompt instead of the first values (as GRIP's code does by accident).</summary>
    public bool WarmStart { get; init; }

    /// <summary>Receives a report after each epoch.</summary>
    [JsonIgnore]
    public IProgress<StageProgress>? Progress { get; init; }

    /// <summary>Checked before each step.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The learning rates that these options describe.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="WarmUpEpochs"/> leaves no epoch for training.</exception>
    public LearningRateSchedule Schedule()
    {
        int warm = WarmUpEpochs ?? Math.Min(5, Epochs / 10);
        return warm < Epochs
            ? new(LearningRate, Epochs, warm, WarmUpLearningRate, WarmUp)
            : throw new ArgumentOutOfRangeException(nameof(WarmUpEpochs), warm, $"{nameof(WarmUpEpochs)} = {warm}; expected 0..{Epochs - 1}, less than {nameof(Epochs)}.");
    }
}
