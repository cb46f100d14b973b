using AirMLNet.Diffusion;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>The autoencoder of a diffusion model: moments, sample, divergence and decoded image.</summary>
internal sealed class VaeCase : ICaseKind
{
    public string Name => "diffusion VAE";

    public string Form => "io.safetensors and weights*.safetensors beside a config.json of _class_name \"AutoencoderKL\"";

    public bool Recognises(CaseFolder folder) => folder.HasIo && folder.Weights.Count > 0 && folder.ClassName == "AutoencoderKL";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        foreach (var (path, label) in folder.LabelledWeights)
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            using var files = WeightFiles.Open(path);
            using var model = AutoencoderKL.Load(AutoencoderKLConfig.Load(folder.File("config.json")), files, folder.Device);
            Dictionary<string, Tensor>? known = null;
            foreach (var name in folder.Expected("out."))
            {
                rows.Add(
                    Comparison.Guarded(
                        "out." + name + label,
                        () =>
                        {
                            known ??= Outputs(model, folder);
                            return known.TryGetValue(name, out var got)
                                ? Comparison.Output(
                                    "out." + name + label,
                                    got,
                                    folder.Tensor("out." + name, ScalarType.Float32),
                                    folder.Tolerance
                                )
                                : Comparison.Failed("out." + name + label, "this output is not known");
                        }
                    )
                );
            }
        }
    }

    private static Dictionary<string, Tensor> Outputs(AutoencoderKL model, CaseFolder folder)
    {
        Dictionary<string, Tensor> known = new(StringComparer.Ordinal);
        var image = new[] { "in.image", "in.pixel_values", "in.images", "in.sample" }.FirstOrDefault(folder.Io.Entries.ContainsKey);
        if (image is not null)
        {
            var latents = model.Encode(folder.Tensor(image, ScalarType.Float32));
            known["moments"] = latents.Moments;
            known["mean"] = latents.Mean;
            known["logvar"] = latents.LogVariance;
            known["std"] = latents.Deviation();
            known["reconstruction_from_mean"] = model.Decode(latents.Mean);
            known["kl"] = latents.Divergence();
            if (folder.Io.Entries.ContainsKey("in.noise"))
            {
                known["sample"] = latents.Sample(folder.Tensor("in.noise", ScalarType.Float32));
                known["sample_scaled"] = known["sample"].mul(model.Config.ScalingFactor);
            }
        }
        if (folder.Io.Entries.ContainsKey("in.latents"))
        {
            known["decoded"] = model.Decode(folder.Tensor("in.latents", ScalarType.Float32));
            known["image01"] = known["decoded"].mul(0.5).add(0.5).clamp(0, 1);
        }
        return known;
    }
}
