using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>The settings of a scheduler, in the terms of diffusers' <c>scheduler_config.json</c>.</summary>
/// <remarks>Immutable. Settings that a kind does not know are neither read nor written for it.</remarks>
internal sealed record SchedulerConfig
{
    private static readonly (SchedulerKind Kind, string ClassName)[] ClassNames =
    [
        (SchedulerKind.Ddpm, "DDPMScheduler"),
        (SchedulerKind.Ddim, "DDIMScheduler"),
        (SchedulerKind.Pndm, "PNDMScheduler"),
        (SchedulerKind.DpmSolverMultistep, "DPMSolverMultistepScheduler"),
        (SchedulerKind.EulerDiscrete, "EulerDiscreteScheduler"),
    ];

    // What changes the computation and is not built here: refused, never ignored.
    private static readonly (string Key, string[] Allowed)[] Fixed =
    [
        ("thresholding", ["false"]),
        ("use_exponential_sigmas", ["false"]),
        ("use_beta_sigmas", ["false"]),
        ("use_lu_lambdas", ["false"]),
        ("use_flow_sigmas", ["false"]),
        ("timestep_type", ["\"discrete\""]),
        ("sigma_min", []),
        ("sigma_max", []),
    ];

    /// <summary>The way of sampling.</summary>
    public SchedulerKind Kind { get; init; } = SchedulerKind.Pndm;

    /// <summary>Number of times of the training schedule.</summary>
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
    /// Where DPM-Solver++ and Euler end: <c>zero</c> noise, or <c>sigma_min</c>, that of time 0. Null, as in files of
    /// DPM-Solver++ before 2024, is the latter with a solver that knows only whole times.
    /// </summary>
    public string? FinalSigmasType { get; init; } = "zero";

    /// <summary>Least log signal-to-noise ratio DPM-Solver++ begins at; −∞ for no limit.</summary>
    public double LambdaMinClipped { get; init; } = double.NegativeInfinity;

    /// <summary>Whether the schedule is rescaled to end in pure noise (Lin et al. 2023).</summary>
    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>The diffusers class of a kind.</summary>
    public static string ClassName(SchedulerKind kind) => ClassNames.Single(c => c.Kind == kind).ClassName;

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">The scheduler wanted; null for the file's own. Another one takes what it knows from the file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A value is wrong or is one that this library does not build; the message names
    /// it.</exception>
    public static SchedulerConfig Load(string path, SchedulerKind? kind = null) => Read(ConfigJson.Open(path), kind);

