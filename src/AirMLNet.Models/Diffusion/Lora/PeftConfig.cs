using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AirMLNet.Files;

namespace AirMLNet.Diffusion;

/// <summary>
/// A LoRA's settings in PEFT's terms: <c>adapter_config.json</c>, or <c>lora_adapter_metadata</c> in the header of a file of diffusers.
/// Which layers have adapters the tensors say; here is by what they are scaled.
/// </summary>
internal sealed record PeftConfig
{
    // PEFT's own, where a file does not say.
    private const double DefaultAlpha = 8;

    // Of the patterns. To make one takes a millisecond, and every layer is tried against every pattern.
    private readonly Dictionary<string, Regex> _expressions = new(StringComparer.Ordinal);

    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("peft_type", "Other adapters than LoRA are not built.", "LORA"),
        new("use_dora", "DoRA, which scales every column of a weight, is not built.", false),
        new("lora_bias", "Adapters have no bias.", false),
        new("use_qalora", "QALoRA is not built.", false),
        new("fan_in_fan_out", "Weights are [out, in].", false),
        new(
            "init_lora_weights",
            "The others change the model's own weights too.",
            true,
            false,
            "gaussian",
            "orthogonal",
            "eva",
            "lora_only"
        ),
        new("layer_replication", "The model has the layers it has."),
        new("trainable_token_indices", "Adapters are for layers, not for tokens."),
    ];

    /// <summary>α; null is PEFT's 8.</summary>
    public double? LoraAlpha { get; init; }

    /// <summary>r of the layers that <see cref="RankPattern"/> does not name; null where the tensors alone say it.</summary>
    public double? R { get; init; }

    /// <summary>r of layers, by regular expressions for the end of their names.</summary>
    public IReadOnlyDictionary<string, double> RankPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>α of layers, as <see cref="RankPattern"/>.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>Whether updates are scaled by α/√r (Kalajdzievski 2023) instead of α/r.</summary>
    public bool UseRslora { get; init; }

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is none, or says what is not built; the message names the key.</exception>
    public static PeftConfig Read(string path) => Of(ConfigFile.Open(path));

    /// <summary>The settings of one component in the header of a file of diffusers; null where it says nothing of it.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="text">The header's text: a JSON object with keys such as <c>unet.lora_alpha</c>.</param>
    /// <param name="component">Such as <c>unet</c>.</param>
    /// <exception cref="InvalidDataException">It is no such object, or says what is not built.</exception>
    public static PeftConfig? OfMetadata(string path, string text, string component)
    {
        JsonNode? node;
        try
        {
            node = ConfigFile.Parse(text);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: lora_adapter_metadata in the header is not valid JSON: {e.Message}", e);
        }
        if (node is not JsonObject root)
        {
            throw new InvalidDataException($"{path}: lora_adapter_metadata in the header is no JSON object.");
        }
        // Settings of a component in an object of their own would count as none, and the scale as 1.
        if (root[component] is JsonObject)
        {
            throw new InvalidDataException(
                $"{path}: lora_adapter_metadata in the header holds an object \"{component}\"; keys such as {component}.lora_alpha were "
                    + "expected, as diffusers writes them."
            );
        }
        JsonObject own = [];
        foreach (var (key, value) in root.Where(p => p.Key.StartsWith(component + ".", StringComparison.Ordinal)))
        {
            own[key[(component.Length + 1)..]] = value?.DeepClone();
        }
        return own.Count == 0 ? null : Of(new ConfigFile($"{path}: lora_adapter_metadata, {component}", own));
    }

    /// <summary>By what a layer's update is multiplied.</summary>
    /// <param name="path">The LoRA file, for messages.</param>
    /// <param name="layer">The layer's name.</param>
    /// <param name="rank">r of its tensors.</param>
    /// <exception cref="InvalidDataException">The settings give the layer another rank than its tensors have.</exception>
    public double Scale(string path, string layer, long rank)
    {
        var said = Find(RankPattern, layer) ?? R;
        if (said is not null && said != rank)
        {
            throw new InvalidDataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{path}: the adapter of {layer} has rank {rank}, but its settings say r = {said}; they must be equal."
                )
            );
        }
        var alpha = Find(AlphaPattern, layer) ?? LoraAlpha ?? DefaultAlpha;
        return alpha / (UseRslora ? Math.Sqrt(rank) : rank);
    }

    private static PeftConfig Of(ConfigFile file)
    {
        file.Refuse(RefusedKeys);
        foreach (var key in new[] { "modules_to_save", "target_parameters" })
        {
            if (file.At(key) is not null and not JsonArray { Count: 0 })
            {
                throw new InvalidDataException($"{file.Path}: {key} is not supported: only layers' updates of low rank are.");
            }
        }
        var config = file.To<PeftConfig>();
        // A pattern that cannot be tried is found now, not at a layer.
        foreach (var pattern in config.RankPattern.Keys.Concat(config.AlphaPattern.Keys))
        {
            try
            {
                config._expressions[pattern] = Expression(pattern);
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                throw new InvalidDataException($"{file.Path}: the pattern \"{pattern}\" is no regular expression that is understood.", e);
            }
        }
        return config;
    }

    // The first that fits the whole name, or its end after a point, as PEFT's get_pattern_key.
    private double? Find(IReadOnlyDictionary<string, double> patterns, string layer)
    {
        foreach (var (pattern, value) in patterns)
        {
            if (_expressions[pattern].IsMatch(layer))
            {
                return value;
            }
        }
        return null;
    }

    // A stranger's expression: without backtracking it takes time in proportion to the name.
    private static Regex Expression(string pattern) =>
        new($@"\A(?:.*\.)?(?:{pattern})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
}
