using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Options;

namespace AirMLNet.Llava;

/// <summary>The architecture of a <see cref="LlavaNextModel"/>, in the terms of the Hugging Face <c>config.json</c>.</summary>
internal sealed record LlavaNextConfig
{
    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("model_type", "LLaVA-NeXT has model_type \"llava_next\".", "llava_next"),
        new("projector_hidden_act", "Another projector is not built.", "gelu"),
        new("vision_feature_select_strategy", "The class token is left out.", "default"),
        new("use_image_newline_parameter", "A learned vector ends each row of places.", true),
        new("multimodal_projector_bias", "The projector's layers have biases.", true),
        new("tie_word_embeddings", "The last layer has weights of its own.", false),
        new("vision_config.model_type", "The image tower is CLIP's.", "clip_vision_model"),
        new("vision_config.hidden_act", "Other activations are not built.", "quick_gelu", "gelu"),
        new("text_config.model_type", "Other language models are not built.", "mistral", "llama"),
        new("text_config.hidden_act", "Other activations are not built.", "silu"),
        new("text_config.tie_word_embeddings", "The last layer has weights of its own.", false),
        new("text_config.attention_bias", "Attention has no biases.", false),
        new("text_config.mlp_bias", "The perceptron has no biases.", false),
        new("text_config.rope_scaling", "Positions are not scaled."),
        new("text_config.rope_parameters.rope_type", "Positions are not scaled.", "default"),
        RefusedKey.Quantised,
    ];

    /// <summary>The resolutions that an image may be brought to: height and width each, multiples of the tower's image size.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> ImageGridPinpoints { get; init; }

    /// <summary>Id of the token in whose place image features stand.</summary>
    public int? ImageTokenIndex { get; init; }

    /// <summary>
    /// The hidden states of the tower that are used: −2 are those before its last block, 0 those before its first. Of several, places
    /// have the values of all beside each other.
    /// </summary>
    [AtLeast(int.MinValue), JsonConverter(typeof(OneOrListConverter))]
    public IReadOnlyList<int> VisionFeatureLayer
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([-2]);

    /// <summary>The image tower.</summary>
    [JsonPropertyName("vision_config")]
    public ClipVisionConfig Vision { get; init; } = new();

    /// <summary>The language model.</summary>
    [JsonPropertyName("text_config")]
    public required MistralConfig Text { get; init; }

    /// <summary>The resolutions as pairs.</summary>
    internal IReadOnlyList<GridSize> Grids => [.. ImageGridPinpoints.Select(p => new GridSize(p[0], p[1]))];

    /// <summary>Blocks of the image tower that come before each of <see cref="VisionFeatureLayer"/>.</summary>
    internal IReadOnlyList<int> VisionBlocks => [.. VisionFeatureLayer.Select(l => l < 0 ? Vision.Layers + 1 + l : l)];

    /// <summary>Values of a place before the projector.</summary>
    internal int PlaceWidth => VisionFeatureLayer.Count * Vision.HiddenSize;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A value is wrong, or one that is not built; the message names it.</exception>
    public static LlavaNextConfig Load(string path)
    {
        var file = ConfigFile.Open(path);
        file.Refuse(RefusedKeys);
        if (file.Root["text_config"] is JsonObject text)
        {
            MistralConfig.Complete(text, key => file.IsNull("text_config." + key));
        }

        // transformers has had two names for it.
        if (!file.Root.ContainsKey("image_token_index") && file.Root["image_token_id"] is { } id)
        {
            file.Root["image_token_index"] = id.DeepClone();
        }

        // As transformers has it where a file does not say.
        file.Default(("image_grid_pinpoints", JsonNode.Parse("[[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]")!));
        return file.To<LlavaNextConfig>().Check(path);
    }

    /// <summary>Checks every value and returns the same configuration.</summary>
    /// <exception cref="InvalidDataException">A value is out of range.</exception>
    internal LlavaNextConfig Check(string path)
    {
        ConfigFile.CheckWholeNumbers(path, this);
        _ = new ClipConfig { Vision = Vision }.Check(path);
        Text.Check(path);
        var size = Vision.ImageSize;
        if (ImageGridPinpoints.Count == 0 || ImageGridPinpoints.Any(p => p.Count != 2 || p.Any(s => s < size || s % size != 0)))
        {
            throw new InvalidDataException(
                $"{path}: image_grid_pinpoints is {JsonSerializer.Serialize(ImageGridPinpoints)}; it must be a list of heights and widths, "
                    + $"multiples of vision_config.image_size ({size})."
            );
        }

        if (VisionBlocks.Count == 0 || VisionBlocks.Any(b => b < 0 || b > Vision.Layers))
        {
            throw new InvalidDataException(
                $"{path}: vision_feature_layer is {string.Join(", ", VisionFeatureLayer)}; it must be one or more of "
                    + $"{-Vision.Layers - 1}..{Vision.Layers}."
            );
        }

        return this;
    }

    /// <summary>The configuration as the text of a <c>config.json</c>.</summary>
    internal string ToJson()
    {
        var root = ConfigFile.Object(this);
        root.Insert(0, "architectures", new JsonArray("LlavaNextForConditionalGeneration"));
        root.Insert(1, "model_type", "llava_next");
        root["projector_hidden_act"] = "gelu";
        root["vision_feature_select_strategy"] = "default";
        root["use_image_newline_parameter"] = true;
        root["tie_word_embeddings"] = false;
        root["vision_config"]!["model_type"] = "clip_vision_model";
        root["text_config"]!["model_type"] = "mistral";
        root["text_config"]!["hidden_act"] = "silu";
        root["text_config"]!["tie_word_embeddings"] = false;
        if (Text.SlidingWindow == 0)
        {
            root["text_config"]!["sliding_window"] = null; // a missing key is 4096
        }
        return ConfigFile.Write(root);
    }
}

