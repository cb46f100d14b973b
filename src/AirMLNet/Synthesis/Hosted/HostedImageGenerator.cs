#pragma warning disable MEAI001 // experimental, as the option that takes one says of itself
using System.Text.Json;
using AirMLNet.Diffusion;
using AirMLNet.Images;
using Microsoft.Extensions.AI;

namespace AirMLNet.Synthesis;

/// <summary>
/// An image generator of Microsoft.Extensions.AI, such as a hosted service, as an <see cref="ITextToImageGenerator"/>: it can
/// take a local model's place.
/// </summary>
/// <remarks>
/// Seed and negative prompt go to the service as the additional properties <c>seed</c> and <c>negative_prompt</c>; it may ignore them.
/// </remarks>
/// <param name="generator">The service, which stays the caller's.</param>
/// <param name="options">What every request is sent with; null for the service's defaults.</param>
internal sealed class HostedImageGenerator(IImageGenerator generator, ImageGenerationOptions? options = null) : ITextToImageGenerator
{
    internal const string Seed = "seed";
    internal const string NegativePrompt = "negative_prompt";

    /// <summary>What the images of a request depend on, by name, as far as the service says it.</summary>
    public IReadOnlyDictionary<string, string> Settings()
    {
        var settings = new Dictionary<string, string> { ["generator"] = generator.GetType().FullName! };
        // Named where they are known: folders made before there were such settings go on.
        var about = generator.GetService(typeof(ImageGeneratorMetadata)) as ImageGeneratorMetadata;
        if ((options?.ModelId ?? about?.DefaultModelId) is { } model)
        {
            settings["model"] = $"{about?.ProviderName}/{model}";
        }
        if (options is not null)
        {
            settings["options"] = JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions);
        }
        return settings;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The service gave no image, or one that cannot be decoded.</exception>
    public IEnumerable<RgbImage> Generate(IReadOnlyList<TextToImageRequest> requests, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return requests.Select(request =>
        {
            var wanted = options?.Clone() ?? new ImageGenerationOptions();
            wanted.Count = 1;
            wanted.ResponseFormat ??= ImageGenerationResponseFormat.Data;
            wanted.AdditionalProperties = new AdditionalPropertiesDictionary(wanted.AdditionalProperties ?? []) { [Seed] = request.Seed };
            if (!string.IsNullOrEmpty(request.NegativePrompt))
            {
                wanted.AdditionalProperties[NegativePrompt] = request.NegativePrompt;
            }
            // Off this thread's context, so that a service that comes back to it cannot wait for itself.
            var response = Task.Run(
                    () => generator.GenerateAsync(new ImageGenerationRequest(request.Prompt), wanted, cancellation),
                    cancellation
                )
                .GetAwaiter()
                .GetResult();
            var data =
                response.Contents.OfType<DataContent>().FirstOrDefault(c => c.HasTopLevelMediaType("image"))
                ?? throw new InvalidDataException(
                    $"The image service gave no image for \"{request.Prompt}\""
                        + (response.Contents.OfType<UriContent>().Any() ? ", but an address; it must be asked for data." : ".")
                );
            try
            {
                return ImageFile.Decode(data.Data.Span, $"the image for \"{request.Prompt}\"");
            }
            catch (UnreadableImageException e)
            {
                throw new InvalidDataException($"The image service's answer cannot be decoded: {e.Message}", e);
            }
        });
    }
}
