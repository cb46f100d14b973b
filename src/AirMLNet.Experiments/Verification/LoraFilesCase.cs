using AirMLNet.Clip;
using AirMLNet.Diffusion;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Verification;

/// <summary>LoRA files of many makers on one small UNet and text encoder: outputs with each file, with half of it, and gradients.</summary>
internal sealed class LoraFilesCase : ICaseKind
{
    private const double Half = 0.5;

    public string Name => "LoRA files";

    public string Form => "io.safetensors and lora/*.safetensors beside the folders unet and text_encoder";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Has("unet/config.json") && folder.Has("text_encoder/config.json") && Directory.Exists(folder.File("lora"));

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var unet = UNet2DConditionModel.Load(folder.File("unet"), folder.Device);
        using var text = ClipTextModel.Load(folder.File("text_encoder"), folder.Device);
        string[] outputs = [.. folder.Expected("out.")];
        string[] gradients = [.. folder.Expected("grad.")];
        HashSet<string> covered = new(StringComparer.Ordinal);
        Compare("base", "base", null, "");
        foreach (var path in Directory.GetFiles(folder.File("lora"), "*.safetensors").Order(StringComparer.Ordinal))
        {
            var file = Path.GetFileNameWithoutExtension(path);
            // A file without outputs of its own has those that case.json says in words.
            var named = outputs.Any(o => o.StartsWith(file + ".", StringComparison.Ordinal)) ? file : Same(folder, file);
            if (named is null)
            {
                rows.Add(Comparison.Failed(file, "case.json does not say which outputs this file has"));
                continue;
            }
            Compare(named, file, path, named == file ? "" : $" [{file}]");
        }
        rows.AddRange(
            outputs
                .Select(o => "out." + o)
                .Concat(gradients.Select(g => "grad." + g))
                .Where(o => !covered.Contains(o))
                .Select(o => Comparison.Failed(o, "there is no file with this output"))
        );

        void Compare(string named, string file, string? path, string label)
        {
            foreach (var multiplier in new[] { 1, Half })
            {
                using var scope = NewDisposeScope();
                LoraFileRun? run = null;
                var part = multiplier == 1 ? named + "." : named + ".half.";
                foreach (
                    var name in outputs.Where(o =>
                        o.StartsWith(part, StringComparison.Ordinal)
                        && o.StartsWith(named + ".half.", StringComparison.Ordinal) == (multiplier != 1)
                    )
                )
                {
                    covered.Add("out." + name);
                    rows.Add(
                        Comparison.Guarded(
                            "out." + name + label,
                            () =>
                                (run ??= new LoraFileRun(folder, unet, text, path, multiplier)).Output(name[part.Length..]) is { } got
                                    ? Comparison.Output(
                                        "out." + name + label,
                                        got,
                                        folder.Tensor("out." + name, ScalarType.Float32),
                                        folder.Tolerance
                                    )
                                    : Comparison.Failed("out." + name + label, "this output is not known")
                        )
                    );
                }
                foreach (var name in gradients.Where(g => multiplier == 1 && g.StartsWith(file + ".", StringComparison.Ordinal)))
                {
                    covered.Add("grad." + name);
                    rows.Add(
                        Comparison.Guarded(
                            "grad." + name,
                            () =>
                            {
                                var want = folder.Tensor("grad." + name, ScalarType.Float32);
                                run ??= new LoraFileRun(folder, unet, text, path, multiplier);
                                return run.Gradient(name[(file.Length + 1)..]) is { } got
                                    ? Comparison.Gradient("grad." + name, got.view(want.shape), want)
                                    : Comparison.Failed("grad." + name, "the file has no such tensor, or no layer takes it");
                            }
                        )
                    );
                }
                run?.Dispose();
            }
        }
    }

    private static string? Same(CaseFolder folder, string file)
    {
        var said = folder.Case["files"]?[$"lora/{file}.safetensors"]?.ToString() ?? "";
        var at = said.LastIndexOf("outputs as ", StringComparison.Ordinal);
        return at < 0 ? null : new string([.. said[(at + "outputs as ".Length)..].TakeWhile(c => char.IsLetterOrDigit(c) || c == '_')]);
    }
}

/// <summary>The models with one file, on the inputs of the case.</summary>
internal sealed class LoraFileRun : IDisposable
{
    private readonly CaseFolder _folder;
    private readonly UNet2DConditionModel _unet;
    private readonly ClipTextModel _text;
    private readonly LoraAdapters? _adapters;
    private Dictionary<string, Tensor>? _gradients;

    /// <param name="folder">The case.</param>
    /// <param name="unet">The model.</param>
    /// <param name="text">Its text encoder.</param>
    /// <param name="path">The LoRA file; null for none.</param>
    /// <param name="multiplier">By what it is multiplied.</param>
    public LoraFileRun(CaseFolder folder, UNet2DConditionModel unet, ClipTextModel text, string? path, double multiplier)
    {
        (_folder, _unet, _text) = (folder, unet, text);
        if (path is not null)
        {
            _adapters = LoraAdapters.Load(path, unet, text, multiplier: multiplier);
            _adapters.Attach(unet, text);
        }
    }

    public Tensor? Output(string name)
    {
        using var off = no_grad();
        return name switch
        {
            "sample" => Predict(Input("encoder_hidden_states")),
            "text.last_hidden_state" => Text(),
            "joint.sample" => Predict(Text()),
            "loss" => F.mse_loss(Predict(Input("encoder_hidden_states")), Input("target_noise")),
            _ => null,
        };
    }

    /// <summary>The loss's gradient by a tensor of the file; null where it is none of the UNet's.</summary>
    public Tensor? Gradient(string tensor)
    {
        if (_adapters is null)
        {
            return null;
        }
        if (_gradients is null)
        {
            F.mse_loss(Predict(Input("encoder_hidden_states")), Input("target_noise")).backward();
            _gradients = new(StringComparer.Ordinal);
            var names = LoraNames.OfUNet(_unet.Config);
            foreach (var (layer, adapter) in _adapters.UNet)
            {
                foreach (var keys in names.Of(layer))
                {
                    _gradients[keys.Down] = adapter.Down.grad!;
                    _gradients[keys.Up] = adapter.Up.grad!;
                }
            }
        }
        return _gradients.GetValueOrDefault(tensor);
    }

    public void Dispose()
    {
        _adapters?.Detach(_unet, _text);
        _adapters?.Dispose();
    }

    private Tensor Predict(Tensor states) => _unet.Forward(Input("sample"), Input("timesteps"), states);

    private Tensor Text() => _text.Encode(_folder.Tensor("in.input_ids", ScalarType.Int64));

    private Tensor Input(string name) => _folder.Tensor("in." + name, ScalarType.Float32);
}
