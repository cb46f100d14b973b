using System.Globalization;
using AirMLNet.Llava;
using static TorchSharp.torch;

namespace AirMLNet.Captions;

/// <summary>
/// Texts of a LLaVA-NeXT that runs in this process, such as <c>llava-hf/llava-v1.6-mistral-7b-hf</c> or <c>models/mini-captioner</c>.
/// </summary>
public sealed class LlavaCaptioner : ICaptioner, IDisposable
{
    private LlavaCaptioner(LlavaNext model) => Model = model;

    /// <summary>The model; disposed with this.</summary>
    public LlavaNext Model { get; }

    /// <inheritdoc/>
    public string Identity =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"llava {Model.WeightsSha256}; {Model.SettingsSha256}; {Model.Options.Precision}; {Model.Options.MaxTokens} tokens; "
                + $"{Model.Options.Template}"
        );

    /// <summary>Loads the model; arguments and exceptions are those of <see cref="LlavaNext.Load"/>.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="device">Where to run; CPU when null.</param>
    /// <param name="options">How; float32 when null.</param>
    public static LlavaCaptioner Load(string folder, Device? device = null, LlavaNextOptions? options = null) =>
        new(LlavaNext.Load(folder, device, options));

    /// <inheritdoc/>
    public Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Task.Run(() => Model.Answer(request.Image, request.Prompt, cancellation), cancellation);
    }

    /// <summary>Frees the model.</summary>
    public void Dispose() => Model.Dispose();
}
