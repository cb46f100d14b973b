using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>Denoising diffusion implicit models (Song et al. 2021, Eq. 12); with η = 1 and all times, ancestral sampling.</summary>
internal sealed class DdimScheduler : NoiseScheduler
{
    /// <param name="config">The settings.</param>
    public DdimScheduler(SchedulerConfig config)
        : base(config) { }

    private protected override SchedulerRun Begin(int steps, double eta) =>
        new Run(this, SpacedWhole(steps), Config.NumTrainTimesteps / steps, eta);

    private sealed class Run(DdimScheduler scheduler, double[] timesteps, int stride, double eta) : SchedulerRun(timesteps)
    {
        private protected override Tensor Next(Tensor output, int step, Tensor sample, Func<Tensor>? noise)
        {
            var time = (int)Timesteps[step];
            var bar = scheduler.AlphasCumprod[time];
            var barBefore = scheduler.Alpha(time - stride);
            var clean = Prediction.Clean(scheduler.Config, output, sample, bar);
            var epsilon = Prediction.Noise(scheduler.Config, output, sample, bar);
            var deviation = eta * Math.Sqrt(Math.Max((1 - barBefore) / (1 - bar) * (1 - (bar / barBefore)), 0));
            var next = clean.mul(Math.Sqrt(barBefore)).add(epsilon.mul(Math.Sqrt(Math.Max(1 - barBefore - (deviation * deviation), 0))));
            return deviation > 0 && noise is not null ? next.add(noise().mul(deviation)) : next;
        }
    }
}
