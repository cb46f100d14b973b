using System.Text.Json.Nodes;
using AirMLNet.Diffusion;
using AirMLNet.Weights;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Verification;

/// <summary>The UNet of a diffusion model: noise prediction, states after each stage, loss and gradients.</summary>
internal sealed class UNetCase : ICaseKind
{
    public string Name => "diffusion UNet";

    public string Form => "io.safetensors and weights*.safetensors beside a config.json of _class_name \"UNet2DConditionModel\"";

    public bool Recognises(CaseFolder folder) => folder.HasIo && folder.Weights.Count > 0 && folder.ClassName == "UNet2DConditionModel";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        foreach (var (path, label) in folder.LabelledWeights)
        {
            using var files = WeightFiles.Open(path);
            using var model = UNet2DConditionModel.Load(UNet2DConditionConfig.Load(folder.File("config.json")), files, folder.Device);
            using var run = new UNetRun(model, folder);
            foreach (var name in folder.Expected("out.").Where(n => !IsLora(n)))
            {
                rows.Add(Comparison.Guarded("out." + name + label, () => run.Output(name, label)));
            }
            foreach (var name in folder.Expected("grad.").Where(n => !IsLora(n)))
            {
                rows.Add(Comparison.Guarded("grad." + name + label, () => run.Gradient(name, label)));
            }
            RunLora(folder, model, label, rows);
        }
    }

    // The same numbers in several namings: each file must give the outputs, and be trainable.
    private static void RunLora(CaseFolder folder, UNet2DConditionModel model, string label, List<VerificationRow> rows)
    {
        var outputs = folder.Expected("out.").Where(IsLora).ToList();
        var gradients = folder.Expected("grad.").Where(IsLora).ToList();
        string[] files = Directory.Exists(folder.File("lora"))
            ? [.. Directory.GetFiles(folder.File("lora"), "*.safetensors").Order(StringComparer.Ordinal)]
            : [];
        if (files.Length == 0)
        {
            rows.AddRange(outputs.Select(o => Comparison.Failed("out." + o + label, "the case has no lora folder with files")));
        }
        foreach (var file in files)
        {
            using var scope = NewDisposeScope();
            var place = $"{label} [{Path.GetFileNameWithoutExtension(file)}]";
            LoraAdapters? adapters = null;
            UNetRun? run = null;
            UNetRun Run()
            {
                if (run is null)
                {
                    adapters = LoraAdapters.Load(file, model, standard: Standard(folder));
                    adapters.Attach(model);
                    run = new UNetRun(model, folder, adapters);
                }
                return run;
            }
            foreach (var name in outputs)
            {
                rows.Add(Comparison.Guarded("out." + name + place, () => Run().Output(name, place)));
            }
            foreach (var name in gradients)
            {
                rows.Add(Comparison.Guarded("grad." + name + place, () => Run().Gradient(name, place)));
            }
            adapters?.Detach(model);
            run?.Dispose();
            adapters?.Dispose();
        }
    }

    // What a case says of its LoRA holds for all of its files, also for those whose naming has no place for it.
    private static PeftConfig? Standard(CaseFolder folder) =>
        folder.Has("lora/adapter_config.json") ? PeftConfig.Read(folder.File("lora/adapter_config.json"))
        : folder.Case["lora"] is JsonObject { } said && said["alpha"] is not null ? new() { LoraAlpha = (double)said["alpha"]! }
        : null;

    private static bool IsLora(string name) => name.StartsWith(UNetRun.LoraPrefix, StringComparison.Ordinal);
}

/// <summary>One UNet on the inputs of one case, with or without adapters.</summary>
internal sealed class UNetRun(UNet2DConditionModel model, CaseFolder folder, LoraAdapters? adapters = null) : IDisposable
{
    /// <summary>Before the names of what is expected with adapters.</summary>
    public const string LoraPrefix = "lora.";

    private readonly DisposeScope _scope = NewDisposeScope();
    private Dictionary<string, Tensor>? _outputs;
    private Dictionary<string, Tensor>? _gradients;

    public VerificationRow Output(string name, string label)
    {
        _outputs ??= Forward();
        return _outputs.TryGetValue(name, out var got)
            ? Comparison.Output("out." + name + label, got, folder.Tensor("out." + name, ScalarType.Float32), folder.Tolerance)
            : Comparison.Failed("out." + name + label, "this output is not known");
    }

    public VerificationRow Gradient(string name, string label)
    {
        _gradients ??= Backward();
        return _gradients.TryGetValue(name, out var got)
            ? Comparison.Gradient("grad." + name + label, got, folder.Tensor("grad." + name, ScalarType.Float32))
            : Comparison.Failed("grad." + name + label, "the model has no such parameter or input");
    }

