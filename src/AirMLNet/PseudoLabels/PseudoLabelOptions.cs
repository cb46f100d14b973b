using System.Text.Json.Serialization;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;

namespace AirMLNet.PseudoLabels;

/// <summary>Options of <see cref="PseudoLabelEstimator"/>. Values are checked when they are set.</summary>
public sealed record PseudoLabelOptions
{
    /// <summary>Folder of the CLIP model that labels the images: the one whose features are read.</summary>
    public required string ClipFolder { get; init => field = OptionCheck.NotBlank(value); }

    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames { get; init => field = OptionCheck.ClassNames(value); }

    /// <summary>Texts with <c>{}</c> for the class name; the class vector is the mean over them.</summary>
    public IReadOnlyList<string> Templates { get; init => field = OptionCheck.Templates(value); } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Fixed number per class, or GRIP's first round.</summary>
    public PseudoLabelStrategy Strategy { get; init => field = OptionCheck.Defined(value); } = PseudoLabelStrategy.Fpl;

    /// <summary>K of <see cref="PseudoLabelStrategy.Fpl"/>, 1..1,000,000.</summary>
    public int PerClass { get; init => field = OptionCheck.Range(value, 1, 1_000_000); } = 16;

    /// <summary>T of <see cref="PseudoLabelStrategy.Grip"/>, 1..1000: the number of rounds that the pool is spread over.</summary>
    public int Rounds { get; init => field = OptionCheck.Range(value, 1, 1000); } = 10;

    /// <summary>A label column whose labelled rows are left out of the pool; null to leave none out. Its classes are not looked at.</summary>
    public string? LabelColumn { get; init => field = OptionCheck.NullOrNotBlank(value); }

    /// <summary>Receives a report when labels are chosen.</summary>
    [JsonIgnore]
    public IProgress<StageProgress>? Progress { get; init; }

    /// <summary>Checked at every row.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
