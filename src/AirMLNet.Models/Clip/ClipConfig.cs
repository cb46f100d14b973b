using System.Globalization;
using System.Text.Json.Serialization;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>
/// The shape of a CLIP model, in the terms of the Hugging Face <c>config.json</c>; a ResNet image tower has
/// <see cref="ClipVisionConfig.ResNet"/> set.
/// </summary>
/// <remarks>Immutable. <see cref="Check()"/> runs whenever a model is built from it.</remarks>
internal sealed record ClipConfig
{
    internal const int DefaultProjection = 512;

    /// <summary>Width of the shared feature space; at least 1.</summary>
    public int ProjectionDim { get; init; } = DefaultProjection;

    /// <summary>Initial value of the (logarithmic) logit scale; ln(1/0.07) in the published models.</summary>
    [JsonPropertyName("logit_scale_init_value")]
    public double LogitScaleInit { get; init; } = 2.6592;

    /// <summary>The image tower.</summary>
    [JsonPropertyName("vision_config")]
    public ClipVisionConfig Vision { get; init; } = new();

    /// <summary>The text tower.</summary>
    [JsonPropertyName("text_config")]
    public ClipTextConfig Text { get; init; } = new();

    /// <summary>False when the activation is a default that no file states.</summary>
    internal bool ActivationStated { get; init; } = true;

    /// <summary>
    /// Whether positions of another number than the configuration's are resized to it, as OpenCLIP does when it loads weights; with
    /// transformers' configuration they are refused.
    /// </summary>
    internal bool ResizesPositions { get; init; }

    /// <summary>
    /// Reads the configuration of a model folder: <c>config.json</c> (Hugging Face), else <c>open_clip_config.json</c>, also where the
    /// former is of another library, as timm's.
    /// </summary>
    /// <param name="folder">The model folder.</param>
    /// <returns>The configuration, or null when the folder has neither file.</returns>
    /// <exception cref="InvalidDataException">A file is there but is not a CLIP configuration this library can build.</exception>
    public static ClipConfig? Load(string folder)
    {
        var hf = Path.Combine(folder, "config.json");
        return ClipConfigFile.IsOpenClip(folder) ? ClipConfigFile.Read(Path.Combine(folder, ClipConfigFile.OpenClip))
            : ConfigFile.IsThere(hf) ? ClipConfigFile.Read(hf)
            : null;
    }

    /// <summary>The configuration as the text of a Hugging Face <c>config.json</c>.</summary>
    public string ToJson() => ClipConfigFile.Write(this);

    /// <summary>Checks every value and returns the same configuration.</summary>
    /// <exception cref="InvalidDataException">A value is out of range; the message names it, the value and the range.</exception>
    public ClipConfig Check() => Check("CLIP configuration");

    internal ClipConfig Check(string path)
    {
        if (Vision.ImageSize > 0 && Vision.ImageSize < Vision.PatchSize)
        {
            throw Bad("vision_config.image_size", Vision.ImageSize, $"at least patch_size ({Vision.PatchSize})");
        }
        ConfigFile.CheckWholeNumbers(path, this);
        CheckTower("vision_config", Vision.HiddenSize, Vision.Heads, Vision.LayerNormEps);
        CheckTower("text_config", Text.HiddenSize, Text.Heads, Text.LayerNormEps);
        if (Vision.ResNet is { } net)
        {
            if (Vision.ImageSize % Vision.PatchSize != 0)
            {
                throw Bad("vision image_size", Vision.ImageSize, $"a multiple of {Vision.PatchSize}");
            }
            if (net.Layers.Any(n => n < 1))
            {
                throw Bad("vision layers", net.Layers.Min(), "at least 1");
            }
            if (net.Width < 2 || net.Width % 2 != 0 || Vision.HiddenSize != net.Channels || Vision.PatchSize != 32)
            {
                throw Bad("vision width", net.Width, $"even, and a {net.Channels / net.Width}th of hidden_size; patch_size must be 32");
            }
        }
        return this;

        void CheckTower(string name, int width, int heads, double eps)
        {
            if (width % heads != 0)
            {
                throw Bad(name + ".num_attention_heads", heads, $"a divisor of hidden_size ({width})");
            }
            if (!(eps > 0 && eps < 1))
            {
                throw Bad(name + ".layer_norm_eps", eps, "between 0 and 1");
            }
        }

        InvalidDataException Bad(string name, IFormattable value, string expected) =>
            new($"{path}: {name} is {value.ToString(null, CultureInfo.InvariantCulture)}; it must be {expected}.");
    }
}

/// <summary>The image tower of a <see cref="ClipConfig"/>.</summary>
internal sealed record ClipVisionConfig
{
    /// <summary>Width of a token.</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>Width of the layer inside the MLP.</summary>
    public int IntermediateSize { get; init; } = 3072;

    /// <summary>Number of transformer blocks.</summary>
    [JsonPropertyName("num_hidden_layers")]
    public int Layers { get; init; } = 12;

    /// <summary>Number of attention heads; divides <see cref="HiddenSize"/>.</summary>
    [JsonPropertyName("num_attention_heads")]
    public int Heads { get; init; } = 12;

    /// <summary>Colour channels of an input image.</summary>
    [JsonPropertyName("num_channels")]
    public int Channels { get; init; } = 3;

    /// <summary>Height and width of an input image in pixels.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Height and width of a patch in pixels; what does not fill one at the right and lower border is not seen.</summary>
    public int PatchSize { get; init; } = 32;

    /// <summary>Activation of the MLP.</summary>
    [JsonPropertyName("hidden_act")]
    public ClipActivation Activation { get; init; } = ClipActivation.QuickGelu;

