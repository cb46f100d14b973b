namespace AirMLNet.Optimisation;

/// <summary>How the learning rate starts.</summary>
public enum WarmUp
{
    /// <summary>A small constant rate, as the papers say.</summary>
    Constant,

    /// <summary>Grows linearly from 0, as the published code does.</summary>
    Linear,
}

/// <summary>The learning rate of each epoch (<c>docs/methods.md</c> §2.3): a warm-up, then half a cosine down to nearly 0.</summary>
/// <param name="Peak">The rate after the warm-up.</param>
/// <param name="Epochs">E, all epochs.</param>
/// <param name="WarmUpEpochs">W, at most E.</param>
/// <param name="WarmUpRate">The rate of a constant warm-up.</param>
/// <param name="Kind">Constant or linear.</param>
internal sealed record LearningRateSchedule(double Peak, int Epochs, int WarmUpEpochs, double WarmUpRate, WarmUp Kind)
{
    /// <summary>The rate of epoch e = 0 .. E−1: e &lt; W: the warm-up rate, or Peak·e/W; else Peak·½(1 + cos(π(e−W)/(E−W))).</summary>
    /// <param name="epoch">e.</param>
    public double At(int epoch)
    {
        if (epoch < WarmUpEpochs)
        {
            return Kind == WarmUp.Constant ? WarmUpRate : Peak * epoch / WarmUpEpochs;
        }

        return Cosine(Peak, epoch - WarmUpEpochs, Epochs - WarmUpEpochs);
    }

    /// <summary>
    /// Half a cosine without restarts (Loshchilov and Hutter 2017, Eq. 5), rate·½(1 + cos(πs/S)), which every schedule here ends in.
    /// </summary>
    /// <param name="rate">The rate of step 0.</param>
    /// <param name="step">s.</param>
    /// <param name="steps">S.</param>
    /// <returns>The rate of step s; 0 for s = S.</returns>
    internal static double Cosine(double rate, int step, int steps) => rate * 0.5 * (1 + Math.Cos(Math.PI * step / steps));

    /// <summary>The same cosine over all steps, multiplied in the first W steps by (s+1)/W.</summary>
    /// <param name="peak">The rate of which the cosine begins.</param>
    /// <param name="step">s.</param>
    /// <param name="steps">S.</param>
    /// <param name="warmUpSteps">W.</param>
    internal static double RampedCosine(double peak, int step, int steps, int warmUpSteps) =>
        Cosine(peak * Math.Min(1, (step + 1.0) / warmUpSteps), step, steps);

    /// <summary>
    /// Up in a straight line over the first W steps, level, and down in a straight line to 0 over the last share D of all steps (Hägele et
    /// al. 2024). Until it falls the rate does not depend on S, so that a run can be made longer or shorter while it goes.
    /// </summary>
    /// <param name="peak">The level.</param>
    /// <param name="step">s.</param>
    /// <param name="steps">S.</param>
    /// <param name="warmUpSteps">W.</param>
    /// <param name="decayShare">D, above 0.</param>
    internal static double Trapezoid(double peak, int step, int steps, int warmUpSteps, double decayShare) =>
        peak * Math.Min(Math.Min(1, (step + 1.0) / warmUpSteps), Math.Min(1, (steps - step) / (decayShare * steps)));

    /// <summary>OpenCLIP's <c>cosine_lr</c>: peak·(s+1)/W in the first W steps, then half a cosine over the others.</summary>
    /// <param name="peak">The rate after the warm-up.</param>
    /// <param name="step">s.</param>
    /// <param name="steps">S.</param>
    /// <param name="warmUpSteps">W; a warm-up of S steps or more never ends.</param>
    internal static double RampThenCosine(double peak, int step, int steps, int warmUpSteps) =>
        step < warmUpSteps ? peak * (step + 1) / warmUpSteps : Cosine(peak, step - warmUpSteps, steps - warmUpSteps);

    /// <summary>
    /// Dassl's cosine after a constant warm-up: peak·½(1 + cos(π(e−W)/E)). Its denominator is E and not E−W, so that the last rate is not
    /// nearly 0 (<c>docs/methods.md</c> §6.2).
    /// </summary>
    /// <param name="peak">The rate after the warm-up.</param>
    /// <param name="epoch">e.</param>
    /// <param name="epochs">E, all epochs.</param>
    /// <param name="warmUpEpochs">W.</param>
    /// <param name="warmUpRate">The rate of the warm-up.</param>
    internal static double Dassl(double peak, int epoch, int epochs, int warmUpEpochs, double warmUpRate) =>
        epoch < warmUpEpochs ? warmUpRate : Cosine(peak, epoch - warmUpEpochs, epochs);
}
