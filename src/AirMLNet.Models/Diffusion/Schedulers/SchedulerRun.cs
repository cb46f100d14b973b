using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>One generation's way through the noise schedule; it remembers what the method needs of earlier steps.</summary>
internal abstract class SchedulerRun : IDisposable
{
    /// <param name="timesteps">The times, from high to low.</param>
    /// <param name="initialNoiseScale">By what standard normal noise is multiplied at the start.</param>
    private protected SchedulerRun(double[] timesteps, double initialNoiseScale = 1) =>
        (Timesteps, InitialNoiseScale) = (timesteps, initialNoiseScale);

    /// <summary>The time of each call of the model, from high to low; Euler's may lie between whole numbers.</summary>
    public IReadOnlyList<double> Timesteps { get; }

    /// <summary>By what standard normal noise is multiplied to be the first sample.</summary>
    public double InitialNoiseScale { get; }

    /// <summary>The noise levels σ, one more than times, where the method is written in them; otherwise empty.</summary>
    public virtual IReadOnlyList<double> Sigmas => [];

    /// <summary>What the model is shown for a sample.</summary>
    /// <param name="sample">[B, …].</param>
    /// <param name="step">The step, from 0.</param>
    /// <returns>A new tensor, or the same where nothing changes.</returns>
    public virtual Tensor Scale(Tensor sample, int step) => sample;

    /// <summary>Goes one step. Steps must be taken in order.</summary>
    /// <param name="modelOutput">The prediction for <see cref="Scale"/>'s result.</param>
    /// <param name="step">The step, from 0.</param>
    /// <param name="sample">[B, …], in float32.</param>
    /// <param name="noise">Gives standard normal noise of the same shape, asked for only where the method draws some; null for
    /// zeros.</param>
    /// <returns>The next sample, a new tensor.</returns>
    public Tensor Step(Tensor modelOutput, int step, Tensor sample, Func<Tensor>? noise = null)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return Next(modelOutput.to_type(sample.dtype), step, sample, noise).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    private protected abstract Tensor Next(Tensor output, int step, Tensor sample, Func<Tensor>? noise);

    /// <summary>Frees what is remembered.</summary>
    private protected virtual void Dispose(bool disposing) { }
}
