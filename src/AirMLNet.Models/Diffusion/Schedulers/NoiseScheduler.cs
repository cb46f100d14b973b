using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// A noise schedule and a way through it. Immutable and safe for concurrent use; what a generation remembers from step to
/// step is in the <see cref="SchedulerRun"/> it starts.
/// </summary>
internal abstract class NoiseScheduler
{
    private const int CosineParts = 1000;

    private readonly double[] _alphasCumprod;

    /// <param name="config">The settings, checked here.</param>
    protected NoiseScheduler(SchedulerConfig config)
    {
        Config = config.Check();
        _alphasCumprod = new double[config.NumTrainTimesteps];
        var product = 1.0;
        var betas = Betas(config);
        for (var i = 0; i < _alphasCumprod.Length; i++)
        {
            _alphasCumprod[i] = product *= 1 - betas[i];
        }
    }

    /// <summary>The settings.</summary>
    public SchedulerConfig Config { get; }

    /// <summary>ᾱ of every time of the training schedule.</summary>
    public IReadOnlyList<double> AlphasCumprod => _alphasCumprod;

    /// <summary>Creates the scheduler of a configuration.</summary>
    /// <param name="config">The settings.</param>
    /// <exception cref="InvalidDataException">A setting is out of range.</exception>
    public static NoiseScheduler Create(SchedulerConfig config) =>
        config.Kind switch
        {
            SchedulerKind.Ddpm => new DdpmScheduler(config),
            SchedulerKind.Ddim => new DdimScheduler(config),
            SchedulerKind.Pndm => new PndmScheduler(config),
            SchedulerKind.DpmSolverMultistep => new DpmSolverMultistepScheduler(config),
            _ => new EulerDiscreteScheduler(config),
        };

    /// <summary>
    /// Reads the scheduler of a <c>scheduler_config.json</c>; arguments and errors as <see cref="SchedulerConfig.Load"/>.
    /// </summary>
    public static NoiseScheduler Load(string path, SchedulerKind? kind = null, SchedulerKind? indexed = null) =>
        Create(SchedulerConfig.Load(path, kind, indexed));

    /// <summary>Writes the <c>scheduler_config.json</c>.</summary>
    /// <param name="path">The file; it appears when whole.</param>
    public void Save(string path) => AtomicFile.WriteText(path, Config.ToJson());

    /// <summary>Starts a generation.</summary>
    /// <param name="steps">Number of steps, 1 to the number of training times.</param>
    /// <param name="eta">Share of fresh noise in each step, 0 to 1; of DDIM only.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public SchedulerRun Start(int steps, double eta = 0)
    {
        if (steps < 1 || steps > Config.NumTrainTimesteps)
        {
            throw new ArgumentOutOfRangeException(nameof(steps), steps, $"steps = {steps}; expected 1..{Config.NumTrainTimesteps}.");
        }
        if (!(eta >= 0 && eta <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(eta), eta, FormattableString.Invariant($"eta = {eta}; expected 0..1."));
        }
        var run = Begin(steps, eta);
        if (run.Timesteps.Count(t => t > Config.NumTrainTimesteps - 1) > TimesBeyond)
        {
            var highest = run.Timesteps.Max();
            run.Dispose();
            throw new ArgumentOutOfRangeException(
                nameof(steps),
                steps,
                FormattableString.Invariant(
                    $"steps = {steps} begin at time {highest}, beyond the schedule's last: steps_offset is {Config.StepsOffset} and "
                ) + $"num_train_timesteps is {Config.NumTrainTimesteps}; fewer steps, or a lower offset, end within it."
            );
        }
        return run;
    }

    /// <summary>How many times may lie beyond the schedule: none, as they have no noise level.</summary>
    private protected virtual int TimesBeyond => 0;

    /// <summary>Noisy latents for training: √ᾱ·x + √(1−ᾱ)·ε.</summary>
    /// <param name="samples">[B, …].</param>
    /// <param name="noise">ε, of the same shape.</param>
    /// <param name="timesteps">[B] int64.</param>
    /// <returns>A new tensor.</returns>
    public Tensor AddNoise(Tensor samples, Tensor noise, Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        var (signal, deviation) = Roots(samples, timesteps);
        return samples.mul(signal).add(noise.mul(deviation)).MoveToOuterDisposeScope();
    }

