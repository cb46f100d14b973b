using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// Pseudo linear multistep (Liu et al. 2022, Eq. 11 and 12, without the Runge-Kutta start): the noise is extrapolated from
/// up to four steps. The second time comes twice, so there is one call of the model more than steps.
/// </summary>
internal sealed class PndmScheduler : NoiseScheduler
{
    /// <param name="config">The settings.</param>
    public PndmScheduler(SchedulerConfig config)
        : base(config) { }

    private protected override SchedulerRun Begin(int steps, double eta)
    {
        var times = SpacedWhole(steps);
        return new Run(this, times.Length < 2 ? times : [times[0], times[1], .. times[1..]], Config.NumTrainTimesteps / steps);
    }

    private sealed class Run(PndmScheduler scheduler, double[] timesteps, int stride) : SchedulerRun(timesteps)
    {
        private readonly List<Tensor> _history = []; // newest last
        private Tensor? _start;

        private protected override Tensor Next(Tensor output, int step, Tensor sample, Func<Tensor>? noise)
        {
            var time = (int)Timesteps[step];
            var before = time - stride;
            if (step == 1)
            {
                // The first step again, with the mean of the noise at both its ends.
                (time, before) = (time + stride, time);
                return Transfer(_start!, time, before, output.add(_history[^1]).mul(0.5));
            }
            if (_history.Count == 4)
            {
                _history[0].Dispose();
                _history.RemoveAt(0);
            }
            _history.Add(output.clone().DetachFromDisposeScope());
            if (step == 0)
            {
                _start = sample.clone().DetachFromDisposeScope();
            }
            var e = _history;
            var epsilon = e.Count switch
            {
                1 => output,
                2 => e[^1].mul(3).sub(e[^2]).mul(1.0 / 2),
                3 => e[^1].mul(23).sub(e[^2].mul(16)).add(e[^3].mul(5)).mul(1.0 / 12),
                _ => e[^1].mul(55).sub(e[^2].mul(59)).add(e[^3].mul(37)).sub(e[^4].mul(9)).mul(1.0 / 24),
            };
            return Transfer(sample, time, before, epsilon);
        }

        private protected override void Dispose(bool disposing)
        {
            foreach (var tensor in _history)
            {
                tensor.Dispose();
            }
            _history.Clear();
            _start?.Dispose();
        }

        private Tensor Transfer(Tensor sample, int time, int before, Tensor output)
        {
            var (bar, barBefore) = (scheduler.AlphasCumprod[time], scheduler.Alpha(before));
            var epsilon = Prediction.Noise(scheduler.Config, output, sample, bar);
            var denominator = (bar * Math.Sqrt(1 - barBefore)) + Math.Sqrt(bar * (1 - bar) * barBefore);
            return sample.mul(Math.Sqrt(barBefore / bar)).sub(epsilon.mul((barBefore - bar) / denominator));
        }
    }
}
