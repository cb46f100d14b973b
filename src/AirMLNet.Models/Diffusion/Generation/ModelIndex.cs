using System.Text.Json.Serialization;
using AirMLNet.Files;

namespace AirMLNet.Diffusion;

/// <summary>A diffusion model's <c>model_index.json</c>: each component's library and class, both null where it has none.</summary>
internal sealed record ModelIndex
{
    private const string Pipeline = "StableDiffusionPipeline";

    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("_class_name", "Stable Diffusion v1 is built.", Pipeline),
        new("text_encoder_2", "It is that of Stable Diffusion XL; Stable Diffusion v1 is built."),
    ];

    public IReadOnlyList<string?> FeatureExtractor { get; init; } = [null, null];
    public bool RequiresSafetyChecker { get; init; }
    public IReadOnlyList<string?> SafetyChecker { get; init; } = [null, null];
    public IReadOnlyList<string?> Scheduler { get; init; } = [null, null];
    public IReadOnlyList<string?> TextEncoder { get; init; } = [null, null];
    public IReadOnlyList<string?> Tokenizer { get; init; } = [null, null];

    [JsonPropertyName("unet")]
    public IReadOnlyList<string?> UNet { get; init; } = [null, null];
    public IReadOnlyList<string?> Vae { get; init; } = [null, null];

    public bool HasTokenizer => Tokenizer.ElementAtOrDefault(1) is not null;

    public static ModelIndex Of(SchedulerKind scheduler, bool hasTokenizer) =>
        new()
        {
            Scheduler = ["diffusers", SchedulerConfig.ClassName(scheduler)],
            TextEncoder = ["transformers", "CLIPTextModel"],
            Tokenizer = hasTokenizer ? ["transformers", "CLIPTokenizer"] : [null, null],
            UNet = ["diffusers", "UNet2DConditionModel"],
            Vae = ["diffusers", "AutoencoderKL"],
        };

    /// <exception cref="InvalidDataException">It is another kind of model, or lacks a component.</exception>
    public static ModelIndex Read(string path)
    {
        var file = ConfigFile.Open(path);
        if (file.At("_class_name")?.ToString() is { } name && name.Contains("XL", StringComparison.Ordinal))
        {
            throw new InvalidDataException(
                $"{path}: {name} is Stable Diffusion XL, which is not supported; Stable Diffusion v1 ({Pipeline}) is."
            );
        }
        file.Refuse(RefusedKeys);
        var index = file.To<ModelIndex>();
        foreach (
            var (component, pair, expected) in new[]
            {
                ("unet", index.UNet, "UNet2DConditionModel"),
                ("vae", index.Vae, "AutoencoderKL"),
                ("text_encoder", index.TextEncoder, "CLIPTextModel"),
                ("scheduler", index.Scheduler, null),
            }
        )
        {
            var found = pair.ElementAtOrDefault(1) ?? throw new InvalidDataException($"{path}: the model has no {component}.");
            if (expected is not null && found != expected)
            {
                throw new InvalidDataException($"{path}: {component} is a {found}, which is not supported; {expected} is.");
            }
        }
        return index;
    }

    public string ToJson() => ConfigFile.Write(this, Pipeline);
}
