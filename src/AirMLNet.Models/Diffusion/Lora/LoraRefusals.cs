using System.Text.RegularExpressions;

namespace AirMLNet.Diffusion;

/// <summary>What is found in LoRA files beside LoRA, and why it is not read: half of an adapter would give other images in
/// silence.</summary>
internal static partial class LoraRefusals
{
    private static readonly (string[] Parts, string Why)[] Known =
    [
        (["dora_scale", "lora_magnitude_vector"], "is of DoRA, which scales every column of a weight; only plain LoRA is built"),
        (
            ["bundle_emb", "emb_params", "string_to_param"],
            "is a textual embedding in the same file; take it out, prompts have no words of their own"
        ),
        (["hada_w1", "hada_w2", "hada_t"], "is of LoHa (a product of two updates); only LoRA and LoCon are built"),
        (["lokr_w1", "lokr_w2", "lokr_t"], "is of LoKr (a Kronecker product); only LoRA and LoCon are built"),
        (["lora_mid.weight"], "is the middle of a Tucker decomposition (LyCORIS); only LoCon of two convolutions is built"),
        (["oft_blocks", "oft_diag", "oft_R"], "is of OFT, which rotates weights; only LoRA and LoCon are built"),
        (["boft_"], "is of BOFT, which rotates weights; only LoRA and LoCon are built"),
        (["on_input"], "is of IA3, which scales layers; only LoRA and LoCon are built"),
        (
            ["lora_B.bias", "lora_up.bias", "lora.up.bias", "lora_B.default.bias"],
            "is a bias of an adapter; only updates of weights are built"
        ),
        ([".diff_b", ".diff"], "is a whole change of a layer; only LoRA and LoCon are built"),
        (["w_norm", "b_norm"], "is a change of a normalisation; only LoRA and LoCon are built"),
        (["ip_adapter", "image_proj"], "is of an IP-Adapter, which is no LoRA"),
        (["modules_to_save", "original_module"], "is a whole layer that was trained beside LoRA; only updates of low rank are built"),
        (["lora_embedding_A", "lora_embedding_B"], "adapts an embedding; only linear layers and convolutions are adapted"),
        (["scalar"], "is a trained factor of LyCORIS (use_scalar); merge it into the file"),
        (["double_blocks", "single_transformer_blocks", "single_blocks"], "is for Flux, which is another architecture"),
        (["joint_blocks", "lora_te3", "text_encoder_3"], "is for Stable Diffusion 3, which is another architecture"),
    ];

    /// <summary>The reason why a file is refused; null where none is known.</summary>
    /// <param name="names">Tensors that no layer of the model took.</param>
    public static string? Reason(IReadOnlyList<string> names)
    {
        foreach (var (parts, why) in Known)
        {
            if (names.FirstOrDefault(n => parts.Any(p => n.Contains(p, StringComparison.Ordinal))) is { } found)
            {
                return $"\"{found}\" {why}.";
            }
        }
        if (names.Select(n => AdapterPattern().Match(n)).FirstOrDefault(m => m.Success) is { } adapter)
        {
            return $"\"{adapter.Value}\" is of an adapter called \"{adapter.Groups["name"].Value}\"; only those without a name, or called "
                + "default or default_0, are read.";
        }
        return
            names.FirstOrDefault(n =>
                n.StartsWith("lora_te2_", StringComparison.Ordinal) || n.StartsWith("text_encoder_2.", StringComparison.Ordinal)
            )
                is { } second
            ? $"\"{second}\" is for a second text encoder or for layers it does not have: the file is for another model, such as Stable "
                + "Diffusion XL."
            : null;
    }

    // PEFT puts the name of an adapter before the last part.
    [GeneratedRegex(@"^.*\.lora_[AB]\.(?!default\.|default_0\.)(?<name>[^.]+)\.weight$", RegexOptions.ExplicitCapture)]
    private static partial Regex AdapterPattern();
}
