using System.Text.Json.Nodes;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

[TestClass]
public sealed class SchedulerTests
{
    private static readonly string[] Spacings = ["leading", "linspace", "trailing"];

    /// <summary>A model that knows the truth must be led to it, whatever the method, the spacing and what it predicts.</summary>
    [TestMethod]
    [DataRow(SchedulerKind.Ddpm)]
    [DataRow(SchedulerKind.Ddim)]
    [DataRow(SchedulerKind.Pndm)]
    [DataRow(SchedulerKind.DpmSolverMultistep)]
    [DataRow(SchedulerKind.EulerDiscrete)]
    public void EveryWayLeadsToTheTruth(SchedulerKind kind)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var truth = randn([1, 4, 4, 4], generator: generator).clamp(-1, 1);
        // Two methods go from a time by a whole stride, which with linspace is not the next time: the reference's habit.
        var strides = kind is SchedulerKind.Ddim or SchedulerKind.Pndm;
        foreach (var config in Configurations(kind).Where(c => !strides || c.TimestepSpacing != "linspace"))
        {
            var scheduler = NoiseScheduler.Create(config);
            foreach (var steps in new[] { 1, 8, 20 })
            {
                using var way = scheduler.Start(steps);
                // Euler's sample is x + σ·ε, the others' √ᾱ·x + √(1−ᾱ)·ε.
                var noise = randn([1, 4, 4, 4], generator: generator);
                var sample =
                    kind == SchedulerKind.EulerDiscrete
                        ? truth + (noise * way.Sigmas[0])
                        : scheduler.AddNoise(truth, noise, tensor(new[] { (long)way.Timesteps[0] }));
                for (var i = 0; i < way.Timesteps.Count; i++)
                {
                    var bar =
                        way.Sigmas.Count > 0 ? 1 / ((way.Sigmas[i] * way.Sigmas[i]) + 1) : scheduler.AlphasCumprod[(int)way.Timesteps[i]];
                    var shown = way.Scale(sample, i);
                    var epsilon = (shown - (truth * Math.Sqrt(bar))) / Math.Sqrt(1 - bar);
                    var output = config.PredictionType switch
                    {
                        "epsilon" => epsilon,
                        "sample" => truth,
                        _ => (epsilon * Math.Sqrt(bar)) - (truth * Math.Sqrt(1 - bar)),
                    };
                    sample = way.Step(output, i, sample);
                }

                // Where the last step ends at time 0, its noise is left.
                var left = (sample - truth).abs().max().item<float>();
                Assert.IsLessThan(kind == SchedulerKind.Pndm ? 0.4f : 0.15f, left, $"{config}, {steps} steps");
                if (
                    config.SetAlphaToOne
                    || (kind is SchedulerKind.EulerDiscrete or SchedulerKind.DpmSolverMultistep && config.FinalSigmasType == "zero")
                )
                {
                    Assert.IsLessThan(kind == SchedulerKind.Pndm ? 0.4f : 1e-3f, left, $"{config}, {steps} steps");
                }
            }
        }
    }

    [TestMethod]
    public void TimesAreSpacedAsTheirNamesSay()
    {
        double[] Times(SchedulerKind kind, string spacing, int offset = 1) =>
            [
                .. NoiseScheduler
                    .Create(
                        new()
                        {
                            Kind = kind,
                            TimestepSpacing = spacing,
                            StepsOffset = offset,
                        }
                    )
                    .Start(4)
                    .Timesteps,
            ];
        CollectionAssert.AreEqual(new double[] { 751, 501, 251, 1 }, Times(SchedulerKind.Ddim, "leading"));
        CollectionAssert.AreEqual(new double[] { 750, 500, 250, 0 }, Times(SchedulerKind.Ddpm, "leading", 0));
        CollectionAssert.AreEqual(new double[] { 999, 666, 333, 0 }, Times(SchedulerKind.Ddim, "linspace"));
        CollectionAssert.AreEqual(new double[] { 999, 749, 499, 249 }, Times(SchedulerKind.Ddim, "trailing"));
        CollectionAssert.AreEqual(new double[] { 751, 501, 501, 251, 1 }, Times(SchedulerKind.Pndm, "leading"));
        CollectionAssert.AreEqual(new double[] { 801, 601, 401, 201 }, Times(SchedulerKind.DpmSolverMultistep, "leading"));
        CollectionAssert.AreEqual(new double[] { 999, 749, 500, 250 }, Times(SchedulerKind.DpmSolverMultistep, "linspace"));
        CollectionAssert.AreEqual(new double[] { 999, 749, 499, 249 }, Times(SchedulerKind.DpmSolverMultistep, "trailing"));
        CollectionAssert.AreEqual(new double[] { 999, 749, 499, 249 }, Times(SchedulerKind.EulerDiscrete, "trailing"));
    }

    [TestMethod]
    public void SchedulesBeginAndEndAsTheyAreKnownTo()
    {
        IReadOnlyList<double> Bars(SchedulerConfig config) => NoiseScheduler.Create(config).AlphasCumprod;
        Assert.AreEqual(0.0047, Bars(new())[^1], 1e-4); // Stable Diffusion v1
        Assert.AreEqual(
            4.04e-5,
            Bars(
                new()
                {
                    BetaSchedule = "linear",
                    BetaStart = 1e-4,
                    BetaEnd = 0.02,
                }
            )[^1],
            1e-7
        ); // Ho et al. 2020
        // cos²(π/2 · 0.508/1.008) / cos²(π/2 · 0.008/1.008)
        Assert.AreEqual(0.49384, Bars(new() { BetaSchedule = "squaredcos_cap_v2" })[499], 1e-5);
        var rescaled = Bars(
            new()
            {
                Kind = SchedulerKind.Ddim,
                PredictionType = "v_prediction",
                RescaleBetasZeroSnr = true,
            }
        );
        Assert.AreEqual(0, rescaled[^1], 1e-12);
        Assert.AreEqual(0.99915, rescaled[0], 1e-6);
        Assert.AreEqual(0.5, Bars(new() { NumTrainTimesteps = 2, TrainedBetas = [0.2, 0.375] })[^1], 1e-12);
    }

    [TestMethod]
    public void StochasticStepsDrawNoiseAndDeterministicOnesDoNot()
    {
        using var scope = NewDisposeScope();
        int Drawn(SchedulerKind kind, double eta)
        {
            var drawn = 0;
            using var way = NoiseScheduler.Create(new() { Kind = kind }).Start(5, eta);
            var sample = zeros(1, 4, 2, 2);
            for (var i = 0; i < way.Timesteps.Count; i++)
            {
                sample = way.Step(
                    zeros_like(sample),
                    i,
                    sample,
                    () =>
                    {
                        drawn++;
                        return ones(1, 4, 2, 2);
                    }
                );
            }

            return drawn;
        }

        Assert.AreEqual(0, Drawn(SchedulerKind.Ddim, 0));
        Assert.AreEqual(0, Drawn(SchedulerKind.EulerDiscrete, 1));
        Assert.AreEqual(4, Drawn(SchedulerKind.Ddpm, 0)); // none in the last step
        Assert.IsGreaterThanOrEqualTo(4, Drawn(SchedulerKind.Ddim, 0.5));
    }

    [TestMethod]
    [DataRow("_class_name", "\"HeunDiscreteScheduler\"", "DDPMScheduler")]
    [DataRow("thresholding", "true", "false")]
    [DataRow("beta_schedule", "\"sigmoid\"", "scaled_linear")]
    [DataRow("prediction_type", "\"flow\"", "epsilon")]
    [DataRow("timestep_spacing", "\"random\"", "trailing")]
    [DataRow("algorithm_type", "\"sde-dpmsolver++\"", "dpmsolver++")]
    [DataRow("solver_order", "3", "1 or 2")]
    [DataRow("use_beta_sigmas", "true", "false")]
    [DataRow("final_sigmas_type", "\"one\"", "zero")]
    [DataRow("num_train_timesteps", "1", "at least 2")]
    [DataRow("beta_end", "2", "below 1")]
    [DataRow("steps_offset", "-1", "at least 0")]
    [DataRow("trained_betas", "[0.1]", "1000")]
    [DataRow("beta_start", "\"low\"", "a number")]
    public void SettingsThatAreNotBuiltAreRefusedByName(string key, string value, string right)
    {
        var json = (JsonObject)JsonNode.Parse(new SchedulerConfig { Kind = SchedulerKind.DpmSolverMultistep }.ToJson())!;
        json[key] = JsonNode.Parse(value);
        var message = Assert.ThrowsExactly<InvalidDataException>(() => SchedulerConfig.Read(new ConfigFile("s.json", json), null)).Message;
        Assert.Contains("s.json", message);
        Assert.Contains(key, message);
        Assert.Contains(right, message);
    }

    [TestMethod]
    public void FilesAreWrittenAsTheyAreReadAndServeOtherSchedulers()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder, "scheduler_config.json");
        foreach (var kind in Enum.GetValues<SchedulerKind>())
        {
            foreach (
                var config in Configurations(kind)
                    .Append(
                        new SchedulerConfig
                        {
                            Kind = kind,
                            NumTrainTimesteps = 2,
                            TrainedBetas = [0.1, 0.2],
                            PredictionType = "v_prediction",
                        }
                    )
            )
            {
                NoiseScheduler.Create(config).Save(path);
                Assert.AreEqual(config, NoiseScheduler.Load(path).Config);
            }
        }

        // Stable Diffusion v1's own file, which leaves out what its time did not know.
        File.WriteAllText(
            path,
            """
            { "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
              "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null, "clip_sample": false, "lambda_min_clipped": -Infinity }
            """
        );
        Assert.AreEqual(new SchedulerConfig { Kind = SchedulerKind.Pndm, StepsOffset = 1 }, NoiseScheduler.Load(path).Config);
        Assert.AreEqual("linspace", NoiseScheduler.Load(path, SchedulerKind.EulerDiscrete).Config.TimestepSpacing);
        var solver = NoiseScheduler.Load(path, SchedulerKind.DpmSolverMultistep).Config;
        Assert.AreEqual(("zero", 1, 2), (solver.FinalSigmasType, solver.StepsOffset, solver.SolverOrder));
        File.WriteAllText(
            path,
            File.ReadAllText(path).Replace("\"skip_prk_steps\": true", "\"skip_prk_steps\": false", StringComparison.Ordinal)
        );
        Assert.Contains("skip_prk_steps", Assert.ThrowsExactly<InvalidDataException>(() => NoiseScheduler.Load(path)).Message);
    }

    [TestMethod]
    public void StepsAndNoiseShareAreChecked()
    {
        var scheduler = NoiseScheduler.Create(new());
        Assert.Contains("steps = 0; expected 1..1000", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => scheduler.Start(0)).Message);
        Assert.Contains("steps = 1001", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => scheduler.Start(1001)).Message);
        Assert.Contains("eta = 2", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => scheduler.Start(10, 2)).Message);
        Assert.Contains(
            "rescale_betas_zero_snr",
            Assert
                .ThrowsExactly<InvalidDataException>(() =>
                    NoiseScheduler.Create(new() { Kind = SchedulerKind.Ddim, RescaleBetasZeroSnr = true })
                )
                .Message
        );
    }

    [TestMethod]
    [DataRow(SchedulerKind.Ddpm, 1, 1000)]
    [DataRow(SchedulerKind.Ddim, 1, 1000)]
    [DataRow(SchedulerKind.Ddim, 251, 4)]
    [DataRow(SchedulerKind.Pndm, 1, 1000)]
    [DataRow(SchedulerKind.DpmSolverMultistep, 900, 10)]
    public void TimesBeyondTheScheduleAreRefused(SchedulerKind kind, int offset, int steps)
    {
        var scheduler = NoiseScheduler.Create(new() { Kind = kind, StepsOffset = offset });
        var message = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => scheduler.Start(steps)).Message;
        Assert.Contains($"steps = {steps}", message);
        Assert.Contains($"steps_offset is {offset}", message);
        Assert.Contains("num_train_timesteps is 1000", message);
        // Euler's noise levels end with the schedule, as in the original.
        using var euler = NoiseScheduler.Create(new() { Kind = SchedulerKind.EulerDiscrete, StepsOffset = offset }).Start(steps);
        Assert.IsTrue(euler.Sigmas.All(double.IsFinite));
    }

    /// <summary>With the cosine schedule diffusers cuts the times of Karras's levels, with all others it rounds them.</summary>
    [TestMethod]
    [DataRow("squaredcos_cap_v2")]
    [DataRow("scaled_linear")]
    public void TimesOfKarrassLevelsAreCutOrRounded(string schedule)
    {
        var scheduler = NoiseScheduler.Create(
            new()
            {
                Kind = SchedulerKind.DpmSolverMultistep,
                BetaSchedule = schedule,
                UseKarrasSigmas = true,
            }
        );
        double[] logs = [.. scheduler.AlphasCumprod.Select(a => Math.Log(Math.Sqrt((1 - a) / a)))];
        using var run = scheduler.Start(8);
        var cut = 0;
        foreach (var (level, time) in run.Sigmas.Zip(run.Timesteps).Skip(1).SkipLast(1))
        {
            var low = Array.FindLastIndex(logs, l => l <= Math.Log(level));
            var share = (Math.Log(level) - logs[low]) / (logs[low + 1] - logs[low]);
            Assert.AreEqual(schedule == "squaredcos_cap_v2" ? low : Math.Round(low + share), time);
            cut += share > 0.5 ? 1 : 0;
        }
        Assert.IsGreaterThan(0, cut);
        if (schedule == "squaredcos_cap_v2")
        {
            // As single precision gives them, which the reference computes in.
            CollectionAssert.AreEqual(new double[] { 998, 998, 998, 998, 994, 965, 508, 0 }, run.Timesteps.ToArray());
            using var five = scheduler.Start(5);
            CollectionAssert.AreEqual(new double[] { 998, 998, 997, 937, 0 }, five.Timesteps.ToArray());
        }
    }

    /// <summary>diffusers' levels that are even in their logarithm go all the way down and have no step to zero.</summary>
    [TestMethod]
    [DataRow("zero", 5)]
    [DataRow("sigma_min", 5)]
    [DataRow("zero", 1)]
    public void LevelsEvenInTheirLogarithmEndAtTheLeast(string end, int steps)
    {
        var config = new SchedulerConfig
        {
            Kind = SchedulerKind.EulerDiscrete,
            InterpolationType = "log_linear",
            TimestepSpacing = "linspace",
            FinalSigmasType = end,
        };
        var scheduler = NoiseScheduler.Create(config);
        double Level(int time) => Math.Sqrt((1 - scheduler.AlphasCumprod[time]) / scheduler.AlphasCumprod[time]);
        using var run = scheduler.Start(steps);
        Assert.HasCount(steps, run.Timesteps);
        Assert.HasCount(steps + 1, run.Sigmas);
        for (var i = 0; i <= steps; i++)
        {
            Assert.AreEqual(Level(999) * Math.Pow(Level(0) / Level(999), (double)i / steps), run.Sigmas[i], 1e-6 * Level(999));
        }
        using var karras = NoiseScheduler.Create(config with { UseKarrasSigmas = true }).Start(steps);
        using var linear = NoiseScheduler.Create(config with { UseKarrasSigmas = true, InterpolationType = "linear" }).Start(steps);
        Assert.HasCount(steps + 1, karras.Sigmas);
        Assert.AreEqual(end == "zero" ? 0 : Level(0), karras.Sigmas[^1], 1e-9);
        for (var i = 0; i < steps; i++)
        {
            // Both are from the most to the least; linspace's single time is the schedule's first, so one linear level is the least.
            Assert.AreEqual(steps == 1 ? Level(999) : linear.Sigmas[i], karras.Sigmas[i], 1e-9);
        }
    }

    private static IEnumerable<SchedulerConfig> Configurations(SchedulerKind kind)
    {
        foreach (var spacing in Spacings)
        {
            foreach (
                var predicted in kind is SchedulerKind.Pndm ? new[] { "epsilon", "v_prediction" } : ["epsilon", "v_prediction", "sample"]
            )
            {
                var config = new SchedulerConfig
                {
                    Kind = kind,
                    TimestepSpacing = spacing,
                    PredictionType = predicted,
                    StepsOffset = spacing == "leading" ? 1 : 0,
                };
                yield return config;
                switch (kind)
                {
                    case SchedulerKind.Ddim or SchedulerKind.Pndm:
                        yield return config with
                        {
                            SetAlphaToOne = true,
                        };
                        break;
                    case SchedulerKind.EulerDiscrete:
                        yield return config with
                        {
                            UseKarrasSigmas = true,
                        };
                        yield return config with
                        {
                            InterpolationType = "log_linear",
                            FinalSigmasType = "sigma_min",
                        };
                        break;
                    case SchedulerKind.DpmSolverMultistep:
                        yield return config with
                        {
                            UseKarrasSigmas = true,
                        };
                        yield return config with
                        {
                            FinalSigmasType = "sigma_min",
                            SolverType = "heun",
                        };
                        yield return config with
                        {
                            SolverOrder = 1,
                            UseKarrasSigmas = true,
                        };
                        break;
                }
            }
        }
    }
}
