namespace AirMLNet.Diffusion;

/// <summary>What schedulers written in noise levels σ = √((1−ᾱ)/ᾱ) have in common.</summary>
internal abstract class SigmaScheduler : NoiseScheduler
{
    private const double Rho = 7;
    private const double LeastSigma = 1e-10;

    // A schedule that ends in pure noise has no finite last level: half precision's least number stands for its ᾱ.
    private static readonly double LeastAlpha = Math.Pow(2, -24);

    private readonly double[] _sigmas;
    private readonly double[] _logSigmas;

    /// <param name="config">The settings.</param>
    private protected SigmaScheduler(SchedulerConfig config)
        : base(config)
    {
        _sigmas =
        [
            .. AlphasCumprod.Select(a => config.RescaleBetasZeroSnr ? Math.Max(a, LeastAlpha) : a).Select(a => Math.Sqrt((1 - a) / a)),
        ];
        _logSigmas = [.. _sigmas.Select(s => Math.Log(s))];
    }

    /// <summary>σ of every time of the training schedule.</summary>
    private protected IReadOnlyList<double> TrainedSigmas => _sigmas;

    /// <summary>σ of a time that may lie between whole numbers.</summary>
    private protected double SigmaAt(double time)
    {
        var low = Math.Clamp((int)Math.Floor(time), 0, _sigmas.Length - 1);
        var high = Math.Min(low + 1, _sigmas.Length - 1);
        var share = Math.Clamp(time - low, 0, 1);
        return ((1 - share) * _sigmas[low]) + (share * _sigmas[high]);
    }

    /// <summary>The time of a σ, interpolated in its logarithm.</summary>
    private protected double TimeOf(double sigma) => TimeOf(sigma, _logSigmas);

    /// <summary>
    /// The times of Karras's levels, cut to whole numbers. The reference works in single precision, whose last bits decide where a time is
    /// cut: the first, which is that of the highest level, becomes the one before it.
    /// </summary>
    private protected double[] CutKarrasTimes(int steps)
    {
        var sigmas = new double[AlphasCumprod.Count];
        var logs = new double[sigmas.Length];
        var product = 1.0;
        for (var i = 0; i < sigmas.Length; i++)
        {
            var beta = (float)(1 - (AlphasCumprod[i] / (i == 0 ? 1 : AlphasCumprod[i - 1])));
            product *= 1 - beta;
            var bar = Config.RescaleBetasZeroSnr ? Math.Max((float)product, (float)LeastAlpha) : (float)product;
            var sigma = MathF.Sqrt((1 - bar) / bar);
            (sigmas[i], logs[i]) = (sigma, (float)Math.Log(sigma));
        }
        return [.. Karras(sigmas[^1], sigmas[0], steps).Select(s => Math.Floor(TimeOf(s, logs)))];
    }

    private static double TimeOf(double sigma, double[] logs)
    {
        var log = Math.Log(Math.Max(sigma, LeastSigma));
        var low = 0;
        while (low < logs.Length - 2 && logs[low + 1] <= log)
        {
            low++;
        }
        var share = Math.Clamp((logs[low] - log) / (logs[low] - logs[low + 1]), 0, 1);
        return low + share;
    }

    /// <summary>The levels of Karras et al. 2022, Eq. 5, from high to low.</summary>
    private protected static double[] Karras(double highest, double lowest, int count)
    {
        var (from, to) = (Math.Pow(highest, 1 / Rho), Math.Pow(lowest, 1 / Rho));
        return [.. Linspace(from, to, count).Select(s => Math.Pow(s, Rho))];
    }
}
