using AirMLNet.Clip;
using AirMLNet.Embedding;
using AirMLNet.Options;

namespace AirMLNet.Cluster;

/// <summary>
/// The CLIP features of a folder of images, in a file: what <c>airml embed</c> writes, bit for bit where the number of threads and the kind
/// of device are the same. A piece writes <c>OUTPUT.shard-I-of-N.safetensors</c>; the last one joins them.
/// </summary>
public sealed record EmbeddingJob : ClusterJob
{
    /// <summary>Folder of images, searched with its sub-folders.</summary>
    public required string Images
    {
        get;
        init => field = Absolute(value);
    }

    /// <summary>Folder of the CLIP model.</summary>
    public required string Clip
    {
        get;
        init => field = Absolute(value);
    }

    /// <summary>The features' file: .safetensors, .idv, .npy or .csv.</summary>
    public required string Output
    {
        get;
        init
        {
            FeatureTable.Format(value);
            field = Absolute(value);
        }
    }

    /// <summary>Images that are kept on disk together, 1..100,000; pieces are whole chunks.</summary>
    public int ChunkSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 256;

    /// <summary>Images encoded at a time, 0..4096; 0 lets the free memory decide.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 0, 4096);
    }

    /// <summary>Numbers to compute in.</summary>
    public ClipPrecision Precision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>Leaves unreadable images out instead of stopping at the first.</summary>
    public bool SkipUnreadable { get; init; }
}
