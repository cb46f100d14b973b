namespace AirMLNet.Optimisation;

/// <summary>How the learning rate starts.</summary>
public enum WarmUp
{
    /// <summary>A small constant rate, as the papers say.</summary>
    Constant,

    /// <summary>Grows linearly from 0, as the published code does.</summary>
    Linear,
}

/// <summary>The learning rate of each epoch (methods §2.3): a warm-up, then half a cosine down to nearly 0.</summary>
/// <param name="Peak">The rate after the warm-up.</param>
/// <param name="Epochs">E, all epochs.</param>
/// <param name="WarmUpEpochs">W, at most E.</param>
/// <param name="WarmUpRate">The rate of a constant warm-up.</param>
/// <param name="Kind">Constant or linear.</param>
public sealed record LearningRateSchedule(double Peak, int Epochs, int WarmUpEpochs, double WarmUpRate, WarmUp Kind)
{
    /// <summary>The rate of epoch e = 0 .. E−1: e &lt; W: the warm-up rate, or Peak·e/W; else Peak·½(1 + cos(π(e−W)/(E−W))).</summary>
    /// <param name="epoch">e.</param>
    public double At(int epoch)
    {
        if (epoch < WarmUpEpochs)
        {
            return Kind == WarmUp.Constant ? WarmUpRate : Peak * epoch / WarmUpEpochs;
        }

        return Peak * 0.5 * (1 + Math.Cos(Math.PI * (epoch - WarmUpEpochs) / (Epochs - WarmUpEpochs)));
    }
}
