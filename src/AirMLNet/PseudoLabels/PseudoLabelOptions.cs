using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Options;

namespace AirMLNet.PseudoLabels;

/// <summary>Options of <see cref="PseudoLabelEstimator"/>. Values are checked when they are set.</summary>
public sealed record PseudoLabelOptions
{
    /// <summary>Folder of the CLIP model that labels the images: the one whose features are read.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>
    /// The activation of the model's blocks; null as for <see cref="ClipExecution.Activation"/>. Must be that of the features.
    /// </summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>Texts with <c>{}</c> for the class name; the class vector is the mean over them.</summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Fixed number per class, or GRIP's first round.</summary>
    public PseudoLabelStrategy Strategy
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PseudoLabelStrategy.Fpl;

    /// <summary>K of <see cref="PseudoLabelStrategy.Fpl"/>, 1..1,000,000.</summary>
    public int PerClass
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 16;

    /// <summary>T of <see cref="PseudoLabelStrategy.Grip"/>, 1..1000: the number of rounds that the pool is spread over.</summary>
    public int Rounds
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1000);
    } = 10;

    /// <summary>
    /// How images are chosen. A row gets one label here: with deferred acceptance every class gets its K rows; with exact choice a row
    /// that several classes chose takes the most probable of them, and the trainer's <c>FirstRoundScoreColumn</c> chooses for all of them.
    /// </summary>
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
    /// β of <see cref="SelectionRule.Candidates"/>, 0..1; null: 1 − 2/C, with C the number of classes that labels may take.
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

    /// <summary>Vector of image-side probabilities to fuse with before choosing (Eq. 7); null for none.</summary>
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
    /// A label column whose labelled rows are left out of the pool; null to leave none out. Its classes are not looked at.
    /// </summary>
    public string? LabelColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>Receives a report when labels are chosen.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked at every row.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    internal Fusion FusionRule() => new Fusion(Fusion, PrototypeWeight).Checked(nameof(PrototypeWeight));
}
