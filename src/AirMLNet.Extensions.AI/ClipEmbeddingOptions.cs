using AirMLNet.Clip;
using AirMLNet.Options;

namespace AirMLNet.Extensions.AI;

/// <summary>How embeddings are made. Values are checked when they are set.</summary>
public sealed record ClipEmbeddingOptions
{
    /// <summary>
    /// Texts or images encoded at a time, 0..4096; 0 takes 64 texts, and as many images as a quarter of the memory has room for, up to
    /// 64. A request with more is encoded in parts, between which it can be cancelled.
    /// </summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 0, 4096);
    }

    /// <summary>
    /// Batches of one generator that are worked on at the same time, 1..256; further requests wait. It bounds the memory, whatever the
    /// number of requests: with 2, one batch is decoded while the other is encoded.
    /// </summary>
    public int Parallel
    {
        get;
        init => field = OptionCheck.Range(value, 1, 256);
    } = 2;

    /// <summary>The numbers the model computes in. Embeddings are float32 whatever it is.</summary>
    public ClipPrecision Precision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>The activation of the model's blocks; null as for <see cref="ClipExecution.Activation"/>.</summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Cuts texts that are longer than the model's context; false refuses a request with one.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>
    /// The largest image that is decoded, in millions of pixels, 1..2,000; a larger one is refused before memory is taken.
    /// </summary>
    public int MaxMegapixels
    {
        get;
        init => field = OptionCheck.Range(value, 1, 2000);
    } = 100;

    internal ClipExecution Execution => new() { Precision = Precision, Activation = Activation };
}
