using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Options;

namespace AirMLNet.Prototypes;

/// <summary>
/// Options of <see cref="ReClipEstimator"/>; the defaults are the published code's (<c>docs/methods.md</c> §5.5). Values are checked when
/// they
/// are set.
/// </summary>
public sealed record ReClipOptions
{
    /// <summary>Folder of the CLIP model to begin with; it stays as it is.</summary>
    public required string ClipFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>The activation of CLIP's blocks; null as for <see cref="ClipExecution.Activation"/>.</summary>
    public ClipActivation? Activation { get; init; }

    /// <summary>Two or more class names, each once.</summary>
    public required IReadOnlyList<string> ClassNames
    {
        get;
        init => field = OptionCheck.ClassNames(value);
    }

    /// <summary>Texts with <c>{}</c> for the class name. Labels are propagated from the mean over them; the first one is trained.</summary>
    public IReadOnlyList<string> Templates
    {
        get;
        init => field = OptionCheck.Templates(value);
    } = OptionCheck.Templates([ZeroShotClassifier.DefaultTemplate]);

    /// <summary>Folder for the tuned model, which the fitted stage reads from there until it is saved.</summary>
    public required string WorkFolder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Column of image paths, or images (which are kept in memory while the stage is fitted).</summary>
    public string ImageColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "ImagePath";

    /// <summary>Receives a probability per class.</summary>
    public string ScoreColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "Score";

    /// <summary>Receives the class.</summary>
    public string PredictedLabelColumn
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "PredictedLabel";

    /// <summary>k, the neighbours of a node, 1..10,000.</summary>
    public int Neighbours
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000);
    } = 20;

    /// <summary>How far labels spread, 0..0.9999.</summary>
    public double Spread
    {
        get;
        init => field = OptionCheck.Range(value, 0, 0.9999);
    } = 0.99;

    /// <summary>
    /// Singular vectors of the class texts from the second up to this one span the projection, 2..100,000; 250 with over 500 classes.
    /// </summary>
    public int CutDimension
    {
        get;
        init => field = OptionCheck.Range(value, 2, 100_000);
    } = 768;

    /// <summary>Solves for the labels exactly instead of stopping after 20 steps as published.</summary>
    public bool Exact { get; init; }

    /// <summary>Epochs, of which the last one only evaluates, 1..100,000; null: min(100, ⌊N/5000⌋ + 2).</summary>
    public int? Epochs
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 1, 100_000) : null;
    }

    /// <summary>Images of a step, 1..1,000,000.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 64;

    /// <summary>Learning rate of SGD, 0..1000.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1e-3;

    /// <summary>Receives a report after each epoch.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked at every step.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    internal ReClipSettings Settings(int seed) =>
        new()
        {
            Seed = seed,
            Epochs = Epochs,
            BatchSize = BatchSize,
            LearningRate = LearningRate,
            CancellationToken = CancellationToken,
            Propagation = new()
            {
                Neighbours = Neighbours,
                Alpha = Spread,
                CutDimension = CutDimension,
                Exact = Exact,
            },
        };
}
