using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>Noise schedulers: times, noise levels and every sample of runs with a model that is a formula.</summary>
internal sealed class SchedulersCase : ICaseKind
{
    public string Name => "noise schedulers";

    public string Form => "io.safetensors beside a config.json of scheduler configurations and a case.json with \"runs\"";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo
        && folder.Case["runs"] is JsonObject
        && folder.Config.Any(c => ClassName(c.Value)?.EndsWith("Scheduler", StringComparison.Ordinal) == true);

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var off = no_grad();
        foreach (var (name, counts) in (JsonObject)folder.Case["runs"]!)
        {
            using var scope = NewDisposeScope();
            NoiseScheduler? scheduler = null;
            rows.Add(
                Comparison.Guarded(
                    name + ".config",
                    () =>
                    {
                        scheduler = Create(folder, name);
                        return RoundTrip(name, scheduler);
                    }
                )
            );
            if (scheduler is null)
            {
                continue;
            }
            foreach (var (count, expected) in counts as JsonObject ?? [])
            {
                var run = new SchedulerCaseRun(folder, scheduler, name, int.Parse(count.TrimStart('n'), CultureInfo.InvariantCulture));
                rows.AddRange(run.Rows(expected as JsonObject ?? []));
            }
            foreach (var what in new[] { "add_noise", "velocity", "alphas_cumprod", "betas" })
            {
                var key = name + "." + what;
                if (folder.Io.Entries.ContainsKey(key))
                {
                    rows.Add(
                        Comparison.Guarded(
                            key,
                            () =>
                                Comparison.Output(
                                    key,
                                    Training(folder, scheduler, name, what),
                                    folder.Tensor(key, ScalarType.Float32),
                                    folder.Tolerance
                                )
                        )
                    );
                }
            }
        }
    }

    private static string? ClassName(JsonNode? node) =>
        (node as JsonObject)?["_class_name"] is JsonValue v && v.TryGetValue<string>(out var name) ? name : null;

    private static NoiseScheduler Create(CaseFolder folder, string name) =>
        folder.Config[name] is JsonObject json
            ? NoiseScheduler.Create(Read(folder.File("config.json") + ": " + name, json))
            : throw new InvalidDataException($"config.json has no \"{name}\"");

    // Cases that do not say where DPM-Solver++ ends are of diffusers before 2024; a model's file that does not is read as today's does.
    private static SchedulerConfig Read(string path, JsonObject json)
    {
        var config = SchedulerConfig.Read(new ConfigFile(path, json), null);
        return config.Kind == SchedulerKind.DpmSolverMultistep && !json.ContainsKey("final_sigmas_type")
            ? config with
            {
                FinalSigmasType = null,
            }
            : config;
    }

    // What is written must be read as the same.
    private static VerificationRow RoundTrip(string name, NoiseScheduler scheduler)
    {
        var again = Read(name, (JsonObject)ConfigFile.Parse(scheduler.Config.ToJson())!);
        return Comparison.Exact(name + ".config", again.Equals(scheduler.Config) ? 0 : 1, 1, "written and read again");
    }

    private static Tensor Training(CaseFolder folder, NoiseScheduler scheduler, string name, string what)
    {
        double[] bars = [.. scheduler.AlphasCumprod];
        return what switch
        {
            "alphas_cumprod" => tensor(bars, ScalarType.Float32),
            "betas" => tensor(bars.Select((b, i) => 1 - (i == 0 ? b : b / bars[i - 1])).ToArray(), ScalarType.Float32),
            "add_noise" => scheduler.AddNoise(Input("original_samples"), Input("noise"), Times()),
            _ => scheduler.Velocity(Input("original_samples"), Input("noise"), Times()),
        };

        Tensor Input(string input) => folder.Tensor($"{name}.in.{input}", ScalarType.Float32);
        Tensor Times() => folder.Tensor(name + ".in.timesteps", ScalarType.Int64);
    }
}

/// <summary>One scheduler with one number of steps.</summary>
internal sealed partial class SchedulerCaseRun(CaseFolder folder, NoiseScheduler scheduler, string name, int steps)
{
    private const double TimeTolerance = 1e-2;
    private readonly string _key = $"{name}.n{steps}";

