using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Options;

namespace AirMLNet.Features;

/// <summary>Options of <see cref="ClipFeatureEstimator"/>. Values are checked when they are set.</summary>
public sealed record ClipFeatureOptions : IFeatureOptions
{
    /// <summary>Folder of the CLIP model, in Hugging Face layout (OpenAI and OpenCLIP names are accepted).</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>
    /// Images encoded at a time, 0..4096; 0 lets the free memory decide, up to 64. Memory grows with it: three batches of
    /// pixels exist at once.
    /// </summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 0, 4096);
    }

    /// <summary>
    /// The numbers the model computes in. Measured on random ViT-B/32 weights, a component of a bfloat16 feature is at most
    /// 0.003 away from the float32 one, and the cosine of the two is above 0.9995.
    /// </summary>
    public ClipPrecision Precision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>
    /// The activation of the model's blocks; null leaves it to the configuration, or to the rules of <c>docs/methods.md</c> §1.6.
    /// </summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Threads that LibTorch computes with while it encodes, 0..1024; 0 leaves the number as it is.</summary>
    public int Threads
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1024);
    }

    /// <summary>Images decoded at the same time, 1..256; 0 means one per processor.</summary>
    public int Workers
    {
        get;
        init => field = OptionCheck.Range(value, 0, 256);
    }

    /// <summary>
    /// The largest image file that is decoded, in millions of pixels, 1..2,000; a larger one is refused before memory is taken.
    /// </summary>
    public int MaxMegapixels
    {
        get;
        init => field = OptionCheck.Range(value, 1, 2000);
    } = 100;

    /// <summary>
    /// Keeps the features of the data that the stage was fitted on, so that the stages after it in the same chain read
    /// them again without encoding again. Costs 4·D bytes per image while the fit lasts; other data is never kept.
    /// </summary>
    public bool KeepTrainingFeatures { get; init; } = true;

    /// <summary>Stores the model's files in the saved zip. Otherwise the zip names them by folder name and SHA-256.</summary>
    public bool EmbedBackbone { get; init; }

    /// <summary>Receives a report after each batch.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked before each batch.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
