using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>
/// The generations of one case, each made when the first of its outputs is asked for. Outputs under a prefix were made otherwise than the
/// others: with another scheduler (<c>pndm.</c>), without negative prompt (<c>zeros.</c>), or with the settings that <c>args</c> of
/// case.json has under the prefix's first word (<c>zsnr.</c> and <c>zsnr_rescale.</c>).
/// </summary>
internal sealed partial class StableDiffusionCaseRun(CaseFolder folder, StableDiffusionPipeline model)
{
    private const double PublishedRescale = 0.7;

    private static readonly Dictionary<string, SchedulerKind> Schedulers = new(StringComparer.Ordinal)
    {
        ["pndm"] = SchedulerKind.Pndm,
        ["ddim"] = SchedulerKind.Ddim,
        ["euler"] = SchedulerKind.EulerDiscrete,
        ["dpmsolverpp_2m"] = SchedulerKind.DpmSolverMultistep,
    };

    private readonly Dictionary<string, Tensor> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _made = new(StringComparer.Ordinal);
    private readonly JsonObject _args = folder.Case["args"] as JsonObject ?? [];

    /// <summary>An output, without "out."; null where it is not known.</summary>
    public Tensor? Output(string name)
    {
        if (_made.Add(""))
        {
            Encode();
            Generate("", model.Scheduler, 0, zeros: false);
        }
        var prefix = name.Contains('.', StringComparison.Ordinal) ? name[..name.IndexOf('.', StringComparison.Ordinal)] : "";
        if (prefix.Length > 0 && _made.Add(prefix))
        {
            if (Schedulers.TryGetValue(prefix, out var kind))
            {
                Generate(prefix + ".", NoiseScheduler.Load(SchedulerFile, kind), 0, zeros: false);
            }
            else if (prefix == "zeros")
            {
                Generate(prefix + ".", model.Scheduler, 0, zeros: true);
            }
            else if (_args[prefix.Split('_')[0]] is JsonObject settings)
            {
                Generate(prefix + ".", Changed(settings), Rescale(prefix, settings), zeros: false);
            }
        }
        return _known.GetValueOrDefault(name);
    }

    private string SchedulerFile => folder.File("scheduler/scheduler_config.json");

    private NoiseScheduler Changed(JsonObject settings)
    {
        var root = ConfigFile.Open(SchedulerFile).Root;
        foreach (var (key, value) in settings.Where(s => s.Key is not ("timesteps" or "sigmas" or "guidance_rescale")))
        {
            root[key] = value?.DeepClone();
        }
        return NoiseScheduler.Create(SchedulerConfig.Read(new ConfigFile(SchedulerFile, root), null));
    }

    // A number, or a sentence such as "0 for out.zsnr.*, 0.7 for out.zsnr_rescale.*".
    private static double Rescale(string prefix, JsonObject settings)
    {
        if (settings["guidance_rescale"] is JsonValue value && value.TryGetValue<double>(out var number))
        {
            return number;
        }
        var said = NumberOfOutput()
            .Matches(settings["guidance_rescale"]?.ToString() ?? "")
            .FirstOrDefault(m => m.Groups["prefix"].Value == prefix);
        return said is not null ? double.Parse(said.Groups["number"].Value, CultureInfo.InvariantCulture)
            : prefix.EndsWith("_rescale", StringComparison.Ordinal) ? PublishedRescale
            : 0;
    }

    private void Encode()
    {
        foreach (var (input, output) in new[] { ("in.", ""), ("in.uncond_", "negative_") })
        {
            if (!folder.Io.Entries.ContainsKey(input + "input_ids"))
            {
                continue;
            }
            var ids = folder.Tensor(input + "input_ids", ScalarType.Int64);
            var ids2 = model.IsXl ? folder.Tensor(input + "input_ids_2", ScalarType.Int64) : null;
            var states = model.Encode(ids, ids2);
            _known[output + "prompt_embeds"] = states.States;
            if (states.Pooled is { } pooled)
            {
                _known[output + "pooled_prompt_embeds"] = pooled;
                if (output.Length == 0)
                {
                    _known["text_encoder.penultimate"] = model.TextEncoder.EncodePenultimate(ids).States;
                    _known["text_encoder_2.penultimate"] = model.TextEncoder2!.EncodePenultimate(ids2!).States;
                }
            }
        }
    }

    private void Generate(string prefix, NoiseScheduler scheduler, double rescale, bool zeros)
    {
        var options = new StableDiffusionOptions
        {
            Steps = (int?)_args["steps"] ?? 50,
            Guidance = (double?)_args["guidance_scale"] ?? 7.5,
            Eta = (double?)_args["eta"] ?? 0,
            GuidanceRescale = rescale,
        };
        var prompts = new PromptStates(_known["prompt_embeds"], _known.GetValueOrDefault("pooled_prompt_embeds"));
        var states = prompts;
        if (options.Guidance > 1)
        {
            var negative = zeros
                ? new PromptStates(zeros_like(prompts.States), prompts.Pooled is null ? null : zeros_like(prompts.Pooled))
                : new PromptStates(_known["negative_prompt_embeds"], _known.GetValueOrDefault("negative_pooled_prompt_embeds"));
            states = PromptStates.Join([negative, prompts]);
        }
        var count = (int)states.States.size(0);
        AddedCondition? added = null;
        if (states.Pooled is { } pooled)
        {
            var sizes = folder.Tensor("in.time_ids", ScalarType.Float32);
            added = new(pooled, sizes.size(0) == 1 ? sizes.expand(count, -1) : sizes.repeat(count / sizes.size(0), 1));
        }
        using var run = scheduler.Start(options.Steps, options.Eta);
        using var conditions = model.UNet.Prepare(states.States, [.. Enumerable.Range(0, count)], run.Timesteps, added);
        List<Tensor> predictions = [],
            samples = [];
        var start = folder.Tensor("in.latents", ScalarType.Float32).mul(run.InitialNoiseScale);
        _known[prefix + "initial_latents"] = start.clone();
        _known[prefix + "timesteps"] = tensor(run.Timesteps.ToArray());
        _known[prefix + "sigmas"] = tensor(run.Sigmas.ToArray());
        _known[prefix + "alphas_cumprod"] = tensor(scheduler.AlphasCumprod.ToArray());
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
        _known[prefix + "noise_pred_cfg"] = stack(predictions);
        _known[prefix + "latents"] = stack(samples);
        predictions.Concat(samples).ToList().ForEach(t => t.Dispose());
        _known[prefix + "decoded"] = model.Vae.Decode(latents.mul(1 / model.Vae.Config.ScalingFactor));
        _known[prefix + "image01"] = model.Decode(latents);
        _known[prefix + "image_u8"] = _known[prefix + "image01"].mul(255).round().permute(0, 2, 3, 1).contiguous();
    }

    [GeneratedRegex(@"(?<number>\d+(\.\d+)?) for out\.(?<prefix>\w+)\.", RegexOptions.ExplicitCapture)]
    private static partial Regex NumberOfOutput();
}
