using System.Text.Json.Serialization;
using AirMLNet.Files;

namespace AirMLNet.Diffusion;

/// <summary>A diffusion model's <c>model_index.json</c>: each component's library and class, both null where it has none.</summary>
internal sealed record ModelIndex
{
    private const string Pipeline = "StableDiffusionPipeline";
    private const string XlPipeline = "StableDiffusionXLPipeline";

    public IReadOnlyList<string?> FeatureExtractor { get; init; } = [null, null];
    public bool RequiresSafetyChecker { get; init; }
    public IReadOnlyList<string?> SafetyChecker { get; init; } = [null, null];
    public IReadOnlyList<string?> Scheduler { get; init; } = [null, null];
    public IReadOnlyList<string?> TextEncoder { get; init; } = [null, null];

    [JsonPropertyName("text_encoder_2")]
    public IReadOnlyList<string?>? TextEncoder2 { get; init; }
    public IReadOnlyList<string?> Tokenizer { get; init; } = [null, null];

    [JsonPropertyName("tokenizer_2")]
    public IReadOnlyList<string?>? Tokenizer2 { get; init; }

    /// <summary>Whether no negative prompt stands for zeros instead of the states of an empty text (Stable Diffusion XL).</summary>
    public bool? ForceZerosForEmptyPrompt { get; init; }

    [JsonPropertyName("unet")]
    public IReadOnlyList<string?> UNet { get; init; } = [null, null];
    public IReadOnlyList<string?> Vae { get; init; } = [null, null];

    /// <summary>Whether it is Stable Diffusion XL, with two text encoders.</summary>
    [JsonIgnore]
    public bool IsXl { get; private init; }

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
        var kind = file.At("_class_name") is null ? Pipeline : file.Get<string>("_class_name");
        if (kind is not (Pipeline or XlPipeline))
        {
            throw new InvalidDataException(
                $"{path}: _class_name is \"{kind}\", which is not supported; {Pipeline} (Stable Diffusion v1 and 2) and {XlPipeline} are."
            );
        }
        var index = file.To<ModelIndex>() with { IsXl = kind == XlPipeline };
        if (!index.IsXl && index.TextEncoder2?.ElementAtOrDefault(1) is not null)
        {
            throw new InvalidDataException($"{path}: there is a text_encoder_2, which only {XlPipeline} has; _class_name is {kind}.");
        }
        foreach (
            var (component, pair, expected) in new[]
            {
                ("unet", index.UNet, "UNet2DConditionModel"),
                ("vae", index.Vae, "AutoencoderKL"),
                ("text_encoder", index.TextEncoder, "CLIPTextModel"),
                ("text_encoder_2", index.TextEncoder2, "CLIPTextModelWithProjection"),
                ("scheduler", index.Scheduler, null),
            }.Where(c => index.IsXl || c.Item1 != "text_encoder_2")
        )
        {
            var found = pair?.ElementAtOrDefault(1) ?? throw new InvalidDataException($"{path}: the model has no {component}.");
            if (expected is not null && found != expected)
            {
                throw new InvalidDataException($"{path}: {component} is a {found}, which is not supported; {expected} is.");
            }
        }
        return index.IsXl && index.HasTokenizer != index.Tokenizer2?.ElementAtOrDefault(1) is not null
            ? throw new InvalidDataException($"{path}: tokenizer and tokenizer_2 must both be there, or both be missing.")
            : index;
    }

    public string ToJson() => ConfigFile.Write(this, Pipeline);
}
