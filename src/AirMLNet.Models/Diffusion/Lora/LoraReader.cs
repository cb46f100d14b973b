using System.Globalization;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// Reads the adapters of a file. Their scale is α/r, with α from the layer's own tensor; else from <c>lora_adapter_metadata</c> in the
/// header (diffusers) or from <c>adapter_config.json</c> beside the file (PEFT), which know patterns of layers and α/√r; else 1.
/// </summary>
internal sealed class LoraReader : IDisposable
{
    private const int Listed = 8;
    private const string Metadata = "lora_adapter_metadata";

    private readonly string _path;
    private readonly double _multiplier;
    private readonly WeightFiles _files;
    private readonly PeftConfig? _beside;
    private readonly string? _header;
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <param name="path">The safetensors file.</param>
    /// <param name="multiplier">By what the user multiplies every update.</param>
    /// <param name="standard">Settings for a file that says nothing of them.</param>
    public LoraReader(string path, double multiplier, PeftConfig? standard = null)
    {
        (_path, _multiplier) = (path, multiplier);
        _files = WeightFiles.Open(path);
        try
        {
            _header = _files.Metadata.GetValueOrDefault(Metadata);
            _beside = Beside(path) ?? standard;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Dispose() => _files.Dispose();

    /// <summary>Reads the adapters of a component's layers.</summary>
    /// <param name="component">Its name: <c>unet</c>, <c>text_encoder</c> or <c>text_encoder_2</c>.</param>
    /// <param name="layers">Its layers.</param>
    /// <param name="names">Their names in files.</param>
    /// <param name="found">Receives the adapters.</param>
    /// <exception cref="InvalidDataException">A matrix is missing or has another shape.</exception>
    public void Read(
        string component,
        IReadOnlyDictionary<string, ILoraLayer> layers,
        LoraNames names,
        Dictionary<string, LoraAdapter> found
    )
    {
        using var off = no_grad();
        var settings = (_header is null ? null : PeftConfig.OfMetadata(_path, _header, component)) ?? _beside;
        foreach (var (name, layer) in layers)
        {
            foreach (var keys in names.Of(name).Where(k => _files.Contains(k.Down) || _files.Contains(k.Up)).Distinct())
            {
                if (found.ContainsKey(name))
                {
                    throw new InvalidDataException($"{_files.Description}: the layer {name} has two adapters.");
                }
                found[name] = Adapter(name, layer, keys, settings);
            }
        }
    }

    /// <summary>Refuses a file of which something was not used.</summary>
    /// <exception cref="InvalidDataException">Something was not; the message names it and says why.</exception>
    public void CheckAllUsed()
    {
        var extra = Unused();
        RefuseKnown(extra);
        if (extra.Count > 0 || _used.Count == 0)
        {
            throw new InvalidDataException(
                _used.Count == 0
                    ? $"{_path} holds no LoRA for this model: none of its {_files.Names.Count} tensors is named after a layer of "
                        + $"it{Shown(extra)}."
                    : $"{_path} does not fit the model: {extra.Count} tensors are for no layer of it{Shown(extra)}."
            );
        }
    }

    private List<string> Unused() => [.. _files.Names.Where(n => !_used.Contains(n)).Order(StringComparer.Ordinal)];

    private void RefuseKnown(IReadOnlyList<string> unused)
    {
        if (LoraRefusals.Reason(unused) is { } reason)
        {
            throw new InvalidDataException($"{_path}: {reason}");
        }
    }

    private LoraAdapter Adapter(string name, ILoraLayer layer, LoraKeys keys, PeftConfig? settings)
    {
        if (!_files.Contains(keys.Down) || !_files.Contains(keys.Up))
        {
            throw new InvalidDataException($"{_files.Description}: \"{(_files.Contains(keys.Down) ? keys.Up : keys.Down)}\" is missing.");
        }
        _used.UnionWith([keys.Down, keys.Up]);
        using var scope = NewDisposeScope();
        var weight = layer.Weight.shape;
        var (shapeDown, shapeUp) = (_files.Shape(keys.Down), _files.Shape(keys.Up));
        // What adapts a 1×1 convolution is stored as one, whether the layer is a matrix here or not.
        long[] kernel = weight.Length == 4 ? [weight[2], weight[3]] : [1, 1];
        long[] core = weight.Length == 4 && weight[2] * weight[3] > 1 ? [weight[1], .. kernel] : [weight[1]];
        if (
            shapeDown.Length is not (2 or 4)
            || shapeUp.Length is not (2 or 4)
            || !Core(shapeDown).SequenceEqual(core)
            || shapeDown[0] == 0
            || shapeUp[0] != weight[0]
            || shapeUp[1] != shapeDown[0]
            || shapeUp.Skip(2).Any(d => d != 1)
        )
        {
            RefuseKnown(Unused());
            throw new InvalidDataException(
                $"{_files.Description}: \"{keys.Down}\" is [{string.Join(", ", shapeDown)}] and \"{keys.Up}\" "
                    + $"[{string.Join(", ", shapeUp)}]; [r, {string.Join(", ", core)}] and [{weight[0]}, r] were expected."
            );
        }
        var rank = shapeDown[0];
        // A layer that is a matrix here takes a matrix, a convolution one with its kernel.
        var matrix = layer is LinearLayer;
        var down = _files.Get(keys.Down).view(matrix ? [rank, weight[1]] : [rank, weight[1], .. kernel]);
        var up = _files.Get(keys.Up).view(weight[0], rank);
        return new LoraAdapter(Own(down), Own(up), _multiplier * Scale(name, keys, settings, rank));

        Parameter Own(Tensor part)
        {
            var parameter = new Parameter(part.to(layer.Weight.device));
            parameter.DetachFromDisposeScope();
            return parameter;
        }
    }

    private double Scale(string name, LoraKeys keys, PeftConfig? settings, long rank)
    {
        if (!_files.Contains(keys.Alpha))
        {
            return settings?.Scale(_path, name, rank) ?? 1;
        }
        _used.Add(keys.Alpha);
        var value = _files.Get(keys.Alpha);
        if (value.numel() != 1 || !double.IsFinite(value.item<float>()))
        {
            throw new InvalidDataException($"{_files.Description}: \"{keys.Alpha}\" is no single number.");
        }
        var alpha = value.item<float>();
        return alpha == 0 ? 1 : (double)alpha / rank; // kohya's 0 stands for the rank
    }

    private static IEnumerable<long> Core(long[] shape) => shape.Length == 4 && shape[2] == 1 && shape[3] == 1 ? shape[1..2] : shape[1..];

    private static PeftConfig? Beside(string path)
    {
        var config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "adapter_config.json");
        // It belongs to PEFT's own file; other files may lie in the same folder.
        return Path.GetFileName(path) == "adapter_model.safetensors" && File.Exists(config) ? PeftConfig.Read(config) : null;
    }

    private static string Shown(List<string> names) =>
        names.Count == 0
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $" ({string.Join(", ", names.Take(Listed))}{(names.Count > Listed ? ", …" : "")})"
            );
}