    public void Dispose() => _scope.Dispose();

    private Dictionary<string, Tensor> Forward()
    {
        using var off = no_grad();
        var (sample, times, text, added) = (Sample(), Times(), Text(), Added());
        Dictionary<string, Tensor> known = new(StringComparer.Ordinal);
        known["sample"] = model.Forward(
            sample,
            times,
            text,
            added,
            (stage, state) => known[stage] = state.clone().DetachFromDisposeScope()
        );
        foreach (var state in known.Where(k => k.Key != "sample").Select(k => k.Value))
        {
            _scope.Attach(state);
        }
        known["sample_swapped_timesteps"] = model.Forward(sample, times.flip(0), text, added);
        known["time_proj"] = model.ProjectTime(times);
        known["time_embedding"] = model.EmbedTime(times, ScalarType.Float32);
        if (added is not null)
        {
            known["add_time_proj"] = model.ProjectAdded(added.TimeIds);
            known["add_embedding_input"] = model.AddedInput(added, ScalarType.Float32);
            known["add_embedding"] = model.EmbedAdded(added, ScalarType.Float32);
            known["sample_swapped_time_ids"] = model.Forward(sample, times, text, added with { TimeIds = added.TimeIds.flip(0) });
            known["sample_swapped_text_embeds"] = model.Forward(sample, times, text, added with { Pooled = added.Pooled.flip(0) });
        }
        if (Target() is { } target)
        {
            known["loss"] = F.mse_loss(known["sample"], target);
        }
        if (Has("clean_latents"))
        {
            known["target_velocity"] = Velocity();
        }
        return adapters is null ? known : known.ToDictionary(k => LoraPrefix + k.Key, k => k.Value, StringComparer.Ordinal);
    }

    private Dictionary<string, Tensor> Backward()
    {
        var (sample, text) = (Sample().requires_grad_(true), Text().requires_grad_(true));
        var added = Added();
        if (added is not null)
        {
            added = new(added.Pooled.requires_grad_(true), added.TimeIds.requires_grad_(true));
        }
        var target = Target() ?? throw new InvalidDataException("io.safetensors has neither in.target_noise nor in.clean_latents");
        F.mse_loss(model.Forward(sample, Times(), text, added), target).backward();
        Dictionary<string, Tensor> gradients = new(StringComparer.Ordinal)
        {
            ["in.sample"] = sample.grad!,
            ["in.encoder_hidden_states"] = text.grad!,
        };
        if (added is not null)
        {
            gradients["in.text_embeds"] = added.Pooled.grad!;
            gradients["in.time_ids"] = added.TimeIds.grad!;
        }
        foreach (var (name, adapter) in adapters?.UNet ?? new Dictionary<string, Layers.LoraAdapter>())
        {
            gradients[$"{LoraPrefix}{name}.lora_A.weight"] = adapter.Down.grad!;
            gradients[$"{LoraPrefix}{name}.lora_B.weight"] = adapter.Up.grad!;
        }
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.grad is { } gradient)
            {
                gradients[name] = gradient;
            }
        }
        return gradients;
    }

    private bool Has(string input) => folder.Io.Entries.ContainsKey("in." + input);

    private AddedCondition? Added() =>
        Has("time_ids") ? new(folder.Tensor("in.text_embeds", ScalarType.Float32), folder.Tensor("in.time_ids", ScalarType.Float32)) : null;

    // The noise, or the velocity where the case has what it is made of.
    private Tensor? Target() =>
        Has("target_noise") ? folder.Tensor("in.target_noise", ScalarType.Float32)
        : Has("clean_latents") ? Velocity()
        : null;

    // The case's schedule, which is that of all Stable Diffusion models.
    private Tensor Velocity() =>
        NoiseScheduler
            .Create(new() { Kind = SchedulerKind.Ddpm, PredictionType = "v_prediction" })
            .Velocity(
                folder.Tensor("in.clean_latents", ScalarType.Float32),
                folder.Tensor("in.noise", ScalarType.Float32),
                folder.Tensor("in.timesteps", ScalarType.Int64)
            );

    private Tensor Sample() => folder.Tensor("in.sample", ScalarType.Float32);

    // Times may lie between whole numbers.
    private Tensor Times() => folder.Tensor("in.timesteps", ScalarType.Float64);

    private Tensor Text() => folder.Tensor("in.encoder_hidden_states", ScalarType.Float32);
}
