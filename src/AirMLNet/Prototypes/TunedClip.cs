using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.Prototypes;

/// <summary>A fine-tuned CLIP as a model folder.</summary>
internal static class TunedClip
{
    /// <summary>Writes weights and configuration, and beside them the tokenizer and preprocessing of the model that it was.</summary>
    /// <param name="model">The tuned model.</param>
    /// <param name="original">The folder it was loaded from.</param>
    /// <param name="folder">Where it goes.</param>
    /// <param name="precision">Numbers of the weights.</param>
    public static void Write(ClipModel model, string original, string folder, ClipPrecision precision)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        foreach (var file in Directory.EnumerateFiles(original, "*", SearchOption.AllDirectories).Where(IsNoWeight))
        {
            var to = Path.Combine(folder, Path.GetRelativePath(original, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to, overwrite: true);
        }

        model.Save(folder, precision == ClipPrecision.Float32 ? ScalarType.Float32 : ScalarType.BFloat16);
    }

    public static ClipExecution Execution(LatteClipOptions options) =>
        new() { Activation = options.Activation, Precision = options.Precision };

    /// <summary>Copies a folder.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }

    // Tokenizer and preprocessing files. An OpenCLIP configuration would be taken for the tuned weights' and has other names.
    private static bool IsNoWeight(string file) =>
        Path.GetExtension(file) is ".json" or ".txt" or ".gz"
        && Path.GetFileName(file) is not ("config.json" or "open_clip_config.json" or "model.safetensors.index.json");
}
