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
internal static class LoraNames
{
    private static readonly string[] UNetPrefixes = ["unet.", "", "base_model.model.", "base_model.model.unet."];
    private static readonly string[] TextPrefixes = ["text_encoder.", "base_model.model.text_encoder.", "text_encoder.base_model.model."];

    /// <summary>The names of a UNet's layer: diffusers and PEFT of today, diffusers of 2023, its attention processors, kohya.</summary>
    /// <param name="layer">Its diffusers name, such as <c>mid_block.attentions.0.transformer_blocks.0.attn1.to_q</c>.</param>
    public static IEnumerable<LoraKeys> OfUNet(string layer)
    {
        foreach (var prefix in UNetPrefixes)
        {
            yield return Matrices(prefix + layer, "lora_A", "lora_B");
            yield return Matrices(prefix + layer, "lora.down", "lora.up");
            // …attn1.to_out.0 → …attn1.processor.to_out_lora
            var plain = layer.EndsWith(".to_out.0", StringComparison.Ordinal) ? layer[..^2] : layer;
            var last = plain.LastIndexOf('.');
            if (last > 0)
            {
                var stem = prefix + plain[..last] + ".processor." + plain[(last + 1)..] + "_lora";
                yield return new LoraKeys(stem + ".down.weight", stem + ".up.weight", stem + ".alpha");
            }
        }
        yield return Kohya("lora_unet_", layer);
    }

    /// <summary>The names of a text encoder's layer.</summary>
    /// <param name="layer">Its name, such as <c>text_model.encoder.layers.0.self_attn.q_proj</c>.</param>
    public static IEnumerable<LoraKeys> OfTextEncoder(string layer)
    {
        foreach (var prefix in TextPrefixes)
        {
            yield return Matrices(prefix + layer, "lora_A", "lora_B");
            yield return Matrices(prefix + layer, "lora.down", "lora.up");
            yield return Matrices(prefix + layer, "lora_linear_layer.down", "lora_linear_layer.up");
        }
        yield return Kohya("lora_te_", layer);
    }

    private static LoraKeys Matrices(string stem, string down, string up) =>
        new($"{stem}.{down}.weight", $"{stem}.{up}.weight", stem + ".alpha");

    private static LoraKeys Kohya(string prefix, string layer) => Matrices(prefix + layer.Replace('.', '_'), "lora_down", "lora_up");
}
