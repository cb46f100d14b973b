using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Options;

namespace AirMLNet.Prototypes;

/// <summary>What becomes of CLIP where prototypes classify.</summary>
public enum PrototypeAdaptation
{
    /// <summary>It stays as it is, and prototypes are made of its features once (AiR).</summary>
    Frozen,

    /// <summary>It is fine-tuned together with the prototypes (LatteCLIP).</summary>
    FineTune,
}

/// <summary>Options of <see cref="PrototypeClassifierEstimator"/>. Values are checked when they are set.</summary>
public sealed record PrototypeClassifierOptions
{
    /// <summary>
    /// Whether CLIP is fine-tuned. With <see cref="PrototypeAdaptation.FineTune"/> the stage does what
    /// <c>ml.MulticlassClassification.Trainers.LatteClip</c> does by <see cref="FineTuning"/>: it reads images, not features, and no other
    /// option counts.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public PrototypeAdaptation Adaptation
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>How CLIP is fine-tuned; the score goes to the stage's output column.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LatteClipOptions? FineTuning { get; init; }

    /// <summary>Key column with the classes of the images; rows where it is missing are not used.</summary>
    public string LabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "PseudoLabel";

    /// <summary>
    /// Single column of <see cref="PrototypeRanking.Column"/>, highest first; null takes the images in the order of the rows.
    /// </summary>
    public string? ConfidenceColumn
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    } = "PseudoLabelConfidence";

    /// <summary>
    /// Which images of a class are taken; <see cref="ConfidenceColumn"/> is read for <see cref="PrototypeRanking.Column"/> only, and
    /// <see cref="PrototypeRanking.Probability"/> and <see cref="PrototypeRanking.Cosine"/> ask the texts of <see cref="ClipFolder"/>.
    /// </summary>
    public PrototypeRanking Ranking
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = PrototypeRanking.Column;

    /// <summary>What models that were saved before <see cref="Ranking"/> existed say in its place. It is read, never written.</summary>
    [JsonInclude]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    internal bool? RankByClip
    {
        get => null;
        init => Ranking = value == true ? PrototypeRanking.Probability : Ranking;
    }

    /// <summary>Templates of the classifier that the ranking asks.</summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Text column that says <c>real</c> or <c>synthetic</c>; not used where the input has no such column.</summary>
    public string OriginColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Origin";

    /// <summary>Takes synthetic images before real ones, as AiR does (Eq. 6). Without it the origin is not looked at.</summary>
    public bool PreferSynthetic { get; init; } = true;

    /// <summary>
    /// Images per class whose mean is the prototype, 1..100,000; 1 is AiR's single representative, more than there are takes all.
    /// </summary>
    public int Shots
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 1;

    /// <summary>
    /// Subtracts the mean of all images before cosines are taken: of real images from real ones, of synthetic images from synthetic ones,
    /// which also takes away what tells the two apart. Features of CLIP point into one narrow cone; without their mean, cosines between
    /// images spread over −1..1 instead of about 0.5..0.9, and want a larger temperature. Not in AiR's paper.
    /// </summary>
    public bool Centre { get; init; }

    /// <summary>τ of p̂ = softmax(cos/τ), 0.0001..100. Null: CLIP's own, from <see cref="ClipFolder"/>, or 0.01 without it.</summary>
    public double? Temperature
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 1e-4, 100);
    }

    /// <summary>
    /// The CLIP model whose scale gives the temperature where none is set, and whose texts rank images; null takes 0.01, the
    /// temperature of the published models.
    /// </summary>
    public string? ClipFolder
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// The activation of the model's blocks; null as for <see cref="ClipExecution.Activation"/>. Must be that of the features.
    /// </summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Checked at every row.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
