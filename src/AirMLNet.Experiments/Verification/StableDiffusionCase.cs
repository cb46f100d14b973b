using System.Text.Json.Nodes;
using AirMLNet.Diffusion;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>A whole diffusion model: text states, guided predictions and latents of every step, and the images.</summary>
internal sealed class StableDiffusionCase : ICaseKind
{
    public string Name => "Stable Diffusion";

    public string Form => "io.safetensors with in.latents beside a model_index.json";

    public bool Recognises(CaseFolder folder) =>
        folder.Has("model_index.json") && folder.HasIo && folder.Io.Entries.ContainsKey("in.latents");

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = StableDiffusionPipeline.Load(folder.Path, folder.Device);
        Dictionary<string, Tensor> known = new(StringComparer.Ordinal);
        foreach (var name in folder.Expected("out."))
        {
            rows.Add(
                Comparison.Guarded(
                    "out." + name,
                    () =>
                    {
                        if (known.Count == 0)
                        {
                            Generate(folder, model, null, "", known);
                        }
                        // Outputs under the name of a scheduler were made with it.
                        foreach (
                            var (prefix, kind) in new[]
                            {
                                ("pndm.", SchedulerKind.Pndm),
                                ("ddim.", SchedulerKind.Ddim),
                                ("euler.", SchedulerKind.EulerDiscrete),
                                ("dpmsolverpp_2m.", SchedulerKind.DpmSolverMultistep),
                            }
                        )
                        {
                            if (name.StartsWith(prefix, StringComparison.Ordinal) && !known.ContainsKey(prefix + "latents"))
                            {
                                Generate(folder, model, kind, prefix, known);
                            }
                        }
                        return Compare(folder, name, known);
                    }
                )
            );
        }
        for (var i = 0; folder.Has($"expected_{i}.png"); i++)
        {
            var file = $"expected_{i}.png";
            var index = i;
            rows.Add(Comparison.Guarded(file, () => Picture(folder, file, known["image01"].narrow(0, index, 1))));
        }
    }

    private static VerificationRow Compare(CaseFolder folder, string name, Dictionary<string, Tensor> known)
    {
        if (!known.TryGetValue(name, out var got))
        {
            return Comparison.Failed("out." + name, "this output is not known");
        }
        var want = folder.Tensor("out." + name, ScalarType.Float32);
        if (name.EndsWith("image_u8", StringComparison.Ordinal))
        {
            return Comparison.Output("out." + name, got, want, (1, 0)); // errors accumulate: a level is allowed
        }
        // Some references show no step before the first that moves on.
        if (name.EndsWith("latents", StringComparison.Ordinal) && got.size(0) > want.size(0))
        {
            got = got.narrow(0, got.size(0) - want.size(0), want.size(0));
        }
        var last = name.Split('.')[^1];
        var abs = last switch
        {
            "latents" or "noise_pred_cfg" => Number(folder, "latents_abs"),
            "image01" => Number(folder, "image01_abs"),
            "decoded" => 2 * Number(folder, "image01_abs"), // a picture is half of it
            _ => null,
        };
        return Comparison.Output("out." + name, got, want, abs is { } a ? (a, folder.Tolerance.Rel) : folder.Tolerance);
    }

    private static VerificationRow Picture(CaseFolder folder, string file, Tensor picture)
    {
        var (got, want) = (StableDiffusionPipeline.ToImages(picture)[0], Images.ImageFile.Load(folder.File(file)));
        return got.Pixels.Length != want.Pixels.Length
            ? Comparison.Failed(file, $"{got.Width} x {got.Height}, expected {want.Width} x {want.Height}")
            : Comparison.Exact(file, got.Pixels.Zip(want.Pixels).Count(p => Math.Abs(p.First - p.Second) > 1), got.Pixels.Length, null);
    }

    private static void Generate(
        CaseFolder folder,
        StableDiffusionPipeline model,
        SchedulerKind? kind,
        string prefix,
        Dictionary<string, Tensor> known
    )
    {
        var args = folder.Case["args"] as JsonObject ?? [];
        var options = new StableDiffusionOptions
        {
            Steps = (int?)args["steps"] ?? 50,
            Guidance = (double?)args["guidance_scale"] ?? 7.5,
            Eta = (double?)args["eta"] ?? 0,
        };
        var scheduler = kind is null ? model.Scheduler : NoiseScheduler.Load(folder.File("scheduler/scheduler_config.json"), kind);
        var prompts = model.TextEncoder.Encode(folder.Tensor("in.input_ids", ScalarType.Int64));
        known["prompt_embeds"] = prompts;
        var states = prompts;
        if (options.Guidance > 1)
        {
            var negative = model.TextEncoder.Encode(folder.Tensor("in.uncond_input_ids", ScalarType.Int64));
            known["negative_prompt_embeds"] = negative;
            states = cat([negative, prompts], 0);
        }
        using var run = scheduler.Start(options.Steps, options.Eta);
        using var conditions = model.UNet.Prepare(states, [.. Enumerable.Range(0, (int)states.size(0))], run.Timesteps);
        List<Tensor> predictions = [],
            samples = [];
        var start = folder.Tensor("in.latents", ScalarType.Float32).mul(run.InitialNoiseScale);
        var latents = StableDiffusionRun.Denoise(
            model,
            run,
            start,
            conditions,
            options,
            () => throw new InvalidDataException("the case has no noise"),
            (_, prediction, sample) =>
            {
                predictions.Add(prediction.clone().DetachFromDisposeScope());
                samples.Add(sample.clone().DetachFromDisposeScope());
            }
        );
        known[prefix + "noise_pred_cfg"] = stack(predictions);
        known[prefix + "latents"] = stack(samples);
        predictions.Concat(samples).ToList().ForEach(t => t.Dispose());
        known[prefix + "decoded"] = model.Vae.Decode(latents.mul(1 / model.Vae.Config.ScalingFactor));
        known[prefix + "image01"] = model.Decode(latents);
        known[prefix + "image_u8"] = known[prefix + "image01"].mul(255).round().permute(0, 2, 3, 1).contiguous();
    }

    private static double? Number(CaseFolder folder, string key) => (double?)folder.Case["tolerance"]?[key];
}
