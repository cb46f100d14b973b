using System.Text.Json;
using System.Text.Json.Nodes;

namespace AirMLNet.Clip;

/// <summary>Reads and writes the two JSON forms in which CLIP models describe themselves.</summary>
internal static class ClipConfigFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // OpenCLIP features that change the computation and are not built here. A model that uses one must not load silently.
    private static readonly string[] UnsupportedVision =
    [
        "attentional_pool",
        "attn_pooler_queries",
        "ls_init_value",
        "no_ln_pre",
        "final_ln_after_pool",
        "qk_norm",
        "scaled_cosine_attn",
    ];
    private static readonly string[] UnsupportedText =
    [
        "hf_model_name",
        "embed_cls",
        "ls_init_value",
        "no_causal_mask",
        "proj_bias",
        "qk_norm",
        "scaled_cosine_attn",
    ];

    public static ClipConfig Read(string path) =>
        Read(
            path,
            root =>
                (
                    root.ContainsKey("model_cfg") || root.ContainsKey("vision_cfg") ? OpenClip(path, root)
                    : root["vision_layers"] is JsonArray ? OpenAiResNet(path, root)
                    : HuggingFace(path, root)
                ).Check()
        );

    /// <summary>Reads the <c>config.json</c> of a text encoder that stands alone, model_type "clip_text_model".</summary>
    public static ClipTextConfig ReadText(string path) =>
        Read(
            path,
            root =>
            {
                if ((string?)root["model_type"] is not (null or "clip_text_model") and var type)
                {
                    throw new InvalidDataException(
                        $"{path}: model_type is \"{type}\"; CLIP's text encoder has model_type \"clip_text_model\"."
                    );
                }
                // Checked as the text tower of a whole model.
                return new ClipConfig { Text = Text(path, root) }
                    .Check()
                    .Text;
            }
        );

    private static T Read<T>(string path, Func<JsonObject, T> read)
    {
        try
        {
            return read(
                JsonNode.Parse(File.ReadAllText(path), documentOptions: new() { CommentHandling = JsonCommentHandling.Skip }) as JsonObject
                    ?? throw new InvalidDataException($"{path}: a JSON object was expected.")
            );
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"{path}: a value has the wrong type: {e.Message}", e);
        }
        catch (InvalidDataException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    public static string Write(ClipConfig c) =>
        (c.Vision.ResNet is { } net ? OpenClipResNet(c, net) : HuggingFace(c)).ToJsonString(Indented) + "\n";

    /// <summary>The <c>config.json</c> of a text encoder that stands alone.</summary>
    public static string WriteText(ClipTextConfig text)
    {
        var json = Text(text, text.HiddenSize);
        json.Insert(0, "architectures", new JsonArray("CLIPTextModel"));
        return json.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Text(ClipTextConfig text, int projection) =>
        Compact(
            new JsonObject
            {
                ["model_type"] = "clip_text_model",
                ["hidden_size"] = text.HiddenSize,
                ["intermediate_size"] = text.IntermediateSize,
                ["projection_dim"] = projection,
                ["num_hidden_layers"] = text.Layers,
                ["num_attention_heads"] = text.Heads,
                ["max_position_embeddings"] = text.ContextLength,
                ["vocab_size"] = text.VocabularySize,
                ["hidden_act"] = ActivationName(text.Activation),
                ["layer_norm_eps"] = text.LayerNormEps,
                ["attention_dropout"] = 0.0,
                ["bos_token_id"] = text.StartToken,
                ["eos_token_id"] = text.EndToken,
                ["pad_token_id"] = text.PadToken,
            }
        );

    private static JsonObject OpenClipResNet(ClipConfig c, ClipResNetConfig net) =>
        new()
        {
            ["model_cfg"] = new JsonObject
            {
                ["embed_dim"] = c.ProjectionDim,
                ["quick_gelu"] = c.Text.Activation == ClipActivation.QuickGelu,
                ["vision_cfg"] = net.IsBasic
                    ? ClipTimm.Write(net, c.Vision.ImageSize)
                    : new JsonObject
                    {
                        ["image_size"] = c.Vision.ImageSize,
                        ["layers"] = new JsonArray(net.Layer1, net.Layer2, net.Layer3, net.Layer4),
                        ["width"] = net.Width,
                        ["head_width"] = c.Vision.HiddenSize / c.Vision.Heads,
                        ["patch_size"] = null,
                    },
                ["text_cfg"] = new JsonObject
                {
                    ["context_length"] = c.Text.ContextLength,
                    ["vocab_size"] = c.Text.VocabularySize,
                    ["width"] = c.Text.HiddenSize,
                    ["heads"] = c.Text.Heads,
                    ["layers"] = c.Text.Layers,
                    ["mlp_ratio"] = (double)c.Text.IntermediateSize / c.Text.HiddenSize,
                },
            },
        };

    private static JsonObject HuggingFace(ClipConfig c) =>
        new()
        {
            ["architectures"] = new JsonArray("CLIPModel"),
            ["model_type"] = "clip",
            ["projection_dim"] = c.ProjectionDim,
            ["logit_scale_init_value"] = c.LogitScaleInit,
            ["text_config"] = Text(c.Text, c.ProjectionDim),
            ["vision_config"] = new JsonObject
            {
                ["model_type"] = "clip_vision_model",
                ["hidden_size"] = c.Vision.HiddenSize,
                ["intermediate_size"] = c.Vision.IntermediateSize,
                ["projection_dim"] = c.ProjectionDim,
                ["num_hidden_layers"] = c.Vision.Layers,
                ["num_attention_heads"] = c.Vision.Heads,
                ["image_size"] = c.Vision.ImageSize,
                ["patch_size"] = c.Vision.PatchSize,
                ["num_channels"] = c.Vision.Channels,
                ["hidden_act"] = ActivationName(c.Vision.Activation),
                ["layer_norm_eps"] = c.Vision.LayerNormEps,
                ["attention_dropout"] = 0.0,
            },
            ["torch_dtype"] = "float32",
        };

    private static ClipConfig HuggingFace(string path, JsonObject root)
    {
        var type = (string?)root["model_type"];
        if (type is not (null or "clip"))
        {
            throw new InvalidDataException(
                $"{path}: model_type is \"{type}\"; a CLIP model with a vision transformer has model_type \"clip\"."
            );
        }
        if (root["vision_config"] is not JsonObject && root["text_config"] is not JsonObject && type is null)
        {
            throw new InvalidDataException($"{path} does not describe a CLIP model: vision_config and text_config were expected.");
        }
        // Files of 2022 repeat the towers under *_dict, which then have the last word.
        var v = Overlay(root["vision_config"], root["vision_config_dict"]);
        var t = Overlay(root["text_config"], root["text_config_dict"]);
        ClipVisionConfig vd = new();
        return new ClipConfig
        {
            ProjectionDim = Int(root, "projection_dim") ?? 512,
            LogitScaleInit = Number(root, "logit_scale_init_value") ?? 2.6592,
            Vision = new ClipVisionConfig
            {
                HiddenSize = Int(v, "hidden_size") ?? vd.HiddenSize,
                IntermediateSize = Int(v, "intermediate_size") ?? vd.IntermediateSize,
                Layers = Int(v, "num_hidden_layers") ?? vd.Layers,
                Heads = Int(v, "num_attention_heads") ?? vd.Heads,
                Channels = Int(v, "num_channels") ?? vd.Channels,
                ImageSize = Int(v, "image_size") ?? vd.ImageSize,
                PatchSize = Int(v, "patch_size") ?? vd.PatchSize,
                Activation = Activation(path, (string?)v["hidden_act"]),
                LayerNormEps = Number(v, "layer_norm_eps") ?? vd.LayerNormEps,
            },
            Text = Text(path, t),
        };
    }

    private static ClipTextConfig Text(string path, JsonObject t)
    {
        ClipTextConfig td = new();
        return new ClipTextConfig
        {
            HiddenSize = Int(t, "hidden_size") ?? td.HiddenSize,
            IntermediateSize = Int(t, "intermediate_size") ?? td.IntermediateSize,
            Layers = Int(t, "num_hidden_layers") ?? td.Layers,
            Heads = Int(t, "num_attention_heads") ?? td.Heads,
            ContextLength = Int(t, "max_position_embeddings") ?? td.ContextLength,
            VocabularySize = Int(t, "vocab_size") ?? td.VocabularySize,
            Activation = Activation(path, (string?)t["hidden_act"]),
            LayerNormEps = Number(t, "layer_norm_eps") ?? td.LayerNormEps,
            StartToken = Int(t, "bos_token_id"),
            EndToken = Int(t, "eos_token_id"),
            PadToken = Int(t, "pad_token_id"),
        };
    }

    private static ClipConfig OpenClip(string path, JsonObject root)
    {
        var cfg = root["model_cfg"] as JsonObject ?? root;
        if (cfg["vision_cfg"] is not JsonObject v || cfg["text_cfg"] is not JsonObject t)
        {
            throw new InvalidDataException($"{path}: vision_cfg and text_cfg were expected.");
        }
        Refuse(path, "vision_cfg", v, UnsupportedVision);
        Refuse(path, "text_cfg", t, UnsupportedText);
        if ((string?)v["pool_type"] is not (null or "tok") || (string?)t["pool_type"] is not (null or "argmax"))
        {
            throw new InvalidDataException($"{path}: only pool_type \"tok\" (vision) and \"argmax\" (text) are supported.");
        }
        var activation = (bool?)cfg["quick_gelu"] ?? false ? ClipActivation.QuickGelu : ClipActivation.Gelu;
        var visionWidth = Int(v, "width") ?? 768;
        var textWidth = Int(t, "width") ?? 512;
        var headWidth = Int(v, "head_width") ?? 64;
        var net =
            v["timm_model_name"] is not null ? ClipTimm.Read(path, v)
            : v["layers"] is JsonArray stages ? Stages(path, stages, Int(v, "width") ?? 64)
            : null;
        var divided = net?.Channels ?? visionWidth;
        if (headWidth < 1 || divided % headWidth != 0)
        {
            throw new InvalidDataException(
                $"{path}: vision_cfg.head_width is {headWidth}; it must divide {divided}, "
                    + $"{(net is null ? "vision_cfg.width" : "32 times vision_cfg.width")}."
            );
        }
        return new ClipConfig
        {
            ActivationStated = cfg.ContainsKey("quick_gelu"),
            ProjectionDim = Int(cfg, "embed_dim") ?? throw new InvalidDataException($"{path}: embed_dim is missing."),
            Vision = net is not null
                ? net.Tower(Square(path, v, "image_size") ?? 224) with
                {
                    Heads = net.IsBasic ? 1 : divided / headWidth,
                }
                : new ClipVisionConfig
                {
                    HiddenSize = visionWidth,
                    IntermediateSize = (int)(visionWidth * (Number(v, "mlp_ratio") ?? 4)),
                    Layers = Int(v, "layers") ?? 12,
                    Heads = visionWidth / headWidth,
                    ImageSize = Square(path, v, "image_size") ?? 224,
                    PatchSize = Square(path, v, "patch_size") ?? 16,
                    Activation = activation,
                    LayerNormEps = Number(v["norm_kwargs"] as JsonObject, "eps") ?? 1e-5,
                },
            Text = new ClipTextConfig
            {
                HiddenSize = textWidth,
                IntermediateSize = (int)(textWidth * (Number(t, "mlp_ratio") ?? 4)),
                Layers = Int(t, "layers") ?? 12,
                Heads = Int(t, "heads") ?? 8,
                ContextLength = Int(t, "context_length") ?? 77,
                VocabularySize = Int(t, "vocab_size") ?? 49408,
                Activation = activation,
                LayerNormEps = Number(t["norm_kwargs"] as JsonObject, "eps") ?? 1e-5,
            },
        };
    }

    // The constructor's arguments of OpenAI's class: the only other form in which a ResNet is described.
    private static ClipConfig OpenAiResNet(string path, JsonObject root)
    {
        int Needed(string key) => Int(root, key) ?? throw new InvalidDataException($"{path}: {key} is missing.");
        var net = Stages(path, (JsonArray)root["vision_layers"]!, Needed("vision_width"));
        var tower = net.Tower(Int(root, "image_resolution") ?? 224);
        var width = Needed("transformer_width");
        return new ClipConfig
        {
            ActivationStated = false,
            ProjectionDim = Needed("embed_dim"),
            Vision = tower with { Heads = Int(root, "attnpool_heads") ?? tower.Heads },
            Text = new ClipTextConfig
            {
                HiddenSize = width,
                IntermediateSize = 4 * width,
                Layers = Needed("transformer_layers"),
                Heads = Needed("transformer_heads"),
                ContextLength = Int(root, "context_length") ?? 77,
                VocabularySize = Int(root, "vocab_size") ?? 49408,
            },
        };
    }

    private static ClipResNetConfig Stages(string path, JsonArray layers, int width)
    {
        var counts = layers.Select(n => (int?)n ?? 0).ToArray();
        return counts.Length == 4
            ? new(width, counts[0], counts[1], counts[2], counts[3])
            : throw new InvalidDataException($"{path}: a ResNet has four stages of layers, not {counts.Length}.");
    }

    private static void Refuse(string path, string section, JsonObject o, string[] keys)
    {
        foreach (var key in keys)
        {
            var used = o[key] switch
            {
                null => false,
                JsonValue value when value.TryGetValue<bool>(out var flag) => flag,
                _ => true,
            };
            if (used && key is not "attn_pooler_queries")
            {
                throw new InvalidDataException(
                    $"{path}: {section}.{key} is not supported; a plain OpenCLIP vision transformer was expected."
                );
            }
        }
    }

    private static JsonObject Overlay(JsonNode? node, JsonNode? over)
    {
        var result = node is JsonObject o ? (JsonObject)o.DeepClone() : [];
        if (over is JsonObject d)
        {
            foreach (var (key, value) in d)
            {
                result[key] = value?.DeepClone();
            }
        }
        return result;
    }

    private static JsonObject Compact(JsonObject o)
    {
        foreach (var key in o.Where(p => p.Value is null).Select(p => p.Key).ToList())
        {
            o.Remove(key);
        }
        return o;
    }

    private static int? Int(JsonObject o, string key) => (int?)o[key];

    private static double? Number(JsonObject? o, string key) => (double?)o?[key];

    private static int? Square(string path, JsonObject o, string key)
    {
        if (o[key] is not JsonArray list)
        {
            return Int(o, key);
        }
        var sizes = list.Select(n => (int?)n).Distinct().ToList();
        return sizes.Count == 1 ? sizes[0] : throw new InvalidDataException($"{path}: vision_cfg.{key} must be square.");
    }

    private static ClipActivation Activation(string path, string? name) =>
        name switch
        {
            null or "quick_gelu" => ClipActivation.QuickGelu,
            "gelu" => ClipActivation.Gelu,
            _ => throw new InvalidDataException($"{path}: hidden_act \"{name}\" is not supported; \"quick_gelu\" and \"gelu\" are."),
        };

    public static string ActivationName(ClipActivation activation) => activation == ClipActivation.Gelu ? "gelu" : "quick_gelu";
}
