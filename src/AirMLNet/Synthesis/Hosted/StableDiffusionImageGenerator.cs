#pragma warning disable MEAI001 // experimental, as the classes below say of themselves
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AirMLNet.Diffusion;
using AirMLNet.Images;
using Microsoft.Extensions.AI;

namespace AirMLNet.Synthesis;

/// <summary>
/// A local Stable Diffusion model as an image generator of Microsoft.Extensions.AI. Safe for concurrent use; requests take turns.
/// </summary>
/// <remarks>
/// That package marks its interface as experimental (MEAI001), so this class is too. Of a request's options it uses
/// <c>Count</c>, <c>ImageSize</c> and the additional properties <c>seed</c> (a whole number; images beyond the first have the
/// next ones) and <c>negative_prompt</c>. Images are PNG data.
/// </remarks>
[Experimental("AIRML003")]
public sealed class StableDiffusionImageGenerator : IImageGenerator
{
    private readonly StableDiffusionPipeline _model;
    private readonly StableDiffusionOptions _options;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ImageGeneratorMetadata _metadata;

    /// <param name="model">The model, which stays the caller's.</param>
    /// <param name="options">How images are made; the defaults when null.</param>
    public StableDiffusionImageGenerator(StableDiffusionPipeline model, StableDiffusionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _options) = (model, options ?? new StableDiffusionOptions());
        _metadata = new ImageGeneratorMetadata("AirMLNet", null, Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Folder)));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// There is no prompt, the model cannot make images of the size, or the seed is not a number.
    /// </exception>
    /// <exception cref="NotSupportedException">The request has images to change: the model makes images of texts only.</exception>
    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request,
        ImageGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.OriginalImages?.Any() == true)
        {
            throw new NotSupportedException("OriginalImages has images; this model makes images of texts only.");
        }
        var prompt = request.Prompt ?? throw new ArgumentException("Prompt is null; expected a text.", nameof(request));
        var count = options?.Count ?? 1;
        if (count is < 1 or > 1024)
        {
            throw new ArgumentException($"Count = {count}; expected 1..1024.", nameof(options));
        }
        var seed = SeedOf(options?.AdditionalProperties);
        var negative =
            options?.AdditionalProperties?.TryGetValue(HostedImageGenerator.NegativePrompt, out var text) == true ? text?.ToString() : null;
        var how = options?.ImageSize is { } size ? _options with { Width = size.Width, Height = size.Height } : _options;
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(
                    () =>
                    {
                        var requests = Enumerable
                            .Range(0, count)
                            .Select(i => new TextToImageRequest(prompt, (seed + i) & int.MaxValue, negative))
                            .ToList();
                        return new ImageGenerationResponse([
                            .. _model
                                .Generate(requests, how, cancellationToken)
                                .Select(image => (AIContent)new DataContent(ImageCodec.EncodePng(image), "image/png")),
                        ]);
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ImageGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(_model) ? _model
            : null;
    }

    /// <summary>Frees what requests wait on; the model stays the caller's.</summary>
    public void Dispose() => _turn.Dispose();

    private static int SeedOf(AdditionalPropertiesDictionary? properties)
    {
        if (properties?.TryGetValue(HostedImageGenerator.Seed, out var value) != true || value is null)
        {
            return 1;
        }
        return int.TryParse(
            Convert.ToString(value, CultureInfo.InvariantCulture),
            NumberStyles.Integer,
            CultureInfo.InvariantCulture,
            out var seed
        )
            ? seed
            : throw new ArgumentException($"seed = '{value}'; expected a whole number.");
    }
}
