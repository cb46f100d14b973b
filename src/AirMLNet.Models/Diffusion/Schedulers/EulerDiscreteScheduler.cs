using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>Euler's method in the noise level σ (Karras et al. 2022, Algorithm 2 without churn).</summary>
internal sealed class EulerDiscreteScheduler : SigmaScheduler
{
    /// <param name="config">The settings.</param>
    public EulerDiscreteScheduler(SchedulerConfig config)
        : base(config) { }

    // Their noise level is the schedule's last, and steps between equal levels change nothing.
    private protected override int TimesBeyond => int.MaxValue;

    private protected override SchedulerRun Begin(int steps, double eta)
    {
        // Times between whole numbers are as good as whole ones here.
        var times = Spaced(steps);
        double[] sigmas =
            Config.InterpolationType == "log_linear"
                ? [.. Linspace(Math.Log(TrainedSigmas[^1]), Math.Log(TrainedSigmas[0]), steps + 1).Select(Math.Exp)]
                : [.. times.Select(SigmaAt)];
        if (Config.UseKarrasSigmas)
        {
            sigmas = Karras(sigmas[0], sigmas[^1], steps);
            times = [.. sigmas.Select(TimeOf)];
        }
        var highest = sigmas.Max();
        var scale = Config.TimestepSpacing is "leading" ? Math.Sqrt((highest * highest) + 1) : highest;
        double[] all = [.. sigmas, Config.FinalSigmasType == "sigma_min" ? TrainedSigmas[0] : 0];
        // Log-linear levels are one more than the steps: the last step ends at the least of them, and none goes on to the end.
        return new Run(Config.PredictionType, times, all[..(times.Length + 1)], scale);
    }

    private sealed class Run(string predicted, double[] timesteps, double[] sigmas, double scale) : SchedulerRun(timesteps, scale)
    {
        public override IReadOnlyList<double> Sigmas => sigmas;

        public override Tensor Scale(Tensor sample, int step) => sample.mul(1 / Math.Sqrt((sigmas[step] * sigmas[step]) + 1));

        private protected override Tensor Next(Tensor output, int step, Tensor sample, Func<Tensor>? noise)
        {
            var sigma = sigmas[step];
            var slope = predicted switch
            {
                "epsilon" => output,
                "sample" => sample.sub(output).mul(1 / sigma),
                // x − x̂ with x̂ = x/(σ²+1) − σ·v/√(σ²+1), over σ.
                _ => sample.mul(sigma / ((sigma * sigma) + 1)).add(output.mul(1 / Math.Sqrt((sigma * sigma) + 1))),
            };
            return sample.add(slope.mul(sigmas[step + 1] - sigma));
        }
    }
}
