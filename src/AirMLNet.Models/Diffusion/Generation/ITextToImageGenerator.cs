using AirMLNet.Images;

namespace AirMLNet.Diffusion;

/// <summary>
/// Makes images of texts: the local <see cref="StableDiffusionGenerator"/>, or a hosted service in its place. A stage that
/// needs images knows only this.
/// </summary>
internal interface ITextToImageGenerator
{
    /// <summary>Makes one image for each request, in order, as many at a time as suits the generator.</summary>
    /// <param name="requests">What to make. An image depends on its own request only, not on those beside it.</param>
    /// <param name="cancellation">Ends the work after the current step.</param>
    /// <returns>The images, one after the other as they are ready.</returns>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    IEnumerable<RgbImage> Generate(IReadOnlyList<TextToImageRequest> requests, CancellationToken cancellation = default);
}

/// <summary>One image to make.</summary>
/// <param name="Prompt">What it shows; may be empty.</param>
/// <param name="Seed">The seed of its noise: the same request gives the same image.</param>
/// <param name="NegativePrompt">
/// What it must not show; null for nothing in particular. Stable Diffusion XL takes an empty text for a prompt like another, all other
/// models for none.
/// </param>
public sealed record TextToImageRequest(string Prompt, int Seed, string? NegativePrompt = null);
