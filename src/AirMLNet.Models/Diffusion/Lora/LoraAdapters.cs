using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>LoRA for a diffusion model: adapters by the diffusers names of the layers they are for. It owns them.</summary>
internal sealed class LoraAdapters : IDisposable
{
    private const int Listed = 8;
    private const string DownSuffix = ".lora_A.weight",
        UpSuffix = ".lora_B.weight";

    private readonly List<(ILoraLayer Layer, Tensor Original)> _merged = [];

    private LoraAdapters(
        Dictionary<string, LoraAdapter> unet,
        Dictionary<string, LoraAdapter> textEncoder,
        Dictionary<string, LoraAdapter> textEncoder2
    ) => (UNet, TextEncoder, TextEncoder2) = (unet, textEncoder, textEncoder2);

    /// <summary>The UNet's.</summary>
    public IReadOnlyDictionary<string, LoraAdapter> UNet { get; }

    /// <summary>The text encoder's; often none.</summary>
    public IReadOnlyDictionary<string, LoraAdapter> TextEncoder { get; }

    /// <summary>Those of the second text encoder of Stable Diffusion XL; often none.</summary>
    public IReadOnlyDictionary<string, LoraAdapter> TextEncoder2 { get; }

    /// <summary>
    /// Reads a file in the naming of diffusers and PEFT, of diffusers of 2023 (also with attention processors) or of kohya, also with
    /// convolutions (LoCon). The scale of each layer is α/r, with α from the layer's own tensor, else from the settings in the file's
    /// header or in <c>adapter_config.json</c> beside it (with patterns of layers, and α/√r), else it is the rank.
    /// </summary>
    /// <param name="path">The safetensors file, such as <c>pytorch_lora_weights.safetensors</c>.</param>
    /// <param name="unet">The model the file is for.</param>
    /// <param name="textEncoder">Its text encoder; null refuses a file with adapters for one.</param>
    /// <param name="textEncoder2">Its second text encoder, of Stable Diffusion XL.</param>
    /// <param name="multiplier">By what every update is multiplied.</param>
    /// <param name="standard">Settings for a file that says nothing of them.</param>
    /// <returns>The adapters in float32 on the model's device, not yet attached.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is none of these, or does not fit the model; the message names the
    /// tensors.</exception>
    public static LoraAdapters Load(
        string path,
        UNet2DConditionModel unet,
        ClipTextModel? textEncoder = null,
        ClipTextModel? textEncoder2 = null,
        double multiplier = 1,
        PeftConfig? standard = null
    )
    {
        ArgumentNullException.ThrowIfNull(unet);
        using var reader = new LoraReader(path, multiplier, standard);
        Dictionary<string, LoraAdapter> forUNet = new(StringComparer.Ordinal),
            forText = new(StringComparer.Ordinal),
            forText2 = new(StringComparer.Ordinal);
        var result = new LoraAdapters(forUNet, forText, forText2);
        try
        {
            reader.Read("unet", ModelWeights.LoraLayers(unet), LoraNames.OfUNet(unet.Config), forUNet);
            if (textEncoder is not null)
            {
                reader.Read("text_encoder", ModelWeights.LoraLayers(textEncoder), LoraNames.TextEncoder, forText);
            }
            if (textEncoder2 is not null)
            {
                reader.Read("text_encoder_2", ModelWeights.LoraLayers(textEncoder2), LoraNames.TextEncoder2, forText2);
            }
            reader.CheckAllUsed();
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>New adapters that change nothing yet: B is 0.</summary>
    /// <param name="unet">The model they are for.</param>
    /// <param name="textEncoder">Its text encoder; needed where <see cref="LoraOptions.TextEncoderTargets"/> is set.</param>
    /// <param name="options">Rank and layers.</param>
    /// <param name="generator">The source of randomness for A.</param>
    /// <param name="textEncoder2">Its second text encoder, which has the same targets.</param>
    /// <returns>The adapters in float32 on the model's device, not yet attached.</returns>
    /// <exception cref="ArgumentException">A target names no linear layer of the model.</exception>
    public static LoraAdapters Create(
        UNet2DConditionModel unet,
        ClipTextModel? textEncoder,
        LoraOptions options,
        Generator generator,
        ClipTextModel? textEncoder2 = null
    )
    {
        ArgumentNullException.ThrowIfNull(unet);
        ArgumentNullException.ThrowIfNull(options);
        if (options.TextEncoderTargets is not null && textEncoder is null)
        {
            throw new ArgumentException("TextEncoderTargets is set, but there is no text encoder.", nameof(textEncoder));
        }
        // Names first: nothing is made when one is wrong.
        var forUNet = Targets(unet.LinearLayers, options.UNetTargets, nameof(LoraOptions.UNetTargets));
        var forText = textEncoder is null
            ? []
            : Targets(ModelWeights.LinearLayers(textEncoder), options.TextEncoderTargets ?? [], nameof(LoraOptions.TextEncoderTargets));
        var forText2 = textEncoder2 is null
            ? []
            : Targets(ModelWeights.LinearLayers(textEncoder2), options.TextEncoderTargets ?? [], nameof(LoraOptions.TextEncoderTargets));
        using var off = no_grad();
        return new(Made(forUNet), Made(forText), Made(forText2));

        Dictionary<string, LoraAdapter> Made(IEnumerable<KeyValuePair<string, LinearLayer>> layers) =>
            layers.ToDictionary(
                l => l.Key,
                l =>
                {
                    using var scope = NewDisposeScope();
                    long[] shape = [options.Rank, l.Value.Inputs];
                    // Kaiming's bound with a = √5 is √(6 / (1 + a²)) / √in.
                    var start =
                        options.Initialization == LoraInitialization.Gaussian
                            ? randn(shape, ScalarType.Float32, generator: generator).div(options.Rank)
                            : rand(shape, ScalarType.Float32, generator: generator).mul(2).sub(1).div(Math.Sqrt(l.Value.Inputs));
                    var device = l.Value.weight.device;
                    var (down, up) = (
                        new Parameter(start.to(device)),
                        new Parameter(zeros([l.Value.Outputs, options.Rank], ScalarType.Float32, device))
                    );
                    down.DetachFromDisposeScope();
                    up.DetachFromDisposeScope();
                    return new LoraAdapter(down, up, (options.Alpha ?? options.Rank) / options.Rank);
                },
                StringComparer.Ordinal
            );
    }

    /// <summary>All matrices, A and B of each layer, by their names in a file.</summary>
    internal IEnumerable<KeyValuePair<string, Parameter>> Parameters =>
        Stems.SelectMany(s =>
            new KeyValuePair<string, Parameter>[] { new(s.Stem + DownSuffix, s.Adapter.Down), new(s.Stem + UpSuffix, s.Adapter.Up) }
        );

    /// <summary>Trainable numbers.</summary>
    public long ParameterCount => Stems.Sum(s => s.Adapter.Down.numel() + s.Adapter.Up.numel());

    private IEnumerable<(string Stem, LoraAdapter Adapter)> Stems =>
        [
            .. UNet.Select(p => ("unet." + p.Key, p.Value)),
            .. TextEncoder.Select(p => ("text_encoder." + p.Key, p.Value)),
            .. TextEncoder2.Select(p => ("text_encoder_2." + p.Key, p.Value)),
        ];

    /// <summary>
    /// Writes a file in the naming of PEFT that diffusers reads: <c>unet.….lora_A.weight</c>. Such files carry no α, readers
    /// take it to be the rank; where it is another, B is written multiplied by α / r, which is the same to every reader.
    /// </summary>
    /// <param name="path">The file, usually <c>pytorch_lora_weights.safetensors</c>; it appears when whole.</param>
    /// <param name="dtype">Float32, or Float16 or BFloat16 for half the size.</param>
    /// <param name="metadata">Texts to keep in the file's header.</param>
    /// <exception cref="ArgumentException">Another type was asked for.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path, ScalarType dtype = ScalarType.Float32, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var tensors = Parameters.ToDictionary(p => p.Key, p => (Tensor)p.Value, StringComparer.Ordinal);
        foreach (var (stem, adapter) in Stems.Where(s => s.Adapter.Scale != 1))
        {
            tensors[stem + UpSuffix] = adapter.Up.mul(adapter.Scale);
        }
        ModelWeights.Save(path, tensors, dtype, metadata);
    }

    /// <summary>
    /// Adds the updates to the weights of a model, W += α/r · B·A: it then works as with the adapters attached, at the speed
    /// of one without. The weights of before are kept for <see cref="Unmerge"/>.
    /// </summary>
    /// <param name="unet">The model.</param>
    /// <param name="textEncoder">Its text encoder, where adapters are for it.</param>
    /// <param name="textEncoder2">Its second text encoder, where adapters are for it.</param>
    /// <exception cref="InvalidOperationException">The adapters are merged already.</exception>
    public void Merge(UNet2DConditionModel unet, ClipTextModel? textEncoder = null, ClipTextModel? textEncoder2 = null)
    {
        ArgumentNullException.ThrowIfNull(unet);
        if (_merged.Count > 0)
        {
            throw new InvalidOperationException("The adapters are merged already; unmerge them first.");
        }
        Detach(unet, textEncoder, textEncoder2);
        foreach (var (layers, adapters) in Parts(unet, textEncoder, textEncoder2))
        {
            Merge(layers, adapters);
        }
    }

    /// <summary>
    /// Puts back the weights from before <see cref="Merge(UNet2DConditionModel, ClipTextModel?, ClipTextModel?)"/>, bit for bit; the
    /// adapters are then not
    /// attached.
    /// </summary>
    public void Unmerge()
    {
        using var off = no_grad();
        foreach (var (layer, original) in _merged)
        {
            using var scope = NewDisposeScope();
            layer.Weight.copy_(original);
            original.Dispose();
        }
        _merged.Clear();
    }

    /// <summary>Makes the layers of a model use the adapters.</summary>
    /// <param name="unet">The model.</param>
    /// <param name="textEncoder">Its text encoder, where adapters are for it.</param>
    /// <param name="textEncoder2">Its second text encoder, where adapters are for it.</param>
    /// <exception cref="InvalidOperationException">The adapters are merged.</exception>
    public void Attach(UNet2DConditionModel unet, ClipTextModel? textEncoder = null, ClipTextModel? textEncoder2 = null)
    {
        ArgumentNullException.ThrowIfNull(unet);
        if (_merged.Count > 0)
        {
            throw new InvalidOperationException("The adapters are merged; unmerge them first.");
        }
        foreach (var (layers, adapters) in Parts(unet, textEncoder, textEncoder2))
        {
            Attach(layers, adapters);
        }
    }

    /// <summary>Makes the layers of a model work without the adapters again.</summary>
    public void Detach(UNet2DConditionModel unet, ClipTextModel? textEncoder = null, ClipTextModel? textEncoder2 = null)
    {
        ArgumentNullException.ThrowIfNull(unet);
        foreach (var (layers, adapters) in Parts(unet, textEncoder, textEncoder2))
        {
            Detach(layers, adapters);
        }
    }

    /// <summary>Frees the adapters; models must not use them any more. What is merged stays merged.</summary>
    public void Dispose()
    {
        _merged.ForEach(m => m.Original.Dispose());
        _merged.Clear();
        foreach (var adapter in UNet.Values.Concat(TextEncoder.Values).Concat(TextEncoder2.Values))
        {
            adapter.Dispose();
        }
    }

    private IEnumerable<(IReadOnlyDictionary<string, ILoraLayer> Layers, IReadOnlyDictionary<string, LoraAdapter> Adapters)> Parts(
        UNet2DConditionModel unet,
        ClipTextModel? textEncoder,
        ClipTextModel? textEncoder2
    )
    {
        yield return (ModelWeights.LoraLayers(unet), UNet);
        if (textEncoder is not null)
        {
            yield return (ModelWeights.LoraLayers(textEncoder), TextEncoder);
        }
        if (textEncoder2 is not null)
        {
            yield return (ModelWeights.LoraLayers(textEncoder2), TextEncoder2);
        }
    }

    private static List<KeyValuePair<string, LinearLayer>> Targets(
        IReadOnlyDictionary<string, LinearLayer> layers,
        IReadOnlyList<string> targets,
        string option
    )
    {
        foreach (var target in targets)
        {
            if (!layers.Keys.Any(name => IsTarget(name, target)))
            {
                throw new ArgumentException(
                    $"{option} has '{target}', which names no linear layer of the model; its layers end in "
                        + $"{string.Join(", ", layers.Keys.Select(End).Distinct().Order(StringComparer.Ordinal).Take(2 * Listed))}.",
                    option
                );
            }
        }
        return [.. layers.Where(l => targets.Any(t => IsTarget(l.Key, t)))];
    }

    private static bool IsTarget(string name, string target) =>
        name == target || (name.EndsWith(target, StringComparison.Ordinal) && name[^(target.Length + 1)] == '.');

    // to_out.0 rather than 0.
    private static string End(string name) =>
        name.Split('.') is [.., var before, var last]
            ? char.IsDigit(last[0])
                ? $"{before}.{last}"
                : last
            : name;

    private void Merge(IReadOnlyDictionary<string, ILoraLayer> layers, IReadOnlyDictionary<string, LoraAdapter> adapters)
    {
        using var off = no_grad();
        foreach (var (name, adapter) in adapters)
        {
            using var scope = NewDisposeScope();
            var weight = layers[name].Weight;
            _merged.Add((layers[name], weight.clone().DetachFromDisposeScope()));
            // Summed in float32: in a half type the update would be rounded twice.
            weight.copy_(weight.to_type(ScalarType.Float32).add_(adapter.Delta().view(weight.shape)));
        }
    }

    private static void Attach(IReadOnlyDictionary<string, ILoraLayer> layers, IReadOnlyDictionary<string, LoraAdapter> adapters)
    {
        foreach (var (name, adapter) in adapters)
        {
            layers[name].Adapter = adapter;
        }
    }

    private static void Detach(IReadOnlyDictionary<string, ILoraLayer> layers, IReadOnlyDictionary<string, LoraAdapter> adapters)
    {
        foreach (var (name, adapter) in adapters)
        {
            if (ReferenceEquals(layers[name].Adapter, adapter))
            {
                layers[name].Adapter = null;
            }
        }
    }
}
