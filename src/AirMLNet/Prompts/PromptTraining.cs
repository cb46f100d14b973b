using AirMLNet.Options;

namespace AirMLNet.Prompts;

/// <summary>
/// The numbers that every trainer of prompts has: SGD over epochs, whose rate warms up and then falls by a cosine. Values
/// are checked when they are set.
/// </summary>
public abstract record PromptTraining
{
    private protected PromptTraining() { }

    /// <summary>M, the learned vectors before the class name, or learned tokens beside the patches, 1..64.</summary>
    public int PromptLength
    {
        get;
        init => field = OptionCheck.Range(value, 1, 64);
    } = 16;

    /// <summary>Epochs, in each round where there are several, 1..100,000.</summary>
    public int Epochs
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 150;

    /// <summary>Rows of a step, 1..1,000,000. The text tower runs once per step, so large batches cost little.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1_000_000);
    } = 16;

    /// <summary>Peak learning rate of SGD, 0..1000.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 0.1;

    /// <summary>Momentum of SGD, 0..0.9999.</summary>
    public double Momentum
    {
        get;
        init => field = OptionCheck.Range(value, 0, 0.9999);
    } = 0.9;

    /// <summary>Weight decay of SGD, 0..100.</summary>
    public double WeightDecay
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 0.1;

    /// <summary>Warm-up epochs, 0..100,000. Null: 5, or a tenth of the epochs if that is less.</summary>
    public int? WarmUpEpochs
    {
        get;
        init => field = value is { } w ? OptionCheck.Range(w, 0, 100_000) : null;
    }

    /// <summary>Learning rate of a constant warm-up, 0..1000.</summary>
    public double WarmUpLearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1000);
    } = 1e-4;

    /// <summary>W, the warm-up epochs with null resolved.</summary>
    internal int WarmUpLength => WarmUpEpochs ?? Math.Min(5, Epochs / 10);
}
