using System.Text.Json.Serialization;
using AirMLNet.Caching;
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

    /// <summary>
    /// Folder of a cache of features, in which each image is encoded once, ever: it is shared by fits, passes, threads and processes. A
    /// feature is found by the content of its image file (or by the pixels of an MLImage), the model's weights, preprocessing,
    /// precision, activation and kind of device, and <see cref="MaxMegapixels"/>. Null for none, or for one in memory
    /// (<see cref="CacheMegabytes"/>). What is found agrees with what would be encoded to rounding (1e-5): the last bits depend on the
    /// batch. Where nothing can be written, nothing is kept, with a word in the log. It is not saved with a model.
    /// </summary>
    [JsonIgnore]
    public string? CacheFolder
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>
    /// The most that the cache may take, in MiB, 0..16,777,216; the oldest features leave it. With <see cref="CacheFolder"/> it is the
    /// size of that folder, and 0 means 1,024. Without, the cache is in memory, this much for each model and shared by all that name the
    /// same number; 0 means none.
    /// </summary>
    [JsonIgnore]
    public int CacheMegabytes
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1 << 24);
    }

    /// <summary>What the two say; null for no cache.</summary>
    internal FeatureCachePlace? CachePlace =>
        CacheFolder is null && CacheMegabytes == 0
            ? null
            : new(CacheFolder, CacheMegabytes == 0 ? FeatureCache.StandardMegabytes : CacheMegabytes);

    /// <summary>Stores the model's files in the saved zip. Otherwise the zip names them by folder name and SHA-256.</summary>
    public bool EmbedBackbone { get; init; }

    /// <summary>Receives a report after each batch.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked before each batch.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
