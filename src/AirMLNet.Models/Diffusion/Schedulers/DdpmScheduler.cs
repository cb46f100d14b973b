using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>Ancestral sampling (Ho et al. 2020, Algorithm 2), and the noise of training.</summary>
internal sealed class DdpmScheduler : NoiseScheduler
{
    private const double LeastVariance = 1e-20;

    /// <param name="config">The settings.</param>
    public DdpmScheduler(SchedulerConfig config)
        : base(config) { }

    private protected override SchedulerRun Begin(int steps, double eta) => new Run(this, SpacedWhole(steps));

    private sealed class Run(DdpmScheduler scheduler, double[] timesteps) : SchedulerRun(timesteps)
    {
        private protected override Tensor Next(Tensor output, int step, Tensor sample, Func<Tensor>? noise)
        {
            var config = scheduler.Config;
            var time = (int)Timesteps[step];
            var bar = scheduler.AlphasCumprod[time];
            var barBefore = step + 1 < Timesteps.Count ? scheduler.AlphasCumprod[(int)Timesteps[step + 1]] : 1;
            var alpha = bar / barBefore;
            var clean = Prediction.Clean(config, output, sample, bar);
            var next = clean
                .mul(Math.Sqrt(barBefore) * (1 - alpha) / (1 - bar))
                .add(sample.mul(Math.Sqrt(alpha) * (1 - barBefore) / (1 - bar)));
            if (time == 0 || noise is null)
            {
                return next;
            }
            var variance =
                config.VarianceType == "fixed_large" ? 1 - alpha : Math.Max((1 - barBefore) / (1 - bar) * (1 - alpha), LeastVariance);
            return next.add(noise().mul(Math.Sqrt(variance)));
        }
    }
}