    /// <summary>The velocity of training with v-prediction: √ᾱ·ε − √(1−ᾱ)·x. Arguments as of <see cref="AddNoise"/>.</summary>
    public Tensor Velocity(Tensor samples, Tensor noise, Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        var (signal, deviation) = Roots(samples, timesteps);
        return noise.mul(signal).sub(samples.mul(deviation)).MoveToOuterDisposeScope();
    }

    /// <summary>What the model is trained to predict, by the prediction type. Arguments as of <see cref="AddNoise"/>.</summary>
    /// <returns>A new tensor.</returns>
    public Tensor Target(Tensor samples, Tensor noise, Tensor timesteps) =>
        Config.PredictionType switch
        {
            "epsilon" => noise.alias(),
            "sample" => samples.alias(),
            _ => Velocity(samples, noise, timesteps),
        };

    /// <summary>Starts a generation; arguments are in range.</summary>
    private protected abstract SchedulerRun Begin(int steps, double eta);

    /// <summary>ᾱ of a time, or of the end where the time is before the first.</summary>
    private protected double Alpha(int time) =>
        time >= 0 ? _alphasCumprod[time]
        : Config.SetAlphaToOne ? 1
        : _alphasCumprod[0];

    /// <summary>The times of leading, linspace or trailing spacing, from high to low.</summary>
    private protected double[] Spaced(int steps)
    {
        var all = Config.NumTrainTimesteps;
        return Config.TimestepSpacing switch
        {
            "linspace" => [.. Linspace(0, all - 1, steps).Reverse()],
            "trailing" => [.. Trailing(all, (double)all / steps)],
            _ => [.. Enumerable.Range(0, steps).Reverse().Select(i => (double)((i * (all / steps)) + Config.StepsOffset))],
        };
    }

    /// <summary>
    /// The same as whole numbers. What rounding leaves of trailing spacing before the first time, as with 61 of 1000 steps, has no noise
    /// level and is left out.
    /// </summary>
    private protected double[] SpacedWhole(int steps) => [.. Spaced(steps).Select(t => Math.Round(t)).Where(t => t >= 0)];

    private protected static IEnumerable<double> Trailing(int last, double ratio)
    {
        // As numpy's arange counts: its length is rounded up.
        var count = (int)Math.Ceiling(last / ratio);
        return Enumerable.Range(0, count).Select(i => Math.Round(last - (i * ratio)) - 1);
    }

    private protected static IEnumerable<double> Linspace(double from, double to, int count) =>
        Enumerable.Range(0, count).Select(i => count == 1 ? from : from + (i * (to - from) / (count - 1)));

    private (Tensor Signal, Tensor Deviation) Roots(Tensor like, Tensor timesteps)
    {
        var alphas = tensor(_alphasCumprod, ScalarType.Float64, device: timesteps.device)
            .index_select(0, timesteps)
            .view([timesteps.size(0), .. Enumerable.Repeat(1L, (int)like.dim() - 1)]);
        return (alphas.sqrt().to_type(like.dtype), alphas.neg().add(1).sqrt().to_type(like.dtype));
    }

    private static double[] Betas(SchedulerConfig c)
    {
        var n = c.NumTrainTimesteps;
        double[] betas = c.TrainedBetas is not null
            ? [.. c.TrainedBetas]
            : c.BetaSchedule switch
            {
                "scaled_linear" => [.. Linspace(Math.Sqrt(c.BetaStart), Math.Sqrt(c.BetaEnd), n).Select(b => b * b)],
                "squaredcos_cap_v2" =>
                [
                    .. Enumerable
                        .Range(0, n)
                        .Select(i => Math.Min(1 - (Cosine((i + 1.0) / n) / Cosine((double)i / n)), 1 - (1.0 / CosineParts))),
                ],
                _ => [.. Linspace(c.BetaStart, c.BetaEnd, n)],
            };
        return c.RescaleBetasZeroSnr ? Rescaled(betas) : betas;
    }

    private static double Cosine(double t) => Math.Pow(Math.Cos((t + 0.008) / 1.008 * Math.PI / 2), 2);

    // Lin et al. 2023, Algorithm 1: √ᾱ is shifted to end in zero and scaled to begin as before.
    private static double[] Rescaled(double[] betas)
    {
        var product = 1.0;
        double[] roots = [.. betas.Select(b => Math.Sqrt(product *= 1 - b))];
        var (first, last) = (roots[0], roots[^1]);
        double[] bars = [.. roots.Select(r => Math.Pow((r - last) * first / (first - last), 2))];
        return [.. bars.Select((b, i) => 1 - (i == 0 ? b : b / bars[i - 1]))];
    }
}
