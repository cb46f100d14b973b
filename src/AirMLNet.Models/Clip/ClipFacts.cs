using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace AirMLNet.Clip;

/// <summary>What decides a feature beside a model's weights, for saved models and caches.</summary>
internal static class ClipFacts
{
    /// <summary>Between the values of <see cref="Of"/>.</summary>
    public const string Between = "; ";

    /// <summary>The values of a configuration that decide a feature, such as <c>vision_config.num_attention_heads 12</c>.</summary>
    /// <remarks>What no feature depends on is left out: the weights have the scale itself, and the tokenizer starts and fills
    /// texts.</remarks>
    public static string Of(ClipConfig config)
    {
        var text = config.Text with { StartToken = null, PadToken = null };
        var told = config with
        {
            LogitScaleInit = new ClipConfig().LogitScaleInit,
            Text = config.Text.EndIsHighestId ? text with { EndToken = null } : text,
        };
        return string.Join(Between, Values(JsonNode.Parse(told.ToJson()), ""));
    }

    /// <summary>A hash of preprocessing, activations and configuration, 16 hexadecimal digits.</summary>
    public static string Hash(ClipBackbone backbone) => Hash(backbone.Preprocessor, backbone.Model.Config);

    /// <summary>All that decides the features of images and of texts: weights, <see cref="Hash(ClipBackbone)"/> and tokenizer.</summary>
    public static string Key(ClipBackbone backbone) => $"{backbone.WeightsSha256} {Hash(backbone)} {backbone.Tokenizer.Sha256}";

    /// <summary>The same of a model's folder, whose weights are hashed, but not loaded.</summary>
    public static string Key(string folder)
    {
        var config = ClipModel.ConfigOf(folder);
        var tokenizer = ClipTokenizer.Load(folder).For(config.Text, folder);
        return $"{ClipBackbone.WeightsOf(folder)} {Hash(ClipPreprocessor.Load(folder), config)} {tokenizer.Sha256}";
    }

    private static string Hash(ClipPreprocessor preprocessor, ClipConfig config)
    {
        var all = string.Join(Between, preprocessor.Description, config.Vision.Activation, config.Text.Activation, Of(config));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)))[..16];
    }

    private static IEnumerable<string> Values(JsonNode? node, string path) =>
        node is JsonObject section
            ? section.SelectMany(member => Values(member.Value, path.Length == 0 ? member.Key : $"{path}.{member.Key}"))
            : [$"{path} {node?.ToJsonString() ?? "null"}"];
}
