using System.Text.Json.Serialization;
using AirMLNet.Pipeline;

namespace AirMLNet.Clip;

/// <summary>Options of <see cref="ClipFeatureEstimator"/>. Values are checked when they are set.</summary>
public sealed record ClipFeatureOptions
{
    /// <summary>Folder of the CLIP model, in Hugging Face layout (OpenAI and OpenCLIP names are accepted).</summary>
    public required string ClipFolder { get; init => field = OptionCheck.NotBlank(value); }

    /// <summary>Images encoded at a time, 1..4096. Memory grows with it: three batches of pixels exist at once.</summary>
    public int BatchSize { get; init => field = OptionCheck.Range(value, 1, 4096); } = 64;

    /// <summary>Images decoded at the same time, 1..256; 0 means one per processor.</summary>
    public int Workers { get; init => field = OptionCheck.Range(value, 0, 256); }

    /// <summary>
    /// Keeps the features of the data that the stage was fitted on, so that the stages after it in the same chain read
    /// them again without encoding again. Costs 4·D bytes per image while the fit lasts; other data is never kept.
    /// </summary>
    public bool KeepTrainingFeatures { get; init; } = true;

    /// <summary>Stores the model's files in the saved zip. Otherwise the zip names them by folder name and SHA-256.</summary>
    public bool EmbedBackbone { get; init; }

    /// <summary>Receives a report after each batch.</summary>
    [JsonIgnore]
    public IProgress<StageProgress>? Progress { get; init; }

    /// <summary>Checked before each batch.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
