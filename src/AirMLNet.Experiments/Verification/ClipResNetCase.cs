using AirMLNet.Clip;
using AirMLNet.Weights;

namespace AirMLNet.Verification;

/// <summary>CLIP with a ResNet: features, maps, dense features at two sizes, and gradients.</summary>
internal sealed class ClipResNetCase : ICaseKind
{
    public string Name => "CLIP, ResNet";

    public string Form => "io.safetensors and weights*.safetensors with visual.layer1.*, with or without a configuration";

    public static bool IsResNet(CaseFolder folder)
    {
        if (folder.Weights.Count == 0)
        {
            return false;
        }
        using var file = SafetensorsFile.Open(folder.Weights[0]);
        return file.Entries.Keys.Any(n => n.StartsWith("visual.layer1.", StringComparison.Ordinal));
    }

    public bool Recognises(CaseFolder folder) => folder.HasIo && folder.Io.Entries.ContainsKey("in.pixel_values") && IsResNet(folder);

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        var weights = folder.Weights;
        foreach (var path in weights)
        {
            var label = weights.Count == 1 ? "" : $" [{Path.GetFileNameWithoutExtension(path)}]";
            using var files = WeightFiles.Open(path);
            using var model = ClipModel.Load(ClipConfig.Load(folder.Path), files, folder.Device);
            using var run = new ClipResNetRun(model, folder);
            rows.AddRange(folder.Expected("out.").Select(name => Comparison.Guarded("out." + name + label, () => run.Output(name, label))));
            rows.AddRange(
                folder.Expected("grad.").Select(name => Comparison.Guarded("grad." + name + label, () => run.Gradient(name, label)))
            );
        }
    }
}