    internal static SchedulerConfig Read(ConfigJson json, SchedulerKind? wanted)
    {
        var own = Array.Find(ClassNames, c => c.ClassName == json.ClassName);
        if (own.ClassName is null && wanted is null)
        {
            throw new InvalidDataException(
                $"{json.Path}: _class_name is {(json.ClassName is { } name ? $"\"{name}\"" : "missing")}; "
                    + $"{string.Join(", ", ClassNames.Select(c => c.ClassName))} are supported."
            );
        }
        var kind = wanted ?? own.Kind;
        foreach (var (key, allowed) in Fixed)
        {
            json.RequireOneOf(key, allowed);
        }
        [return: NotNullIfNotNull(nameof(standard))]
        string? Choice(string key, string? standard, params string[] allowed)
        {
            json.RequireOneOf(key, [.. allowed.Select(a => $"\"{a}\"")]);
            return json.Text(key, standard);
        }
        // Each class has its own values for what a file leaves out.
        var solver = kind is SchedulerKind.DpmSolverMultistep;
        if (kind is SchedulerKind.Pndm && own.ClassName is not null && own.Kind == kind && !json.Flag("skip_prk_steps", false))
        {
            throw new InvalidDataException($"{json.Path}: skip_prk_steps is false, which is not supported; true is.");
        }
        if (solver)
        {
            json.RequireOneOf("algorithm_type", "\"dpmsolver++\"");
            json.RequireOneOf("solver_order", "1", "2");
        }
        return new SchedulerConfig
        {
            Kind = kind,
            NumTrainTimesteps = json.Int("num_train_timesteps", 1000, 2),
            BetaStart = json.Number("beta_start", 0.0001),
            BetaEnd = json.Number("beta_end", 0.02),
            BetaSchedule = Choice("beta_schedule", "linear", "linear", "scaled_linear", "squaredcos_cap_v2"),
            TrainedBetas = json.Numbers("trained_betas"),
            PredictionType =
                kind is SchedulerKind.Pndm
                    ? Choice("prediction_type", "epsilon", "epsilon", "v_prediction")
                    : Choice("prediction_type", "epsilon", "epsilon", "v_prediction", "sample"),
            TimestepSpacing = Choice(
                "timestep_spacing",
                kind is SchedulerKind.EulerDiscrete || solver ? "linspace" : "leading",
                "leading",
                "linspace",
                "trailing"
            ),
            StepsOffset = json.Int("steps_offset", 0, 0),
            SetAlphaToOne = json.Flag("set_alpha_to_one", kind is SchedulerKind.Ddim),
            ClipSample = (kind is SchedulerKind.Ddpm or SchedulerKind.Ddim) && json.Flag("clip_sample", true),
            ClipSampleRange = json.Number("clip_sample_range", 1),
            VarianceType =
                kind is SchedulerKind.Ddpm
                    ? Choice("variance_type", "fixed_small", "fixed_small", "fixed_small_log", "fixed_large")
                    : "fixed_small",
            UseKarrasSigmas = json.Flag("use_karras_sigmas", false),
            InterpolationType = Choice("interpolation_type", "linear", "linear", "log_linear"),
            SolverOrder = json.Int("solver_order", 2),
            SolverType = solver
                ? Choice("solver_type", "midpoint", "midpoint", "heun", "logrho", "bh1", "bh2") is "heun"
                    ? "heun"
                    : "midpoint"
                : "midpoint",
            LowerOrderFinal = json.Flag("lower_order_final", true),
            EulerAtFinal = json.Flag("euler_at_final", false),
            FinalSigmasType = Choice(
                "final_sigmas_type",
                solver && own.ClassName is not null && own.Kind == kind ? null : "zero",
                "zero",
                "sigma_min"
            ),
            LambdaMinClipped = json.Number("lambda_min_clipped", double.NegativeInfinity),
            RescaleBetasZeroSnr = json.Flag("rescale_betas_zero_snr", false),
        }.Check(json.Path);
    }

    /// <summary>The settings as the text of a <c>scheduler_config.json</c>.</summary>
    public string ToJson()
    {
        JsonObject root = new()
        {
            ["_class_name"] = ClassName(Kind),
            ["num_train_timesteps"] = NumTrainTimesteps,
            ["beta_start"] = BetaStart,
            ["beta_end"] = BetaEnd,
            ["beta_schedule"] = BetaSchedule,
            ["trained_betas"] = TrainedBetas is null ? null : new JsonArray([.. TrainedBetas.Select(b => (JsonNode)b)]),
            ["prediction_type"] = PredictionType,
            ["timestep_spacing"] = TimestepSpacing,
            ["steps_offset"] = StepsOffset,
        };
        if (Kind is SchedulerKind.Ddpm or SchedulerKind.Ddim)
        {
            root["clip_sample"] = ClipSample;
            root["clip_sample_range"] = ClipSampleRange;
        }
        if (Kind is SchedulerKind.Ddim or SchedulerKind.Pndm)
        {
            root["set_alpha_to_one"] = SetAlphaToOne;
        }
        if (Kind is not SchedulerKind.Pndm)
        {
            root["rescale_betas_zero_snr"] = RescaleBetasZeroSnr;
        }
        if (Kind is SchedulerKind.DpmSolverMultistep or SchedulerKind.EulerDiscrete)
        {
            root["use_karras_sigmas"] = UseKarrasSigmas;
        }
        switch (Kind)
        {
            case SchedulerKind.Ddpm:
                root["variance_type"] = VarianceType;
                break;
            case SchedulerKind.Pndm:
                root["skip_prk_steps"] = true;
                break;
            case SchedulerKind.EulerDiscrete:
                root["interpolation_type"] = InterpolationType;
                root["final_sigmas_type"] = FinalSigmasType;
                break;
            case SchedulerKind.DpmSolverMultistep:
                root["algorithm_type"] = "dpmsolver++";
                root["solver_order"] = SolverOrder;
                root["solver_type"] = SolverType;
                root["lower_order_final"] = LowerOrderFinal;
                root["euler_at_final"] = EulerAtFinal;
                if (FinalSigmasType is not null)
                {
                    root["final_sigmas_type"] = FinalSigmasType;
                }
                if (double.IsFinite(LambdaMinClipped))
                {
                    root["lambda_min_clipped"] = LambdaMinClipped;
                }
                break;
        }
        return ConfigJson.Write(root);
    }

    /// <summary>Checks every value and returns the same settings.</summary>
    /// <param name="path">What messages name.</param>
    /// <exception cref="InvalidDataException">A value is out of range; the message names it, the value and the range.</exception>
    public SchedulerConfig Check(string path = "scheduler configuration")
    {
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
}
