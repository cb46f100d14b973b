using AirMLNet.Clip;
using AirMLNet.Weights;

namespace AirMLNet.Verification;

/// <summary>CLIP with a vision transformer: features, logits, hidden states, contrastive loss and gradients.</summary>
internal sealed class ClipVitCase : ICaseKind
{
    // Outputs under such a prefix were computed with the same weights and another activation.
    private static readonly (string Prefix, ClipActivation Activation)[] Variants =
    [
        ("gelu.", ClipActivation.Gelu),
        ("quick_gelu.", ClipActivation.QuickGelu),
    ];

    public string Name => "CLIP, vision transformer";

    public string Form => "io.safetensors and weights*.safetensors beside a config.json of model_type \"clip\" or an open_clip_config.json";

    public bool Recognises(CaseFolder folder)
    {
        if (!folder.HasIo || folder.Weights.Count == 0 || !folder.Expected("in.").Any(n => n is "pixel_values" or "input_ids"))
        {
            return false;
        }
        if (ClipResNetCase.IsResNet(folder))
        {
            return false;
        }
        if (folder.Has("config.json"))
        {
            return folder.ModelType is "clip"
                || (
                    folder.ModelType is null
                    && (
                        folder.Config.ContainsKey("vision_config")
                        || folder.Config.ContainsKey("vision_cfg")
                        || folder.Config.ContainsKey("model_cfg")
                    )
                );
        }
        return folder.Has("open_clip_config.json") || folder.Expected("out.").Any(n => n is "image_features" or "text_features");
    }

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        var weights = folder.Weights;
        foreach (var path in weights)
        {
            var label = weights.Count == 1 ? "" : $" [{Path.GetFileNameWithoutExtension(path)}]";
            using var files = WeightFiles.Open(path);
            var config = Configuration(folder, files);
            var outputs = folder.Expected("out.").Select(n => (Name: n, Variant: Variant(n))).ToList();
            foreach (var group in outputs.GroupBy(o => o.Variant).OrderBy(g => g.Key.Prefix, StringComparer.Ordinal))
            {
                using var model = ClipModel.Load(With(config, files, group.Key.Activation), files, folder.Device);
                using var run = new ClipVitRun(model, folder);
                foreach (var (name, variant) in group)
                {
                    rows.Add(Comparison.Guarded("out." + name + label, () => run.Output(name, name[variant.Prefix.Length..], label)));
                }
            }
            var gradients = folder.Expected("grad.").ToList();
            if (gradients.Count > 0)
            {
                using var model = ClipModel.Load(config, files, folder.Device);
                using var run = new ClipVitRun(model, folder);
                foreach (var name in gradients)
                {
                    rows.Add(Comparison.Guarded("grad." + name + label, () => run.Gradient(name, label)));
                }
            }
        }
    }

    // OpenCLIP's own names go with OpenCLIP's own configuration where there is one, so that both forms are put to the test.
    private static ClipConfig? Configuration(CaseFolder folder, WeightFiles files)
    {
        var openClip = folder.File("open_clip_config.json");
        return !ClipWeightNames.Detect(files).IsHuggingFace && File.Exists(openClip)
            ? ClipConfigFile.Read(openClip)
            : ClipConfig.Load(folder.Path);
    }

    private static (string Prefix, ClipActivation? Activation) Variant(string name)
    {
        foreach (var (prefix, activation) in Variants)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return (prefix, activation);
            }
        }
        return ("", null);
    }

    private static ClipConfig? With(ClipConfig? config, WeightFiles files, ClipActivation? activation)
    {
        if (activation is not { } a)
        {
            return config;
        }
        config ??= ClipShapes.Infer(files, ClipWeightNames.Detect(files));
        return config with
        {
            ActivationStated = true,
            Vision = config.Vision with { Activation = a },
            Text = config.Text with { Activation = a },
        };
    }
}
