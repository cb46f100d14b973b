using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Options;

namespace AirMLNet.ZeroShot;

/// <summary>Options of <see cref="ZeroShotEstimator"/>. Values are checked when they are set.</summary>
public sealed record ZeroShotOptions
{
    /// <summary>Folder of the CLIP model: the one whose features are read.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Two or more class names, each once; underscores are read as spaces.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>
    /// Texts with <c>{}</c> for the class name, such as <see cref="PromptTemplates.Ensemble"/>; the class vector is the mean over them.
    /// </summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = PromptTemplates.Single;

    /// <summary>The activation of the model's blocks; null as for <see cref="ClipExecution.Activation"/>.</summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Image features of length 1.</summary>
    public string FeatureColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Features";

    /// <summary>Receives the class probabilities.</summary>
    public string ScoreColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Score";

    /// <summary>Receives the most probable class.</summary>
    public string PredictedLabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "PredictedLabel";

    /// <summary>Checked before the texts are encoded.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
