using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>Every class with every spacing of times gives what diffusers' class of the same name does.</summary>
[TestClass]
public sealed class SchedulerFigureTests
{
    /// <summary>
    /// Class, spacing, one more setting, and by number of steps the last sample of one number that begins at 0.7 times the initial scale.
    /// The model's output is 0.1·x + sin(t/1000), the noise of every step 0.5, the betas are Stable Diffusion's. The figures are of the
    /// classes of diffusers 0.40.0.dev0, run on a processor in single precision.
    /// </summary>
    private const string Figures = """
        Ddpm leading - 1:0.698256 7:1.003036 30:7.378268
        Ddpm linspace - 1:0.698256 7:-0.969021 30:7.690411
        Ddpm trailing - 1:-3.058751 7:-0.502882 30:7.968393
        Ddim leading - 1:0.698256 7:0.241032 30:-0.174257
        Ddim linspace - 1:0.698256 7:-0.599767 30:-0.518352
        Ddim trailing - 1:-3.058751 7:-1.116218 30:-0.635605
        Pndm leading - 1:0.700000 7:0.580278 30:-0.048424
        Pndm linspace - 1:0.700000 7:0.018168 30:-0.370665
        Pndm trailing - 1:-3.030892 7:-0.404465 30:-0.479715
        DpmSolverMultistep leading - 1:0.442501 7:0.353761 30:-0.091266 61:-0.243390
        DpmSolverMultistep leading final_sigmas_type 1:0.458332 7:0.358380 30:-0.074634 61:-0.239198
        DpmSolverMultistep leading use_karras_sigmas 1:-3.058750 7:-0.432746 30:-0.514769 61:-0.517712
        DpmSolverMultistep linspace - 1:-3.058750 7:-0.785479 30:-0.534847 61:-0.522146
        DpmSolverMultistep linspace final_sigmas_type 1:-3.030891 7:-0.782999 30:-0.517842 61:-0.518485
        DpmSolverMultistep linspace use_karras_sigmas 1:-3.058750 7:-0.432746 30:-0.514769 61:-0.517712
        DpmSolverMultistep trailing - 1:-3.058750 7:-0.785105 30:-0.534582 61:-0.517381
        DpmSolverMultistep trailing final_sigmas_type 1:-3.030891 7:-0.782657 30:-0.518234 61:-0.518702
        DpmSolverMultistep trailing use_karras_sigmas 1:-3.058750 7:-0.432746 30:-0.514769 61:-0.517712
        EulerDiscrete leading - 1:0.698256 7:0.241033 30:-0.174257 61:-0.139886
        EulerDiscrete leading final_sigmas_type 1:0.700298 7:0.241737 30:-0.174766 61:-0.140295
        EulerDiscrete leading use_karras_sigmas 1:0.698256 7:0.181727 30:-0.187604 61:-0.146436
        EulerDiscrete linspace - 1:0.020358 7:-1.252198 30:-0.697154 61:-0.614280
        EulerDiscrete linspace final_sigmas_type 1:0.020417 7:-1.255859 30:-0.699192 61:-0.616076
        EulerDiscrete linspace use_karras_sigmas 1:0.020358 7:-1.298216 30:-0.707325 61:-0.619305
        EulerDiscrete trailing - 1:-3.080284 7:-1.165205 30:-0.692866 61:-0.613045
        EulerDiscrete trailing final_sigmas_type 1:-3.053720 7:-1.164148 30:-0.693942 61:-0.614867
        EulerDiscrete trailing use_karras_sigmas 1:-3.080284 7:-1.090182 30:-0.676038 61:-0.619305
        """;

    public static IEnumerable<object[]> Rows => Figures.Split('\n').Select(line => new object[] { line.Trim() });

    [TestMethod]
    [DynamicData(nameof(Rows))]
    public void TheLastSampleIsTheOriginals(string row)
    {
        var parts = row.Split(' ');
        var kind = Enum.Parse<SchedulerKind>(parts[0]);
        var json = new JsonObject
        {
            ["_class_name"] = SchedulerConfig.ClassName(kind),
            ["beta_start"] = 0.00085,
            ["beta_end"] = 0.012,
            ["beta_schedule"] = "scaled_linear",
            ["timestep_spacing"] = parts[1],
            ["clip_sample"] = false,
            ["skip_prk_steps"] = true,
        };
        if (parts[2] != "-")
        {
            json[parts[2]] = parts[2] == "final_sigmas_type" ? "sigma_min" : true;
        }
        var scheduler = NoiseScheduler.Create(SchedulerConfig.Read(new ConfigFile("scheduler_config.json", json), null));
        foreach (var figure in parts[3..].Select(p => p.Split(':')))
        {
            using var scope = NewDisposeScope();
            using var run = scheduler.Start(int.Parse(figure[0], CultureInfo.InvariantCulture));
            var sample = full([1, 1, 1, 1], 0.7).mul(run.InitialNoiseScale);
            for (var i = 0; i < run.Timesteps.Count; i++)
            {
                var output = run.Scale(sample, i).mul(0.1).add(Math.Sin(run.Timesteps[i] / 1000));
                sample = run.Step(output, i, sample, () => full([1, 1, 1, 1], 0.5));
            }
            var want = double.Parse(figure[1], CultureInfo.InvariantCulture);
            Assert.AreEqual(want, sample.item<float>(), 1e-4 * (1 + Math.Abs(want)), $"{row}, {figure[0]} steps");
        }
    }

    /// <summary>Rounding leaves a 62nd of 61 trailing times, before the first: it has no noise level.</summary>
    [TestMethod]
    [DataRow(SchedulerKind.Ddpm)]
    [DataRow(SchedulerKind.Ddim)]
    [DataRow(SchedulerKind.Pndm)]
    public void NoTimeIsBeforeTheFirst(SchedulerKind kind)
    {
        var scheduler = NoiseScheduler.Create(new() { Kind = kind, TimestepSpacing = "trailing" });
        for (var steps = 1; steps <= 1000; steps += 3)
        {
            using var run = scheduler.Start(steps);
            Assert.IsGreaterThanOrEqualTo(0, run.Timesteps[^1], $"{steps} steps");
        }
        using var scope = NewDisposeScope();
        using var some = scheduler.Start(61);
        Assert.HasCount(kind == SchedulerKind.Pndm ? 62 : 61, some.Timesteps);
        var sample = ones(1, 1, 1, 1);
        for (var i = 0; i < some.Timesteps.Count; i++)
        {
            sample = some.Step(zeros_like(sample), i, sample);
        }
        Assert.IsTrue(sample.isfinite().item<bool>());
    }
}
