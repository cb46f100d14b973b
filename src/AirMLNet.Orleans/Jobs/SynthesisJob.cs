using AirMLNet.Clip;
using AirMLNet.Options;

namespace AirMLNet.Cluster;

/// <summary>
/// Images of prompts, in a folder: what <c>airml synthesize</c> writes, bit for bit where the number of threads and the kind of device are
/// the same. A piece makes whole batches; the last one makes the contact sheet.
/// </summary>
public sealed record SynthesisJob : ClusterJob
{
    /// <summary>Folder of the diffusion model, in diffusers' layout.</summary>
    public required string Diffusion
    {
        get;
        init => field = Absolute(value);
    }

    /// <summary>
    /// Text file with one class name a line; images go to a sub-folder per class. Either this or <see cref="PromptsFile"/>.
    /// </summary>
    public string? ClassesFile
    {
        get;
        init => field = value is null ? null : Absolute(value);
    }

    /// <summary>Text file with one prompt a line, such as captions.</summary>
    public string? PromptsFile
    {
        get;
        init => field = value is null ? null : Absolute(value);
    }

    /// <summary>What is written before a class name, such as <c>Flowers:</c>.</summary>
    public string Domain { get; init; } = ClassPrompt.DefaultDescription;

    /// <summary>Folder to write to.</summary>
    public required string Output
    {
        get;
        init => field = Absolute(value);
    }

    /// <summary>LoRA file that adapts the model; null for none.</summary>
    public string? Lora
    {
        get;
        init => field = value is null ? null : Absolute(value);
    }

    /// <summary>Images of each prompt or class, 1..100,000.</summary>
    public int ImagesPerPrompt
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 1;

    /// <summary>Seed, 0 or more.</summary>
    public int Seed
    {
        get;
        init => field = OptionCheck.Range(value, 0, int.MaxValue);
    } = 1;

    /// <summary>What images must not show; null for nothing in particular.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Denoising steps, 1..1,000.</summary>
    public int Steps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1000);
    } = 50;

    /// <summary>Weight of the prompt, 0..100; 1 for none.</summary>
    public double Guidance
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 7.5;

    /// <summary>Images made at a time, 1..1,024.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1024);
    } = 1;
}