/// <summary>Height and width in pixels.</summary>
internal readonly record struct GridSize(int Height, int Width);

/// <summary>The language model of a <see cref="LlavaNextConfig"/>: Mistral's, or Llama's, which has the same layers.</summary>
internal sealed record MistralConfig
{
    /// <summary>Width of a token.</summary>
    public int HiddenSize { get; init; } = 4096;

    /// <summary>Width of the layer inside the perceptron.</summary>
    public int IntermediateSize { get; init; } = 14336;

    /// <summary>Number of layers.</summary>
    [JsonPropertyName("num_hidden_layers")]
    public int Layers { get; init; } = 32;

    /// <summary>Heads of the queries.</summary>
    [JsonPropertyName("num_attention_heads")]
    public int Heads { get; init; } = 32;

    /// <summary>Heads of keys and values, a divisor of <see cref="Heads"/>.</summary>
    [JsonPropertyName("num_key_value_heads")]
    public int KeyValueHeads { get; init; } = 8;

    /// <summary>Width of a head; null for an equal share of <see cref="HiddenSize"/>.</summary>
    public int? HeadDim { get; init; }

    /// <summary>Number of token ids.</summary>
    [JsonPropertyName("vocab_size")]
    public int VocabularySize { get; init; } = 32000;

    /// <summary>The longest sequence, in tokens.</summary>
    [JsonPropertyName("max_position_embeddings")]
    public int ContextLength { get; init; } = 131072;

    /// <summary>How many tokens one sees, itself among them; 0 for all.</summary>
    [AtLeast(0)]
    public int SlidingWindow { get; init; }

    /// <summary>The base of the rotary embedding's wavelengths.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>The epsilon of every normalisation.</summary>
    public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>Id of the start token.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Ids of the tokens that end a text.</summary>
    [JsonConverter(typeof(OneOrListConverter))]
    [AtLeast(0)]
    public IReadOnlyList<int> EosTokenId
    {
        get;
        init => field = new ValueList<int>(value);
    } = new ValueList<int>([2]);

    /// <summary>Width of a head.</summary>
    internal int HeadWidth => HeadDim ?? HiddenSize / Heads;

    /// <summary>Adds what transformers takes for keys that are missing.</summary>
    /// <param name="text">The section.</param>
    /// <param name="isNull">Whether the file has null for a key, which is another thing than a missing key.</param>
    internal static void Complete(JsonObject text, Func<string, bool> isNull)
    {
        void Default(string key, JsonNode value) => text.TryAdd(key, value);
        var isLlama = (string?)text["model_type"] == "llama";
        if (isLlama)
        {
            Default("intermediate_size", 11008);
            Default("max_position_embeddings", 2048);
        }

        if (isLlama || isNull("num_key_value_heads"))
        {
            Default("num_key_value_heads", text["num_attention_heads"]?.DeepClone() ?? 32);
        }

        Default("sliding_window", isLlama || isNull("sliding_window") ? 0 : 4096);
        if (text["rope_parameters"] is JsonObject rope && rope["rope_theta"] is { } theta)
        {
            Default("rope_theta", theta.DeepClone());
        }
    }

    internal void Check(string path)
    {
        if (HeadDim is null && HiddenSize % Heads != 0)
        {
            throw Bad("num_attention_heads", Heads, $"a divisor of hidden_size ({HiddenSize})");
        }
        if (Heads % KeyValueHeads != 0)
        {
            throw Bad("num_key_value_heads", KeyValueHeads, $"a divisor of num_attention_heads ({Heads})");
        }
        if (HeadWidth < 2 || HeadWidth % 2 != 0)
        {
            throw Bad("head_dim", HeadWidth, "even: rotary embeddings turn pairs");
        }
        if (!(RmsNormEps > 0 && RmsNormEps < 1))
        {
            throw Bad("rms_norm_eps", RmsNormEps, "between 0 and 1");
        }
        if (!(RopeTheta > 1))
        {
            throw Bad("rope_theta", RopeTheta, "above 1");
        }

        InvalidDataException Bad(string key, IFormattable value, string expected) =>
            new(FormattableString.Invariant($"{path}: text_config.{key} is {value}; it must be {expected}."));
    }
}
