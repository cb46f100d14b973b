using System.Globalization;

namespace AirMLNet.Diffusion;

/// <summary>Where the matrices of a layer are in a LoRA file.</summary>
/// <param name="Down">Name of A, [r, in].</param>
/// <param name="Up">Name of B, [out, r].</param>
/// <param name="Alpha">Name of α, which may be missing.</param>
internal readonly record struct LoraKeys(string Down, string Up, string Alpha);

/// <summary>
/// The names under which LoRA files hold a layer. Kohya's cannot be read backwards (they write points as underscores), so
/// names are made from the layers of the model, never taken apart.
/// </summary>
internal sealed class LoraNames
{
    private static readonly string[] PeftAdapters = ["", ".default", ".default_0"];

    private readonly string[] _prefixes;
    private readonly string[] _kohya;
    private readonly IReadOnlyDictionary<string, string>? _blocks;

    private LoraNames(string[] prefixes, string[] kohya, IReadOnlyDictionary<string, string>? blocks = null) =>
        (_prefixes, _kohya, _blocks) = (prefixes, kohya, blocks);

    /// <summary>The names of a text encoder's layers.</summary>
    public static LoraNames TextEncoder { get; } = OfText("text_encoder", "lora_te_", "lora_te1_", "lycoris_te_", "lycoris_te1_");

    /// <summary>Those of the second text encoder of Stable Diffusion XL.</summary>
    public static LoraNames TextEncoder2 { get; } = OfText("text_encoder_2", "lora_te2_", "lycoris_te2_");

    /// <summary>The names of a UNet's layers: diffusers and PEFT of today, diffusers of 2023, its attention processors, kohya,
    /// LyCORIS.</summary>
    /// <param name="config">The architecture, for kohya's names of Stable Diffusion XL, which are those of Stability's own code.</param>
    public static LoraNames OfUNet(UNet2DConditionConfig config) =>
        new(
            ["unet.", "", "base_model.model.", "base_model.model.unet.", "unet.base_model.model."],
            ["lora_unet_", "lycoris_", "lycoris_unet_"],
            StabilityBlocks(config)
        );

    /// <summary>The names of a layer.</summary>
    /// <param name="layer">
    /// Its diffusers name, such as <c>mid_block.attentions.0.transformer_blocks.0.attn1.to_q</c> or
    /// <c>text_model.encoder.layers.0.self_attn.q_proj</c>.
    /// </param>
    public IEnumerable<LoraKeys> Of(string layer)
    {
        foreach (var prefix in _prefixes)
        {
            var stem = prefix + layer;
            foreach (var adapter in PeftAdapters)
            {
                yield return Matrices(stem, "lora_A" + adapter, "lora_B" + adapter);
            }
            yield return Matrices(stem, "lora.down", "lora.up");
            yield return Matrices(stem, "lora_linear_layer.down", "lora_linear_layer.up");
            yield return Matrices(stem, "lora_down", "lora_up");
            // …attn1.to_out.0 → …attn1.processor.to_out_lora, and …self_attn.q_proj → …self_attn.to_q_lora
            var plain = layer.EndsWith(".to_out.0", StringComparison.Ordinal) ? layer[..^2] : layer;
            if (plain.LastIndexOf('.') is var last and > 0)
            {
                var (parent, name) = (prefix + plain[..last], plain[(last + 1)..]);
                var processor = name.EndsWith("_proj", StringComparison.Ordinal)
                    ? $"{parent}.to_{name[..^"_proj".Length]}_lora"
                    : $"{parent}.processor.{name}_lora";
                yield return new LoraKeys(processor + ".down.weight", processor + ".up.weight", processor + ".alpha");
            }
        }
        foreach (var prefix in _kohya)
        {
            yield return Matrices(prefix + layer.Replace('.', '_'), "lora_down", "lora_up");
            if (Stability(layer) is { } other)
            {
                yield return Matrices(prefix + other.Replace('.', '_'), "lora_down", "lora_up");
            }
        }
        if (Stability(layer) is { } plainly)
        {
            yield return Matrices("diffusion_model." + plainly, "lora_A", "lora_B");
            yield return Matrices("diffusion_model." + plainly, "lora_down", "lora_up");
        }
    }

    private static LoraNames OfText(string component, params string[] kohya) =>
        new(
            [
                component + ".",
                $"base_model.model.{component}.",
                $"{component}.base_model.model.",
                .. component == "text_encoder" ? new[] { "", "base_model.model." } : [],
            ],
            kohya
        );

    private static LoraKeys Matrices(string stem, string down, string up) =>
        new($"{stem}.{down}.weight", $"{stem}.{up}.weight", stem + ".alpha");

    /// <summary>The layer's name in Stability's own code; null for the same.</summary>
    private string? Stability(string layer)
    {
        if (_blocks is null)
        {
            return null;
        }
        // The longest part of the name that is a block.
        for (var end = layer.LastIndexOf('.'); end > 0; end = layer.LastIndexOf('.', end - 1))
        {
            if (_blocks.TryGetValue(layer[..end], out var block))
            {
                var rest = layer[(end + 1)..];
                return block
                    + "."
                    + rest switch
                    {
                        "conv1" => "in_layers.2",
                        "conv2" => "out_layers.3",
                        "time_emb_proj" => "emb_layers.1",
                        "conv_shortcut" => "skip_connection",
                        "conv" when layer.Contains("downsamplers", StringComparison.Ordinal) => "op",
                        _ => rest,
                    };
            }
        }
        return layer switch
        {
            "conv_in" => "input_blocks.0.0",
            "conv_out" => "out.2",
            "time_embedding.linear_1" => "time_embed.0",
            "time_embedding.linear_2" => "time_embed.2",
            "add_embedding.linear_1" => "label_emb.0.0",
            "add_embedding.linear_2" => "label_emb.0.2",
            _ => null,
        };
    }

    // Stability's code counts all resnets and samplers of the way down, and of the way up.
    private static Dictionary<string, string> StabilityBlocks(UNet2DConditionConfig config)
    {
        Dictionary<string, string> blocks = new(StringComparer.Ordinal)
        {
            ["mid_block.resnets.0"] = "middle_block.0",
            ["mid_block.attentions.0"] = "middle_block.1",
            ["mid_block.resnets.1"] = "middle_block.2",
        };
        void Add(string name, string kind, int index, int part) =>
            blocks[name] = string.Create(CultureInfo.InvariantCulture, $"{kind}_blocks.{index}.{part}");
        var count = config.BlockOutChannels.Count;
        var number = 1;
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < config.LayersPerBlock[i]; j++, number++)
            {
                Add($"down_blocks.{i}.resnets.{j}", "input", number, 0);
                Add($"down_blocks.{i}.attentions.{j}", "input", number, 1);
            }
            if (i < count - 1)
            {
                Add($"down_blocks.{i}.downsamplers.0", "input", number++, 0);
            }
        }
        number = 0;
        for (var i = 0; i < count; i++)
        {
            var layers = config.LayersPerBlock[count - 1 - i] + 1;
            var attends = config.UpBlockTypes[i] == UNet2DConditionConfig.CrossAttnUpBlock;
            for (var j = 0; j < layers; j++, number++)
            {
                Add($"up_blocks.{i}.resnets.{j}", "output", number, 0);
                Add($"up_blocks.{i}.attentions.{j}", "output", number, 1);
            }
            Add($"up_blocks.{i}.upsamplers.0", "output", number - 1, attends ? 2 : 1);
        }
        return blocks;
    }
}
