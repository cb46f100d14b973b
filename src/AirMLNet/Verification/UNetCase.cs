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

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Weights.Count > 0 && folder.ClassName == "UNet2DConditionModel";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        foreach (var (path, label) in folder.LabelledWeights)
        {
            using var files = WeightFiles.Open(path);
            using var model = UNet2DConditionModel.Load(UNet2DConditionConfig.Load(folder.File("config.json")), files, null);
            using var run = new UNetRun(model, folder);
            foreach (var name in folder.Expected("out."))
            {
                rows.Add(Comparison.Guarded("out." + name + label, () => run.Output(name, label)));
            }
            foreach (var name in folder.Expected("grad."))
            {
                rows.Add(Comparison.Guarded("grad." + name + label, () => run.Gradient(name, label)));
            }
        }
    }
}

/// <summary>One UNet on the inputs of one case.</summary>
internal sealed class UNetRun(UNet2DConditionModel model, CaseFolder folder) : IDisposable
{
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
        var (sample, times, text) = (Sample(), Times(), Text());
        Dictionary<string, Tensor> known = new(StringComparer.Ordinal);
        known["sample"] = model.Forward(sample, times, text, (stage, state) => known[stage] = state.clone().MoveToOuterDisposeScope());
        known["sample_swapped_timesteps"] = model.Forward(sample, times.flip(0), text);
        known["time_proj"] = model.ProjectTime(times);
        known["time_embedding"] = model.EmbedTime(times, ScalarType.Float32);
        if (folder.Io.Entries.ContainsKey("in.target_noise"))
        {
            known["loss"] = F.mse_loss(known["sample"], folder.Tensor("in.target_noise", ScalarType.Float32));
        }
        return known;
    }

    private Dictionary<string, Tensor> Backward()
    {
        var (sample, text) = (Sample().requires_grad_(true), Text().requires_grad_(true));
        F.mse_loss(model.Forward(sample, Times(), text), folder.Tensor("in.target_noise", ScalarType.Float32)).backward();
        Dictionary<string, Tensor> gradients = new(StringComparer.Ordinal) { ["in.sample"] = sample.grad!, ["in.encoder_hidden_states"] = text.grad! };
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.grad is { } gradient)
            {
                gradients[name] = gradient;
            }
        }
        return gradients;
    }

    private Tensor Sample() => folder.Tensor("in.sample", ScalarType.Float32);

    private Tensor Times() => folder.Tensor("in.timesteps", ScalarType.Int64);

    private Tensor Text() => folder.Tensor("in.encoder_hidden_states", ScalarType.Float32);
}
