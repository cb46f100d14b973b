using AirMLNet.Clip;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>The text encoder of a diffusion model: all tokens' states, also of the last block but one.</summary>
internal sealed class TextEncoderCase : ICaseKind
{
    // Hidden states are kept of one row, to keep cases small.
    private const long HiddenRow = 1;

    public string Name => "CLIP text encoder";

    public string Form => "io.safetensors and weights*.safetensors beside a config.json of model_type \"clip_text_model\"";

    public bool Recognises(CaseFolder folder) => folder.HasIo && folder.Weights.Count > 0 && folder.ModelType == "clip_text_model";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        foreach (var (path, label) in folder.LabelledWeights)
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            using var files = WeightFiles.Open(path);
            using var model = ClipTextModel.Load(ClipConfigFile.ReadText(folder.File("config.json")), files, folder.Device);
            Dictionary<string, Tensor>? known = null;
            foreach (var name in folder.Expected("out."))
            {
                rows.Add(
                    Comparison.Guarded(
                        "out." + name + label,
                        () =>
                        {
                            known ??= Outputs(model, folder.Tensor("in.input_ids", ScalarType.Int64));
                            if (!known.TryGetValue(name, out var got))
                            {
                                return Comparison.Failed("out." + name + label, "this output is not known");
                            }
                            var want = folder.Tensor("out." + name, ScalarType.Float32);
                            if (want.dim() < got.dim())
                            {
                                got = got.select(0, Math.Min(HiddenRow, got.size(0) - 1));
                            }
                            else if (want.size(0) == 1 && got.size(0) > 1)
                            {
                                got = got.narrow(0, HiddenRow, 1);
                            }
                            return Comparison.Output("out." + name + label, got, want, folder.Tolerance);
                        }
                    )
                );
            }
        }
    }

    private static Dictionary<string, Tensor> Outputs(ClipTextModel model, Tensor ids)
    {
        var states = model.Tower.HiddenStates(ids);
        Dictionary<string, Tensor> known = new(StringComparer.Ordinal)
        {
            ["last_hidden_state"] = model.Encode(ids), // the way of a generation, not the one that keeps all states
            ["pooler_output"] = states.Pooled,
            ["penultimate"] = states.States[^2],
            ["penultimate_final_layer_norm"] = model.Tower.FinalNorm.Forward(states.States[^2]),
        };
        for (var i = 0; i < states.States.Count; i++)
        {
            known[$"hidden_states.{i}"] = states.States[i];
        }
        return known;
    }
}
