using AirMLNet.Images;

namespace AirMLNet.Diffusion;

/// <summary>A local Stable Diffusion model as an <see cref="ITextToImageGenerator"/>.</summary>
/// <param name="pipeline">The model, which stays the caller's.</param>
/// <param name="options">How images are made; the defaults when null.</param>
public sealed class StableDiffusionGenerator(StableDiffusionPipeline pipeline, StableDiffusionOptions? options = null) : ITextToImageGenerator
{
    /// <inheritdoc/>
    public IEnumerable<RgbImage> Generate(IReadOnlyList<TextToImageRequest> requests, CancellationToken cancellation = default) =>
        pipeline.Generate(requests, options, cancellation);
}
