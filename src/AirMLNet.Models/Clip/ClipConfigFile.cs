using System.Text.Json.Nodes;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>
/// Reads and writes CLIP's configuration files. <see cref="ClipConfig"/> itself has the keys of Hugging Face; OpenCLIP's and OpenAI's forms
/// have records of their own.
/// </summary>
internal static class ClipConfigFile
{
    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("model_type", "A CLIP model with a vision transformer has model_type \"clip\".", "clip"),
        new("vision_config.model_type", "Image towers of other models are not built.", "clip_vision_model", "clip"),
        new("text_config.model_type", "Text towers of other models are not built.", "clip_text_model", "clip"),
        RefusedKey.Quantised,
        new("vision_config.hidden_act", "Other activations are not built.", "quick_gelu", "gelu"),
        new("text_config.hidden_act", "Other activations are not built.", "quick_gelu", "gelu"),
    ];

    internal static readonly RefusedKey[] RefusedTextKeys =
    [
        new("model_type", "CLIP's text encoder has model_type \"clip_text_model\".", "clip_text_model"),
        RefusedKey.Quantised,
        new("hidden_act", "Other activations are not built.", "quick_gelu", "gelu"),
    ];

    /// <summary>The name of OpenCLIP's file.</summary>
    public const string OpenClip = "open_clip_config.json";

    // One of them is in every config.json that describes a CLIP model.
    private static readonly string[] Sections =
    [
        "vision_config",
        "text_config",
        "vision_config_dict",
        "text_config_dict",
        "model_cfg",
        "vision_cfg",
        "vision_layers",
    ];

    /// <summary>Whether OpenCLIP's file describes the model of a folder: there is no other that describes a CLIP model.</summary>
    public static bool IsOpenClip(string folder)
    {
        var other = Path.Combine(folder, "config.json");
        return ConfigFile.IsThere(Path.Combine(folder, OpenClip))
            && (
                !ConfigFile.IsThere(other)
                || (
                    ConfigFile.Open(other) is var file
                    && !Sections.Any(file.Root.ContainsKey)
                    && (file.Root["model_type"] as JsonValue)?.ToString() != "clip"
                )
            );
    }

    public static ClipConfig Read(string path)
    {
        var file = ConfigFile.Open(path);
        var config =
            file.Root.ContainsKey("model_cfg") || file.Root.ContainsKey("vision_cfg") ? OpenClipConfig.Read(file)
            : file.Root["vision_layers"] is JsonArray ? file.To<OpenAiResNetConfig>().ToClip(path)
            : HuggingFace(file);
        return config.Check(path);
    }

    /// <summary>Reads the <c>config.json</c> of a text encoder that stands alone, model_type "clip_text_model".</summary>
    /// <param name="path">The file.</param>
    /// <param name="projected">
    /// Whether the encoder projects the whole text (CLIPTextModelWithProjection), which files do not reliably say themselves.
    /// </param>
    public static ClipTextConfig ReadText(string path, bool projected = false)
    {
        var file = ConfigFile.Open(path);
        // A text encoder may be cut from a whole model, with its configuration left as it is.
        if ((file.Root["model_type"] as JsonValue)?.ToString() == "clip" && file.Root["text_config"] is JsonObject inner)
        {
            file = new($"{path}: text_config", inner);
        }
        file.Refuse(RefusedTextKeys);
        var projection = file.At("projection_dim") is null ? ClipConfig.DefaultProjection : file.Get<int>("projection_dim");
        // Checked as the text tower of a whole model.
        return new ClipConfig
        {
            Text = file.To<ClipTextConfig>() with { ProjectionDim = projected ? projection : null },
            ProjectionDim = projected ? projection : ClipConfig.DefaultProjection,
        }
            .Check(path)
            .Text;
    }

    public static string Write(ClipConfig c) =>
        c.Vision.ResNet is { } net ? OpenClipConfig.Write(c, net) : ConfigFile.Write(HuggingFace(c));

    /// <summary>The <c>config.json</c> of a text encoder that stands alone.</summary>
    public static string WriteText(ClipTextConfig text) =>
        ConfigFile.Write(
            Model(
                ConfigFile.Object(text),
                text.ProjectionDim is null ? "CLIPTextModel" : "CLIPTextModelWithProjection",
                "clip_text_model",
                text.ProjectionDim ?? text.HiddenSize
            )
        );

    private static ClipConfig HuggingFace(ConfigFile file)
    {
        var root = file.Root;
        if (!root.ContainsKey("model_type") && !root.ContainsKey("vision_config") && !root.ContainsKey("text_config"))
        {
            throw new InvalidDataException($"{file.Path} does not describe a CLIP model: vision_config and text_config were expected.");
        }
        // Files of 2022 repeat the towers under *_dict, which then have the last word, also with the defaults of what they leave out.
        foreach (var tower in new[] { "vision_config", "text_config" })
        {
            if (root[tower + "_dict"] is JsonObject last)
            {
                root[tower] = last.DeepClone();
            }
        }
        file.Refuse(RefusedKeys);
        return file.To<ClipConfig>();
    }

    private static JsonObject HuggingFace(ClipConfig c)
    {
        var root = Model(ConfigFile.Object(c), "CLIPModel", "clip", c.ProjectionDim);
        foreach (var (tower, type) in new[] { ("vision_config", "clip_vision_model"), ("text_config", "clip_text_model") })
        {
            root[tower]!["model_type"] = type;
            root[tower]!["projection_dim"] = c.ProjectionDim;
        }
        root["torch_dtype"] = "float32";
        return root;
    }

    private static JsonObject Model(JsonObject root, string className, string type, int projection)
    {
        root.Insert(0, "architectures", new JsonArray(className));
        root.Insert(1, "model_type", type);
        root["projection_dim"] = projection;
        return root;
    }
}
