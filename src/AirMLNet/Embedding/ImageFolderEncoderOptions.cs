using System.Text.Json.Serialization;
using AirMLNet.Features;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Embedding;

/// <summary>Options of <see cref="ImageFolderEncoder"/>. Values are checked when they are set.</summary>
internal sealed record ImageFolderEncoderOptions
{
    /// <summary>Folder of images, searched with its sub-folders.</summary>
    public required string Images
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The features' file, whose ending is one of <see cref="Formats"/>'.</summary>
    public required string Output
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The formats that the output may have.</summary>
    [JsonIgnore]
    public IReadOnlyList<FeatureFormat> Formats { get; init; } = FeatureTable.Formats;

    /// <summary>Model, batch size, workers, precision.</summary>
    public required ClipFeatureOptions Clip { get; init; }

    /// <summary>Images that are kept on disk together, 1..100,000: what an interruption loses at most. Shards are whole chunks.</summary>
    public int ChunkSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 256;

    /// <summary>Which part this run does.</summary>
    public Shard Shard { get; init; } = Shard.Whole;

    /// <summary>Leaves unreadable images out instead of stopping at the first.</summary>
    public bool SkipUnreadable { get; init; }

    /// <summary>Hears of every image that was left out.</summary>
    [JsonIgnore]
    public Action<string>? Warn { get; init; }

    /// <summary>Receives a report after each image, which is the unit.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked before each batch.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }
}
