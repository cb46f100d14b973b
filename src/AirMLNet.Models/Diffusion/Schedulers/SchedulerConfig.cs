using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>The settings of a scheduler, in the terms of diffusers' <c>scheduler_config.json</c>.</summary>
/// <remarks>Immutable. Settings that a kind does not know are neither read nor written for it.</remarks>
internal sealed record SchedulerConfig
{
    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("beta_schedule", "Other schedules are not built.", "linear", "scaled_linear", "squaredcos_cap_v2"),
        new("prediction_type", "Other predictions are not built.", "epsilon", "v_prediction", "sample"),
        new("timestep_spacing", "Other spacings are not built.", "leading", "linspace", "trailing"),
        new("thresholding", "Predicted images are clipped at a constant, if at all.", false),
    ];

    internal static readonly RefusedKey[] RefusedDdpmKeys =
    [
        new("variance_type", "The model is one that does not predict its variance.", "fixed_small", "fixed_small_log", "fixed_large"),
    ];

    internal static readonly RefusedKey[] RefusedSigmaKeys =
    [
        new("interpolation_type", "Other interpolations are not built.", "linear", "log_linear"),
        new("final_sigmas_type", "Other ends are not built.", "zero", "sigma_min"),
        new("timestep_type", "Times are whole numbers.", "discrete"),
        new("use_exponential_sigmas", "Only Karras's noise levels are built.", false),
        new("use_beta_sigmas", "Only Karras's noise levels are built.", false),
        new("use_lu_lambdas", "Only Karras's noise levels are built.", false),
        new("use_flow_sigmas", "Only Karras's noise levels are built.", false),
        new("sigma_min", "The least noise is that of the schedule."),
        new("sigma_max", "The most noise is that of the schedule."),
    ];

    internal static readonly RefusedKey[] RefusedPndmKeys =
    [
        new("prediction_type", "PNDM has no other prediction.", "epsilon", "v_prediction"),
        new("skip_prk_steps", "The Runge-Kutta steps at the start are not built.", true),
    ];

    internal static readonly RefusedKey[] RefusedSolverKeys =
    [
        // diffusers takes "deis", which its files of another class say, for this one.
        new("algorithm_type", "The other algorithms are not built.", "dpmsolver++", "deis"),
        new("solver_order", "Other orders are not built.", 1, 2),
        new("solver_type", "Other solvers are not built.", "midpoint", "heun", "logrho", "bh1", "bh2"),
    ];

    private static readonly SchedulerFacts[] Kinds =
    [
        new(SchedulerKind.Ddpm, "DDPMScheduler", "clip_sample clip_sample_range rescale_betas_zero_snr variance_type")
        {
            Refused = RefusedDdpmKeys,
        },
        new(SchedulerKind.Ddim, "DDIMScheduler", "clip_sample clip_sample_range rescale_betas_zero_snr set_alpha_to_one"),
        new(SchedulerKind.Pndm, "PNDMScheduler", "set_alpha_to_one skip_prk_steps") { Refused = RefusedPndmKeys },
        new(SchedulerKind.DpmSolverMultistep, "DPMSolverMultistepScheduler", SolverKeys)
        {
            Refused = [.. RefusedSolverKeys, .. RefusedSigmaKeys],
        },
        new(
            SchedulerKind.EulerDiscrete,
            "EulerDiscreteScheduler",
            "final_sigmas_type interpolation_type rescale_betas_zero_snr use_karras_sigmas"
        )
        {
            Refused = RefusedSigmaKeys,
        },
    ];

    private const string SolverKeys =
        "algorithm_type euler_at_final final_sigmas_type lambda_min_clipped lower_order_final rescale_betas_zero_snr solver_order "
        + "solver_type use_karras_sigmas";

    /// <summary>The way of sampling.</summary>
    [JsonIgnore]
    public SchedulerKind Kind { get; init; } = SchedulerKind.Pndm;

    /// <summary>Number of times of the training schedule.</summary>
    [AtLeast(2)]
    public int NumTrainTimesteps { get; init; } = 1000;

    /// <summary>β of the first time.</summary>
    public double BetaStart { get; init; } = 0.00085;

    /// <summary>β of the last time.</summary>
    public double BetaEnd { get; init; } = 0.012;

    /// <summary>How β goes from first to last: <c>linear</c>, <c>scaled_linear</c> (in its root) or <c>squaredcos_cap_v2</c>.</summary>
    public string BetaSchedule { get; init; } = "scaled_linear";

    /// <summary>Every β; takes the place of the three above where it is given.</summary>
    public IReadOnlyList<double>? TrainedBetas
    {
        get;
        init => field = value is null ? null : new ValueList<double>(value);
    }

    /// <summary>What the model predicts: <c>epsilon</c> (noise), <c>v_prediction</c> or <c>sample</c>.</summary>
    public string PredictionType { get; init; } = "epsilon";

    /// <summary>How few times are chosen among many: <c>leading</c>, <c>linspace</c> or <c>trailing</c>.</summary>
    public string TimestepSpacing { get; init; } = "leading";

    /// <summary>Added to the times of leading spacing.</summary>
    [AtLeast(0)]
    public int StepsOffset { get; init; }

    /// <summary>Whether the last step goes to ᾱ = 1 instead of that of time 0 (DDIM, PNDM).</summary>
    public bool SetAlphaToOne { get; init; }

    /// <summary>Whether predicted images are clipped to ±<see cref="ClipSampleRange"/> (DDPM, DDIM).</summary>
    public bool ClipSample { get; init; }

    /// <summary>Where predicted images are clipped.</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>Variance of DDPM's noise: <c>fixed_small</c>, <c>fixed_small_log</c> or <c>fixed_large</c>.</summary>
    public string VarianceType { get; init; } = "fixed_small";

    /// <summary>Whether the noise levels are those of Karras et al. 2022 (DPM-Solver, Euler).</summary>
    public bool UseKarrasSigmas { get; init; }

    /// <summary>How noise levels between times are found: <c>linear</c> or <c>log_linear</c> (Euler).</summary>
    public string InterpolationType { get; init; } = "linear";

    /// <summary>Order of DPM-Solver++, 1 or 2.</summary>
    public int SolverOrder { get; init; } = 2;

    /// <summary>Second-order rule of DPM-Solver++: <c>midpoint</c> or <c>heun</c>.</summary>
    public string SolverType { get; init; } = "midpoint";

    /// <summary>Whether the last of fewer than 15 steps of DPM-Solver++ is of first order.</summary>
    public bool LowerOrderFinal { get; init; } = true;

    /// <summary>Whether the last step of DPM-Solver++ is of first order however many there are.</summary>
    public bool EulerAtFinal { get; init; }

    /// <summary>
    /// Where DPM-Solver++ and Euler end: <c>zero</c> noise, or <c>sigma_min</c>, that of time 0. Null, which no file says, is the latter
    /// with a solver that knows only whole times, as diffusers' DPM-Solver++ was until 2024.
    /// </summary>
    public string? FinalSigmasType { get; init; } = "zero";

    /// <summary>Least log signal-to-noise ratio DPM-Solver++ begins at; −∞ for no limit.</summary>
    public double LambdaMinClipped { get; init; } = double.NegativeInfinity;

    /// <summary>Whether the schedule is rescaled to end in pure noise (Lin et al. 2023).</summary>
    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>The diffusers class of a kind.</summary>
    public static string ClassName(SchedulerKind kind) => FactsOf(kind).ClassName;

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">The scheduler wanted; null for the file's own. Another one takes what it knows from the file.</param>
    /// <param name="indexed">The model's own scheduler where its index says it, which has priority over the file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A value is wrong or is one that this library does not build; the message names
    /// it.</exception>
    public static SchedulerConfig Load(string path, SchedulerKind? kind = null, SchedulerKind? indexed = null) =>
        Read(ConfigFile.Open(path), kind, indexed);

    /// <summary>The kind of a diffusers class, null for one that is not built.</summary>
    public static SchedulerKind? KindOf(string? className) => Array.Find(Kinds, k => k.ClassName == className)?.Kind;

    /// <summary>The diffusers classes that are built, for messages.</summary>
    public static string ClassNames => string.Join(" or ", Kinds.Select(k => k.ClassName));

    internal static SchedulerConfig Read(ConfigFile file, SchedulerKind? wanted, SchedulerKind? indexed = null)
    {
        var own = KindOf((file.Root["_class_name"] as JsonValue)?.ToString());
        var facts = FactsOf(wanted ?? indexed ?? own ?? throw file.Bad("_class_name", ClassNames));
        if ((indexed ?? own) == SchedulerKind.Pndm && facts.Kind == SchedulerKind.Pndm)
        {
            file.Default(("skip_prk_steps", false));
        }
        file.Refuse([.. facts.Refused, .. RefusedKeys]);
        RemoveOtherKeys(file.Root, facts);
        // What diffusers' classes take for keys that are missing, which differs from class to class.
        file.Default(
            ("beta_start", 0.0001),
            ("beta_end", 0.02),
            ("beta_schedule", "linear"),
            ("timestep_spacing", facts.Kind is SchedulerKind.EulerDiscrete or SchedulerKind.DpmSolverMultistep ? "linspace" : "leading"),
            ("clip_sample", facts.Kind is SchedulerKind.Ddpm or SchedulerKind.Ddim),
            ("set_alpha_to_one", facts.Kind is SchedulerKind.Ddim)
        );
        var config = file.To<SchedulerConfig>() with { Kind = facts.Kind };
        if (facts.Kind == SchedulerKind.DpmSolverMultistep)
        {
            config = config with
            {
                // diffusers takes all others as midpoint.
                SolverType = config.SolverType == "heun" ? "heun" : "midpoint",
            };
        }
        return config.Check(file.Path);
    }

    /// <summary>The settings as the text of a <c>scheduler_config.json</c>.</summary>
    public string ToJson()
    {
        var root = ConfigFile.Object(this);
        root.Insert(0, "_class_name", ClassName(Kind));
        root["skip_prk_steps"] = true;
        root["algorithm_type"] = "dpmsolver++";
        if (!double.IsFinite(LambdaMinClipped))
        {
            root.Remove("lambda_min_clipped");
        }
        RemoveOtherKeys(root, FactsOf(Kind));
        return ConfigFile.Write(root);
    }

    /// <summary>Checks every value and returns the same settings.</summary>
    /// <param name="path">What messages name.</param>
    /// <exception cref="InvalidDataException">A value is out of range; the message names it, the value and the range.</exception>
    public SchedulerConfig Check(string path = "scheduler configuration")
    {
        ConfigFile.CheckWholeNumbers(path, this);
        if (!(BetaStart > 0 && BetaStart <= BetaEnd && BetaEnd < 1))
        {
            throw new InvalidDataException(
                FormattableString.Invariant(
                    $"{path}: beta_start is {BetaStart} and beta_end {BetaEnd}; they must be above 0 and below 1, the first not the larger."
                )
            );
        }
        if (TrainedBetas is not null && (TrainedBetas.Count != NumTrainTimesteps || TrainedBetas.Any(b => !(b > 0 && b < 1))))
        {
            throw new InvalidDataException(
                $"{path}: trained_betas has {TrainedBetas.Count} values; {NumTrainTimesteps} between 0 and 1 were expected."
            );
        }
        if (RescaleBetasZeroSnr && PredictionType == "epsilon" && (Kind is SchedulerKind.Ddpm or SchedulerKind.Ddim))
        {
            throw new InvalidDataException(
                $"{path}: rescale_betas_zero_snr is true with prediction_type epsilon, from which nothing follows where there is only "
                    + $"noise; v_prediction or sample is needed."
            );
        }
        return StepsOffset >= NumTrainTimesteps
            ? throw new InvalidDataException(
                $"{path}: steps_offset is {StepsOffset}; it must be below num_train_timesteps ({NumTrainTimesteps})."
            )
            : this;
    }

    private static SchedulerFacts FactsOf(SchedulerKind kind) => Kinds.Single(k => k.Kind == kind);

    private static void RemoveOtherKeys(JsonObject root, SchedulerFacts facts)
    {
        foreach (var key in Kinds.SelectMany(k => k.Keys).Except(facts.Keys))
        {
            root.Remove(key);
        }
    }

    /// <param name="Kind">The way of sampling.</param>
    /// <param name="ClassName">The diffusers class.</param>
    /// <param name="KeyNames">The keys that this class has and others have not.</param>
    private sealed record SchedulerFacts(SchedulerKind Kind, string ClassName, string KeyNames)
    {
        public string[] Keys => KeyNames.Split(' ');

        public RefusedKey[] Refused { get; init; } = [];
    }
}
