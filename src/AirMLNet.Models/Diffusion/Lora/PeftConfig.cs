using System.Text.Json.Nodes;
using AirMLNet.Files;

namespace AirMLNet.Diffusion;

/// <summary>PEFT's <c>adapter_config.json</c>, as far as the tensors beside it do not say the same.</summary>
internal sealed record PeftConfig
{
    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("peft_type", "Other adapters than LoRA are not built.", "LORA"),
        new("use_rslora", "Updates are scaled by α / r.", false),
        new("use_dora", "DoRA is not built.", false),
        new("alpha_pattern", "All layers have the same α.", new JsonObject()),
    ];

    /// <summary>α; null where it is the rank.</summary>
    public double? LoraAlpha { get; init; }

    public static PeftConfig Read(string path)
    {
        var file = ConfigFile.Open(path);
        file.Refuse(RefusedKeys);
        return file.To<PeftConfig>();
    }
}