    public IEnumerable<VerificationRow> Rows(JsonObject expected)
    {
        // Names say "eta1" where DDIM draws noise.
        var match = EtaPattern().Match(name);
        var eta = match.Success ? double.Parse(match.Groups["eta"].Value, CultureInfo.InvariantCulture) : 0;
        using var run = scheduler.Start(steps, eta);
        if (expected["timesteps"] is JsonArray times)
        {
            yield return Comparison.Guarded(_key + ".timesteps", () => Times(run, [.. times.Select(t => (double)t!)]));
        }
        if (expected["init_noise_sigma"] is { } scale)
        {
            yield return Comparison.Guarded(
                _key + ".init_noise_sigma",
                () =>
                    Comparison.Output(
                        _key + ".init_noise_sigma",
                        tensor(run.InitialNoiseScale, ScalarType.Float32),
                        tensor((double)scale, ScalarType.Float32),
                        folder.Tolerance
                    )
            );
        }
        if (folder.Io.Entries.ContainsKey(_key + ".sigmas"))
        {
            yield return Comparison.Guarded(_key + ".sigmas", () => Sigmas(run));
        }
        var start = folder.Tensor("in.x0", ScalarType.Float32).mul(run.InitialNoiseScale);
        if (folder.Io.Entries.ContainsKey(_key + ".initial_sample"))
        {
            yield return Comparison.Guarded(
                _key + ".initial_sample",
                () =>
                    Comparison.Output(
                        _key + ".initial_sample",
                        start,
                        folder.Tensor(_key + ".initial_sample", ScalarType.Float32),
                        folder.Tolerance
                    )
            );
        }
        yield return Comparison.Guarded(
            _key + ".samples",
            () =>
                Comparison.Output(
                    _key + ".samples",
                    Samples(run, start),
                    folder.Tensor(_key + ".samples", ScalarType.Float32),
                    folder.Tolerance
                )
        );
    }

    // Times between whole numbers are interpolated in float64 here and in float32 elsewhere.
    private VerificationRow Times(SchedulerRun run, double[] want) =>
        want.Length != run.Timesteps.Count
            ? Comparison.Failed(_key + ".timesteps", $"{run.Timesteps.Count} times, expected {want.Length}")
            : Comparison.Exact(
                _key + ".timesteps",
                want.Zip(run.Timesteps)
                    .Count(p =>
                        !(
                            Math.Abs(p.First - p.Second)
                            <= (p.First == Math.Floor(p.First) && p.Second == Math.Floor(p.Second) ? 0 : TimeTolerance)
                        )
                    ),
                want.Length,
                null
            );

    private VerificationRow Sigmas(SchedulerRun run)
    {
        var want = folder.Tensor(_key + ".sigmas", ScalarType.Float32);
        var count = (int)want.size(0);
        double[] got = [.. run.Sigmas.Take(count)];
        if (count > 1 && want[0].item<float>() < want[1].item<float>())
        {
            Array.Reverse(got); // as older versions keep them
        }
        return Comparison.Output(_key + ".sigmas", tensor(got, ScalarType.Float32), want, folder.Tolerance);
    }

    private Tensor Samples(SchedulerRun run, Tensor sample)
    {
        var noise = folder.Io.Entries.ContainsKey("in.variance_noise") ? folder.Tensor("in.variance_noise", ScalarType.Float32) : null;
        List<Tensor> samples = [];
        for (var i = 0; i < run.Timesteps.Count; i++)
        {
            var step = i;
            // The "model" of these cases, as case.json gives it.
            var output = run.Scale(sample, i).mul(0.1).add(Math.Sin(run.Timesteps[i] / 1000));
            samples.Add(sample = run.Step(output, i, sample, noise is null ? null : () => noise[step]));
        }
        return stack(samples);
    }

    [GeneratedRegex(@"eta(?<eta>[01](\.\d+)?)(?!\d)", RegexOptions.ExplicitCapture)]
    private static partial Regex EtaPattern();
}