    /// <summary>The epsilon of every layer normalisation.</summary>
    public double LayerNormEps { get; init; } = 1e-5;

    /// <summary>
    /// The ResNet that is the image tower; null for a vision transformer. With it, <see cref="HiddenSize"/> is the number of
    /// channels of its last map (32 or 8 times its width), <see cref="PatchSize"/> the 32 pixels that a location of that map
    /// stands for, and <see cref="Heads"/> those of the attention pool.
    /// </summary>
    [JsonIgnore]
    public ClipResNetConfig? ResNet { get; init; }

    /// <summary>Number of patches of an image.</summary>
    public int Patches => ImageSize / PatchSize * (ImageSize / PatchSize);
}

/// <summary>A ResNet image tower: RN50 has width 64 and 3, 4, 6, 3 blocks.</summary>
/// <param name="Width">Channels after the stem; even.</param>
/// <param name="Layer1">Blocks of the first stage.</param>
/// <param name="Layer2">Blocks of the second stage.</param>
/// <param name="Layer3">Blocks of the third stage.</param>
/// <param name="Layer4">Blocks of the last stage.</param>
internal sealed record ClipResNetConfig(int Width, int Layer1, int Layer2, int Layer3, int Layer4)
{
    private const int Most = 100_000;

    /// <summary>
    /// False for OpenAI's ResNets, which have bottlenecks and attention pooling; true for timm's resnet18 and resnet34, which have basic
    /// blocks and the mean of the last map.
    /// </summary>
    public bool IsBasic { get; init; }

    /// <summary>Channels of the last map.</summary>
    internal int Channels => checked((IsBasic ? 8 : 32) * Width);

    internal int[] Layers => [Layer1, Layer2, Layer3, Layer4];

    internal static ClipResNetConfig Of(string path, int width, IReadOnlyList<int> layers) =>
        layers.Count != 4 ? throw new InvalidDataException($"{path}: a ResNet has four stages of layers, not {layers.Count}.")
        : layers.Append(width).Any(n => n is < 1 or > Most)
            ? throw new InvalidDataException(
                $"{path}: a ResNet's width is {width} and its layers {string.Join(", ", layers)}; they must be between 1 and {Most}."
            )
        : new(width, layers[0], layers[1], layers[2], layers[3]);

    /// <summary>The image tower of this ResNet.</summary>
    /// <param name="imageSize">Height and width of an image in pixels, a multiple of 32.</param>
    internal ClipVisionConfig Tower(int imageSize) =>
        new()
        {
            ResNet = this,
            HiddenSize = Channels,
            IntermediateSize = Channels,
            Layers = Layers.Sum(),
            Heads = IsBasic ? 1 : Math.Max(1, Width / 2), // heads of width 64
            ImageSize = imageSize,
            PatchSize = 32,
        };
}

/// <summary>The text tower of a <see cref="ClipConfig"/>.</summary>
internal sealed record ClipTextConfig
{
    /// <summary>Width of a token.</summary>
    public int HiddenSize { get; init; } = 512;

    /// <summary>Width of the layer inside the MLP.</summary>
    public int IntermediateSize { get; init; } = 2048;

    /// <summary>Number of transformer blocks.</summary>
    [JsonPropertyName("num_hidden_layers")]
    public int Layers { get; init; } = 12;

    /// <summary>Number of attention heads; divides <see cref="HiddenSize"/>.</summary>
    [JsonPropertyName("num_attention_heads")]
    public int Heads { get; init; } = 8;

    /// <summary>Largest number of tokens of a text, start and end included.</summary>
    [JsonPropertyName("max_position_embeddings")]
    public int ContextLength { get; init; } = 77;

    /// <summary>Number of token ids.</summary>
    [JsonPropertyName("vocab_size")]
    public int VocabularySize { get; init; } = 49408;

    /// <summary>Activation of the MLP.</summary>
    [JsonPropertyName("hidden_act")]
    public ClipActivation Activation { get; init; } = ClipActivation.QuickGelu;

    /// <summary>The epsilon of every layer normalisation.</summary>
    public double LayerNormEps { get; init; } = 1e-5;

    /// <summary>Id of the start token, null when the configuration does not say.</summary>
    [JsonPropertyName("bos_token_id")]
    public int? StartToken { get; init; }

    /// <summary>Id of the end token, null when the configuration does not say: then the highest id of a text ends it.</summary>
    [JsonPropertyName("eos_token_id")]
    public int? EndToken { get; init; }

    /// <summary>Id that fills the context after the end token, null when the configuration does not say.</summary>
    [JsonPropertyName("pad_token_id")]
    public int? PadToken { get; init; }

    /// <summary>
    /// Width of the projection of the whole text, of a text encoder that stands alone and has one (that of Stable Diffusion XL's second);
    /// null for none.
    /// </summary>
    [JsonIgnore]
    public int? ProjectionDim { get; init; }

    /// <summary>
    /// True when the end of a text is its highest id. So in every published model: the end token has the highest id.
    /// The value 2 stands in old Hugging Face files for "not said".
    /// </summary>
    internal bool EndIsHighestId => EndToken is null or 2 || EndToken == VocabularySize - 1 || EndToken >= VocabularySize;
}

/// <summary>The activation inside the MLP of a transformer block.</summary>
public enum ClipActivation
{
    /// <summary>x·σ(1.702x): the OpenAI models and those trained to be like them.</summary>
    QuickGelu,

    /// <summary>x·Φ(x), exact: most OpenCLIP models.</summary>
    Gelu,
}
