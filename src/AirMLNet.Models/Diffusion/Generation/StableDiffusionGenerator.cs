using System.Globalization;
using AirMLNet.Files;
using AirMLNet.Images;

namespace AirMLNet.Diffusion;

/// <summary>A local Stable Diffusion model as an <see cref="ITextToImageGenerator"/>.</summary>
/// <param name="pipeline">The model, which stays the caller's.</param>
/// <param name="options">How images are made; the defaults when null.</param>
internal sealed class StableDiffusionGenerator(StableDiffusionPipeline pipeline, StableDiffusionOptions? options = null)
    : ITextToImageGenerator
{
    /// <inheritdoc/>
    public IEnumerable<RgbImage> Generate(IReadOnlyList<TextToImageRequest> requests, CancellationToken cancellation = default) =>
        pipeline.Generate(requests, options, cancellation);

    /// <summary>What the images of a request depend on, by name: what a work folder of synthetic images compares.</summary>
    /// <param name="lora">The file of the adapters in use; null for none.</param>
    /// <param name="multiplier">By what their scale is multiplied.</param>
    /// <exception cref="IOException">The file, or the model's, cannot be read.</exception>
    public IReadOnlyDictionary<string, string> Settings(string? lora = null, double multiplier = 1)
    {
        var how = options ?? new();
        var settings = new Dictionary<string, string>
        {
            ["model"] = pipeline.Fingerprint(),
            ["lora"] = lora is null ? "" : FileHash.Sha256(lora),
            ["scheduler"] = SchedulerConfig.ClassName(how.Scheduler ?? pipeline.Scheduler.Config.Kind),
            ["steps"] = how.Steps.ToString(CultureInfo.InvariantCulture),
            ["guidance"] = how.Guidance.ToString(CultureInfo.InvariantCulture),
            ["eta"] = how.Eta.ToString(CultureInfo.InvariantCulture),
            ["size"] = $"{how.Width ?? pipeline.NativeWidth}x{how.Height ?? pipeline.NativeHeight}",
            ["precision"] = pipeline.Precision.ToString(),
        };
        // Named where they are used: folders made before there were such settings go on.
        if (lora is not null && multiplier != 1)
        {
            settings["lora weight"] = multiplier.ToString("R", CultureInfo.InvariantCulture);
        }
        if (how.GuidanceRescale != 0)
        {
            settings["guidance rescale"] = how.GuidanceRescale.ToString("R", CultureInfo.InvariantCulture);
        }
        return settings;
    }
}
