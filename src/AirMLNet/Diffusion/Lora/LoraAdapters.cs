using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>The adapters of a LoRA file, by the diffusers names of the layers they are for. It owns them.</summary>
public sealed class LoraAdapters : IDisposable
{
    private const int Listed = 8;

    private LoraAdapters(Dictionary<string, LoraAdapter> unet, Dictionary<string, LoraAdapter> textEncoder) => (UNet, TextEncoder) = (unet, textEncoder);

    /// <summary>The UNet's.</summary>
    public IReadOnlyDictionary<string, LoraAdapter> UNet { get; }

    /// <summary>The text encoder's; often none.</summary>
    public IReadOnlyDictionary<string, LoraAdapter> TextEncoder { get; }

    /// <summary>
    /// Reads a file in the naming of diffusers and PEFT, of diffusers of 2023 (also with attention processors) or of kohya.
    /// α comes from the file, else from <c>adapter_config.json</c> beside it, else it is the rank.
    /// </summary>
    /// <param name="path">The safetensors file, such as <c>pytorch_lora_weights.safetensors</c>.</param>
    /// <param name="unet">The model the file is for.</param>
    /// <param name="textEncoder">Its text encoder; null refuses a file with adapters for one.</param>
    /// <returns>The adapters in float32 on the model's device, not yet attached.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is none of these, or does not fit the model; the message names the tensors.</exception>
    public static LoraAdapters Load(string path, UNet2DConditionModel unet, ClipTextModel? textEncoder = null)
    {
        ArgumentNullException.ThrowIfNull(unet);
        using var files = WeightFiles.Open(path);
        var standard = ConfiguredAlpha(path);
        HashSet<string> used = new(StringComparer.Ordinal);
        Dictionary<string, LoraAdapter> forUNet = new(StringComparer.Ordinal), forText = new(StringComparer.Ordinal);
        var result = new LoraAdapters(forUNet, forText);
        try
        {
            Read(files, unet.LinearLayers, LoraNames.OfUNet, standard, forUNet, used);
            if (textEncoder is not null)
            {
                Read(files, ModelWeights.LinearLayers(textEncoder), LoraNames.OfTextEncoder, standard, forText, used);
            }
            var extra = files.Names.Where(n => !used.Contains(n)).Order(StringComparer.Ordinal).ToList();
            if (extra.Count > 0 || used.Count == 0)
            {
                throw new InvalidDataException(used.Count == 0
                    ? $"{path} holds no LoRA for this model: none of its {files.Names.Count} tensors is named after a layer of it{Shown(extra)}."
                    : $"{path} does not fit the model: {extra.Count} tensors are for no layer of it{Shown(extra)}.");
            }
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>Makes the layers of a model use the adapters.</summary>
    /// <param name="unet">The model.</param>
    /// <param name="textEncoder">Its text encoder, where adapters are for it.</param>
    public void Attach(UNet2DConditionModel unet, ClipTextModel? textEncoder = null)
    {
        ArgumentNullException.ThrowIfNull(unet);
        Attach(unet.LinearLayers, UNet);
        if (textEncoder is not null)
        {
            Attach(ModelWeights.LinearLayers(textEncoder), TextEncoder);
        }
    }

    /// <summary>Makes the layers of a model work without the adapters again.</summary>
    public void Detach(UNet2DConditionModel unet, ClipTextModel? textEncoder = null)
    {
        ArgumentNullException.ThrowIfNull(unet);
        Detach(unet.LinearLayers, UNet);
        if (textEncoder is not null)
        {
            Detach(ModelWeights.LinearLayers(textEncoder), TextEncoder);
        }
    }

    /// <summary>Frees the adapters; models must not use them any more.</summary>
    public void Dispose()
    {
        foreach (var adapter in UNet.Values.Concat(TextEncoder.Values))
        {
            adapter.Dispose();
        }
    }

    private static void Read(
        WeightFiles files, IReadOnlyDictionary<string, LinearLayer> layers, Func<string, IEnumerable<LoraKeys>> names, double? standard, Dictionary<string, LoraAdapter> found, HashSet<string> used)
    {
        using var off = no_grad();
        foreach (var (name, layer) in layers)
        {
            foreach (var keys in names(name).Where(k => files.Contains(k.Down) || files.Contains(k.Up)))
            {
                if (!files.Contains(keys.Down) || !files.Contains(keys.Up))
                {
                    throw new InvalidDataException($"{files.Description}: \"{(files.Contains(keys.Down) ? keys.Up : keys.Down)}\" is missing.");
                }
                used.UnionWith([keys.Down, keys.Up]);
                using var scope = NewDisposeScope();
                var (down, up) = (Matrix(files, keys.Down), Matrix(files, keys.Up));
                if (down.size(1) != layer.Inputs || up.size(0) != layer.Outputs || up.size(1) != down.size(0))
                {
                    throw new InvalidDataException(
                        $"{files.Description}: \"{keys.Down}\" is [{string.Join(", ", down.shape)}] and \"{keys.Up}\" [{string.Join(", ", up.shape)}]; [r, {layer.Inputs}] and [{layer.Outputs}, r] were expected.");
                }
                var rank = down.size(0);
                var alpha = standard ?? rank;
                if (files.Contains(keys.Alpha))
                {
                    used.Add(keys.Alpha);
                    alpha = files.Get(keys.Alpha).item<float>();
                }
                if (found.ContainsKey(name))
                {
                    throw new InvalidDataException($"{files.Description}: the layer {name} has two adapters.");
                }
                found[name] = new LoraAdapter(Own(down), Own(up), alpha / rank);

                Parameter Own(Tensor matrix)
                {
                    var parameter = new Parameter(matrix.to(layer.weight.device));
                    parameter.DetachFromDisposeScope();
                    return parameter;
                }
            }
        }
    }

    // What adapts a 1×1 convolution is stored as such.
    private static Tensor Matrix(WeightFiles files, string name)
    {
        var shape = files.Shape(name);
        return shape.Length == 2 || (shape.Length == 4 && shape[2] == 1 && shape[3] == 1)
            ? files.Get(name).view(shape[0], shape[1])
            : throw new InvalidDataException($"{files.Description}: \"{name}\" is [{string.Join(", ", shape)}]; a matrix was expected.");
    }

    private static double? ConfiguredAlpha(string path)
    {
        var config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "adapter_config.json");
        // It belongs to PEFT's own file; other files may lie in the same folder.
        return Path.GetFileName(path) == "adapter_model.safetensors" && File.Exists(config) && ConfigJson.Open(config) is var json && json.Has("lora_alpha")
            ? json.Number("lora_alpha", 0)
            : null;
    }

    private static void Attach(IReadOnlyDictionary<string, LinearLayer> layers, IReadOnlyDictionary<string, LoraAdapter> adapters)
    {
        foreach (var (name, adapter) in adapters)
        {
            layers[name].Adapter = adapter;
        }
    }

    private static void Detach(IReadOnlyDictionary<string, LinearLayer> layers, IReadOnlyDictionary<string, LoraAdapter> adapters)
    {
        foreach (var (name, adapter) in adapters)
        {
            if (ReferenceEquals(layers[name].Adapter, adapter))
            {
                layers[name].Adapter = null;
            }
        }
    }

    private static string Shown(List<string> names) => names.Count == 0 ? "" : string.Create(
        CultureInfo.InvariantCulture, $" ({string.Join(", ", names.Take(Listed))}{(names.Count > Listed ? ", …" : "")})");
}
