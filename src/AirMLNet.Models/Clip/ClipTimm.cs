using System.Text.Json.Nodes;

namespace AirMLNet.Clip;

/// <summary>
/// The image tower of OpenCLIP's <c>vision_cfg</c> where that names a model of timm: those of timm's ResNets that have basic blocks, with
/// the mean of the last map and a linear projection, OpenCLIP's defaults.
/// </summary>
internal static class ClipTimm
{
    private const string Model = "timm_model_name";

    private static readonly Dictionary<string, ClipResNetConfig> Known = new(StringComparer.Ordinal)
    {
        ["resnet18"] = new(64, 2, 2, 2, 2) { IsBasic = true },
        ["resnet34"] = new(64, 3, 4, 6, 3) { IsBasic = true },
    };

    /// <summary>Reads a <c>vision_cfg</c> that names a model.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="vision">The object.</param>
    /// <exception cref="InvalidDataException">It is another model, pool or projection.</exception>
    public static ClipResNetConfig Read(string path, JsonObject vision)
    {
        Only(path, vision, "timm_pool", null, "", "avg");
        Only(path, vision, "timm_proj", null, "linear");
        if ((bool?)vision["timm_proj_bias"] ?? false)
        {
            throw new InvalidDataException($"{path}: vision_cfg.timm_proj_bias is true; a projection without bias was expected.");
        }
        var name = (string?)vision[Model] ?? "";
        return Known.TryGetValue(name.Split('.')[0], out var net) // what follows the point names weights
            ? net
            : throw new InvalidDataException(
                $"{path}: vision_cfg.{Model} \"{name}\" is not supported; {string.Join(" and ", Known.Keys)} are."
            );
    }

    /// <summary>The same the other way.</summary>
    /// <exception cref="NotSupportedException">No model of timm has this shape.</exception>
    public static JsonObject Write(ClipResNetConfig net, int imageSize)
    {
        var name =
            Known.FirstOrDefault(p => p.Value == net).Key
            ?? throw new NotSupportedException($"timm has no ResNet of basic blocks like {net}: such a model cannot be described.");
        return new()
        {
            [Model] = name,
            ["timm_model_pretrained"] = false,
            ["timm_pool"] = "avg",
            ["timm_proj"] = "linear",
            ["image_size"] = imageSize,
        };
    }

    private static void Only(string path, JsonObject vision, string key, params string?[] allowed)
    {
        if ((string?)vision[key] is var value && !allowed.Contains(value))
        {
            throw new InvalidDataException($"{path}: vision_cfg.{key} \"{value}\" is not supported; \"{allowed[^1]}\" was expected.");
        }
    }
}
