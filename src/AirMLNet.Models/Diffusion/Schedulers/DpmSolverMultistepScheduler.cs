using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>DPM-Solver++(2M) (Lu et al. 2022, Algorithm 2): the clean sample is extrapolated from two steps.</summary>
internal sealed class DpmSolverMultistepScheduler : SigmaScheduler
{
    /// <summary>Fewer steps than this end with one of first order.</summary>
    private const int FewSteps = 15;

    /// <param name="config">The settings.</param>
    public DpmSolverMultistepScheduler(SchedulerConfig config)
        : base(config) { }

    // One has the schedule's last noise level; a step between two of them would divide by zero.
    private protected override int TimesBeyond => 1;

    private protected override SchedulerRun Begin(int steps, double eta)
    {
        var all = Config.NumTrainTimesteps;
        // λ = −ln σ falls with time: what lies below its limit is at the end.
        var last = all - TrainedSigmas.Count(s => -Math.Log(s) < Config.LambdaMinClipped);
        double[] times = Config.TimestepSpacing switch
        {
            "leading" => [.. Enumerable.Range(1, steps).Reverse().Select(i => (double)((i * (last / (steps + 1))) + Config.StepsOffset))],
            "trailing" => [.. Trailing(last, (double)all / steps)],
            _ => [.. Linspace(0, last - 1, steps + 1).Select(t => Math.Round(t)).Reverse().Take(steps)],
        };
        var levels = Config.UseKarrasSigmas ? Karras(TrainedSigmas[^1], TrainedSigmas[0], steps) : [];
        if (Config.UseKarrasSigmas)
        {
            times = Config.BetaSchedule == "squaredcos_cap_v2" ? CutKarrasTimes(steps) : [.. levels.Select(s => Math.Round(TimeOf(s)))];
        }
        if (!Config.UseKarrasSigmas || Config.FinalSigmasType is null)
        {
            times = [.. times.Distinct()]; // nearly as many steps as there are times repeat some
        }
        var end = Config.FinalSigmasType == "zero" ? 0 : TrainedSigmas[0];
        var sigmas = Config.UseKarrasSigmas && Config.FinalSigmasType is not null ? levels : [.. times.Select(SigmaAt)];
        return new Run(Config, times, [.. sigmas, end], [.. Config.UseKarrasSigmas ? levels : sigmas, end]);
    }

    private sealed class Run(SchedulerConfig config, double[] timesteps, double[] sigmas, double[] shown) : SchedulerRun(timesteps)
    {
        private Tensor? _previous;

        public override IReadOnlyList<double> Sigmas => shown;

        private protected override Tensor Next(Tensor output, int step, Tensor sample, Func<Tensor>? noise)
        {
            var (_, _, bar) = Level(sigmas[step]);
            var clean = Prediction.Clean(config, output, sample, bar).clone();
            var last = step == Timesteps.Count - 1;
            var first =
                config.SolverOrder == 1
                || _previous is null
                || (
                    last
                    && (config.EulerAtFinal || (config.LowerOrderFinal && Timesteps.Count < FewSteps) || config.FinalSigmasType == "zero")
                );
            var next = Transfer(sample, clean, first ? null : _previous, step);
            _previous?.Dispose();
            _previous = clean.DetachFromDisposeScope();
            return next;
        }

        private protected override void Dispose(bool disposing) => _previous?.Dispose();

        private Tensor Transfer(Tensor sample, Tensor clean, Tensor? previous, int step)
        {
            var (lambda, deviation, _) = Level(sigmas[step]);
            var (lambdaTo, deviationTo, barTo) = Level(sigmas[step + 1]);
            var h = lambdaTo - lambda;
            var factor = -Math.Sqrt(barTo) * (Math.Exp(-h) - 1);
            var next = sample.mul(deviationTo / deviation).add(clean.mul(factor));
            if (previous is null)
            {
                return next;
            }
            var before = lambda - Level(sigmas[step - 1]).Lambda;
            var slope = clean.sub(previous).mul(h / before); // D₁
            return config.SolverType == "heun"
                ? next.add(slope.mul(Math.Sqrt(barTo) * (((Math.Exp(-h) - 1) / h) + 1)))
                : next.add(slope.mul(0.5 * factor));
        }

        /// <summary>λ = ln(α/σ), the noise's deviation beside a signal of √ᾱ, and ᾱ.</summary>
        private static (double Lambda, double Deviation, double Bar) Level(double sigma)
        {
            var bar = 1 / ((sigma * sigma) + 1);
            return (-Math.Log(sigma), sigma * Math.Sqrt(bar), bar);
        }
    }
}
