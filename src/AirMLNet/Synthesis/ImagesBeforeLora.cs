using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Data;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using AirMLNet.Options;
using static TorchSharp.torch;

namespace AirMLNet.Synthesis;

/// <summary>
/// The first images of a work folder as the diffusion model makes them without LoRA: same prompts, seeds and settings (AiR, figure 7). They
/// are kept in a folder of their own within it.
/// </summary>
internal static class ImagesBeforeLora
{
    private const string FolderName = "before";
    private const string Lora = "lora";

    // What may differ between both sets: the adapter, and how many images were made of how many prompts.
    private static readonly string[] Own = [Lora, "lora weight", ImageSynthesizer.ImagesKey, Prompts];
    private const string Prompts = "prompts";

    /// <summary>Whether the images of a folder are known to be made with an adapter.</summary>
    public static bool UsedLora(string work) => Manifest(work) is { } made && Text(made, Lora).Length > 0;

    /// <summary>
    /// The folder with the images that were made before; null where there are none, or those of other images than are there now.
    /// </summary>
    public static string? Find(string work)
    {
        var place = Path.Combine(work, FolderName);
        return
            UsedLora(work)
            && Manifest(place) is { } before
            && Fits(before, Manifest(work)!)
            && Directory.EnumerateFiles(place, "*.png", SearchOption.AllDirectories).Any() // an interrupted run may have none yet
            ? place
            : null;
    }

    /// <summary>Makes those that are missing.</summary>
    /// <param name="work">The work folder of a synthesis, or the output of <c>airml synthesize --classes</c>.</param>
    /// <param name="diffusion">Folder of the model that made its images.</param>
    /// <param name="classNames">C names.</param>
    /// <param name="each">Images of each class, at most as many as it has.</param>
    /// <param name="most">Classes, the first ones of the work folder; 2 or more.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="progress">Receives a report after each denoising step.</param>
    /// <param name="cancellation">Checked at every denoising step.</param>
    /// <exception cref="InvalidDataException">The folder does not say how its images were made, or they were made without LoRA, by
    /// another model or of captions.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static void Make(
        string work,
        string diffusion,
        IReadOnlyList<string> classNames,
        int each,
        int most,
        Device device,
        IProgress<ProgressReport>? progress,
        CancellationToken cancellation
    )
    {
        var made =
            Manifest(work)
            ?? throw new InvalidDataException(
                $"{work} has no {ImageSynthesizer.Manifest}, which says with which prompts and seeds its images were made; "
                    + "images before LoRA are made with the same."
            );
        if (!UsedLora(work))
        {
            throw new InvalidDataException($"The images of {work} were made without LoRA: there are none before it.");
        }

        if (Text(made, "model") != StableDiffusionPipeline.FingerprintOf(diffusion))
        {
            throw new InvalidDataException($"The images of {work} were made by another model than {diffusion}.");
        }

        var options = Settings(made) with { Progress = progress };
        using var model = StableDiffusionPipeline.Load(
            diffusion,
            device,
            Enum.Parse<ScalarType>(Text(made, "precision")),
            options.Scheduler
        );
        var generator = new StableDiffusionGenerator(model, options);
        new ImageSynthesizer(
            generator,
            new ImageSynthesizerOptions
            {
                Output = Path.Combine(work, FolderName),
                Prompts = [.. Lines(made).Take(most).Select(line => Prompt(work, line, classNames))],
                // Folders of earlier versions do not say how many there are.
                ImagesPerPrompt = Math.Min(each, made[ImageSynthesizer.ImagesKey]?.GetValue<int>() ?? each),
                Seed = int.Parse(Text(made, "seed"), CultureInfo.InvariantCulture),
                NegativePrompt = Text(made, "negativePrompt") is { Length: > 0 } negative ? negative : null,
                Settings = generator.Settings(),
                CancellationToken = cancellation,
            }
        ).Run();
    }

    private static JsonObject? Manifest(string folder)
    {
        var file = Path.Combine(folder, ImageSynthesizer.Manifest);
        return File.Exists(file) ? ConfigFile.Open(file).Root : null;
    }

    private static string Text(JsonObject made, string key) => made[key] is JsonValue value ? value.ToString() : "";

    private static StableDiffusionOptions Settings(JsonObject made)
    {
        double Number(string key) => Text(made, key) is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture) : 0;
        int[] size = [.. Text(made, "size").Split('x').Select(s => int.Parse(s, CultureInfo.InvariantCulture))];
        return new()
        {
            Steps = (int)Number("steps"),
            Guidance = Number("guidance"),
            GuidanceRescale = Number("guidance rescale"),
            Eta = Number("eta"),
            Scheduler = Enum.GetValues<SchedulerKind>().Single(k => SchedulerConfig.ClassName(k) == Text(made, "scheduler")),
            Width = size[0],
            Height = size[1],
        };
    }

    /// <summary>A prompt as the file has it: the class, a colon and the text; either may have colons itself.</summary>
    private static SynthesisPrompt Prompt(string work, string line, IReadOnlyList<string> classNames)
    {
        for (var at = line.IndexOf(": ", StringComparison.Ordinal); at >= 0; at = line.IndexOf(": ", at + 1, StringComparison.Ordinal))
        {
            if (SyntheticImageFolder.ClassOf(line[..at], classNames) is not null)
            {
                return new(line[(at + 2)..], line[..at]);
            }
        }

        throw new InvalidDataException($"{work} has images of '{line}', which is none of the classes: {string.Join(", ", classNames)}.");
    }

    private static bool Fits(JsonObject before, JsonObject made)
    {
        static IEnumerable<(string, string)> Rest(JsonObject o) =>
            o.Where(p => !Own.Contains(p.Key)).Select(p => (p.Key, p.Value!.ToJsonString())).Order();
        string[] some = Lines(before),
            all = Lines(made);
        return Rest(before).SequenceEqual(Rest(made)) && all.Take(some.Length).SequenceEqual(some);
    }

    private static string[] Lines(JsonObject made) => [.. made[Prompts]?.AsArray().Select(p => p!.ToString()) ?? []];
}
