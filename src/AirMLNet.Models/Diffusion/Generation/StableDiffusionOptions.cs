using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>How images are generated. Values are checked when they are set.</summary>
public sealed record StableDiffusionOptions
{
    /// <summary>Denoising steps.</summary>
    public int Steps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1000);
    } = 50;

    /// <summary>Weight of the prompt (classifier-free guidance, Ho and Salimans 2022); 1 or less for none.</summary>
    public double Guidance
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 7.5;

    /// <summary>
    /// Share in which the guided prediction is brought back to the deviation it has without guidance, 0 to 1 (φ of Lin et al. 2023); for
    /// models whose schedule ends in pure noise 0.7 is published.
    /// </summary>
    public double GuidanceRescale
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    }

    /// <summary>The scheduler; null for the model's own.</summary>
    public SchedulerKind? Scheduler { get; init; }

    /// <summary>Share of fresh noise in each step of <see cref="SchedulerKind.Ddim"/>, 0 to 1.</summary>
    public double Eta
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    }

    /// <summary>Height of the images in pixels, a multiple of the VAE's downscaling (8); null for the model's own.</summary>
    public int? Height
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 1, 8192) : null;
    }

    /// <summary>Width of the images, as <see cref="Height"/>.</summary>
    public int? Width
    {
        get;
        init => field = value is { } v ? OptionCheck.Range(v, 1, 8192) : null;
    }

    /// <summary>Images made at a time.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1024);
    } = 1;

    /// <summary>
    /// Receives a report after every step. Each image counts its denoising steps (the calls of the UNet) and one more for the decoding.
    /// </summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }
}
