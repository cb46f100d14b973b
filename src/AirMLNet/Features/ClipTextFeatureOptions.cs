using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Options;

namespace AirMLNet.Features;

/// <summary>Options of <see cref="ClipTextFeatureEstimator"/>. Values are checked when they are set.</summary>
public sealed record ClipTextFeatureOptions : IFeatureOptions
{
    /// <summary>Folder of the CLIP model, in Hugging Face layout (OpenAI and OpenCLIP names are accepted).</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Texts encoded at a time, 1..4096.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 4096);
    } = 64;

    /// <summary>Cuts texts that are too long for the model; false makes such a text an error of its row.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>The numbers the model computes in.</summary>
    public ClipPrecision Precision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>The activation of the model's blocks; null as for <see cref="ClipExecution.Activation"/>.</summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Stores the model's files in the saved zip. Otherwise the zip names them by folder name and SHA-256.</summary>
    public bool EmbedBackbone { get; init; }

    /// <summary>Receives a report after each batch.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked before each batch.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
