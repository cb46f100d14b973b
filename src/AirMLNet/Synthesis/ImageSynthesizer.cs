using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Data;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Optimisation;

namespace AirMLNet.Synthesis;

/// <summary>
/// Makes the images of prompts in a folder. Each is there when it is whole; an interrupted run continues where it was and ends
/// with the same files as one that was not interrupted.
/// </summary>
/// <param name="generator">Makes the images.</param>
/// <param name="options">Which, and where they go.</param>
internal sealed class ImageSynthesizer(ITextToImageGenerator generator, ImageSynthesizerOptions options)
{
    /// <summary>The file that says how the images were made.</summary>
    public const string Manifest = ImageFolder.SynthesisManifest;

    /// <summary>The member of it that says how many images each prompt has.</summary>
    public const string ImagesKey = "images";

    /// <summary>The folder of the images, and how their names end.</summary>
    public const string ImagesFolder = "images",
        ImageEnding = ".png";

    /// <summary>The picture of all images, which <see cref="ImageFolder"/> leaves out.</summary>
    public const string ContactSheetName = ImageFolder.ContactSheetName;

    private const string ClassEnd = ": "; // in the manifest

    // Captions may be a hundred thousand; a sheet is to be looked at.
    private const int MostOnSheet = 1000;

    /// <summary>Whether a folder is that of one of a manifest's prompts, as far as its name can be of one.</summary>
    /// <param name="folder">From the output on, such as <c>images/cat</c>.</param>
    /// <param name="prompts">The prompts as the manifest has them; those of a class begin with it.</param>
    public static bool IsFolderOf(string folder, JsonArray prompts)
    {
        var name = Path.GetFileName(folder);
        return Path.GetDirectoryName(folder) != ImagesFolder
            ? folder == ImagesFolder && prompts.Count == 1
            : (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < prompts.Count)
                || prompts.Any(p => Classes(p!.GetValue<string>()).Any(c => SyntheticImageFolder.NameOf(c) == name));

        // The class may hold what ends it.
        static IEnumerable<string> Classes(string prompt)
        {
            for (var end = 0; (end = prompt.IndexOf(ClassEnd, end, StringComparison.Ordinal)) >= 0; end++)
            {
                yield return prompt[..end];
            }
        }
    }

    /// <summary>The number of an image in its folder, from 0, by its name; one beyond all where it is none.</summary>
    public static int NumberOf(string file) =>
        Path.GetExtension(file) == ImageEnding
        && int.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : int.MaxValue;

    /// <summary>Makes what is missing, then the contact sheet.</summary>
    /// <exception cref="ArgumentException">There is no prompt, or two classes would share a folder.</exception>
    /// <exception cref="InvalidDataException">
    /// The folder holds images that were made in another way; the message says what differs.
    /// </exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public SynthesisResult Run()
    {
        if (options.Prompts.Count == 0)
        {
            throw new ArgumentException("Prompts is empty; expected 1 or more.");
        }
        var folders = Folders();
        var manifest = CheckedManifest();
        List<(string File, TextToImageRequest Request)> all = [];
        var digits = Math.Max(4, (options.ImagesPerPrompt - 1).ToString(CultureInfo.InvariantCulture).Length);
        for (var p = 0; p < options.Prompts.Count; p++)
        {
            for (var i = 0; i < options.ImagesPerPrompt; i++)
            {
                var name = i.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0') + ImageEnding;
                all.Add(
                    (Path.Combine(folders[p], name), new TextToImageRequest(options.Prompts[p].Text, SeedOf(p, i), options.NegativePrompt))
                );
            }
        }
        var own = all.Chunk(options.GroupSize).Where((_, group) => options.Shard.Owns(group)).ToList();
        var missing = own.Where(group => group.Any(a => !File.Exists(a.File))).SelectMany(group => group).ToList();
        // What cannot be made is refused here, before anything is written.
        var images = generator.Generate([.. missing.Select(m => m.Request)], options.CancellationToken);
        var file = Path.Combine(options.Output, Manifest);
        var (isNew, isNewFolder) = (!File.Exists(file), !Directory.Exists(options.Output));
        // Written once: many parts begin here, and each would have a moment at which a kill leaves half of it.
        if (isNew || File.ReadAllText(file) != manifest)
        {
            AtomicFile.WriteText(file, manifest);
        }
        try
        {
            return Make(images, all, own, missing);
        }
        catch when (isNew && !all.Exists(a => File.Exists(a.File)))
        {
            // Without an image there is nothing that a corrected run would have to fit.
            File.Delete(file);
            if (isNewFolder && !Directory.EnumerateFileSystemEntries(options.Output).Any())
            {
                Directory.Delete(options.Output);
            }
            throw;
        }
    }

    private SynthesisResult Make(
        IEnumerable<RgbImage> images,
        List<(string File, TextToImageRequest Request)> all,
        List<(string File, TextToImageRequest Request)[]> own,
        List<(string File, TextToImageRequest Request)> missing
    )
    {
        var clock = Stopwatch.StartNew();
        var (made, count) = (0, own.Sum(group => group.Length));
        foreach (var image in images)
        {
            if (!File.Exists(missing[made].File))
            {
                ImageFile.SavePng(missing[made].File, image);
            }
            made++;
            options.Progress?.Report(
                new("Synthesis", "generating images", count - missing.Count + made, count, PerSecond: made / clock.Elapsed.TotalSeconds)
            );
            options.CancellationToken.ThrowIfCancellationRequested();
        }
        if (made < missing.Count)
        {
            throw new InvalidOperationException($"{missing.Count} images were asked for, but the generator gave {made}.");
        }
        var seconds = clock.Elapsed.TotalSeconds;
        return new SynthesisResult(
            [.. own.SelectMany(group => group).Select(a => a.File)],
            made,
            Sheet([.. all.Select(a => a.File)]),
            seconds
        );
    }

    /// <summary>The picture of all images; null while some are missing, which another shard makes.</summary>
    private string? Sheet(string[] files)
    {
        if (!options.Shard.IsWhole && !files.All(File.Exists))
        {
            return null;
        }

        var sheet = Path.Combine(options.Output, ContactSheetName);
        ImageFile.SavePng(sheet, ContactSheet.Of([.. files.Chunk(options.ImagesPerPrompt).Take(MostOnSheet)]));
        return sheet;
    }

    // One prompt: seeds in a row, so that one image can be made again by hand. Several: unrelated noise.
    private int SeedOf(int prompt, int image) =>
        options.Prompts.Count == 1
            ? (int)(((long)options.Seed + image) & int.MaxValue)
            : SeededRandom.Create(options.Seed, prompt, image).Next();

    private List<string> Folders()
    {
        var images = Path.Combine(options.Output, ImagesFolder);
        List<string> folders =
        [
            .. options.Prompts.Select(
                (prompt, i) =>
                    prompt.Class is { } name ? Path.Combine(images, SyntheticImageFolder.NameOf(name))
                    : options.Prompts.Count == 1 ? images
                    : Path.Combine(images, i.ToString("D4", CultureInfo.InvariantCulture))
            ),
        ];
        var twice = folders
            .Zip(options.Prompts)
            .GroupBy(f => f.First, StringComparer.OrdinalIgnoreCase)
            .FirstOrDefault(group => group.Count() > 1);
        return twice is null
            ? folders
            : throw new ArgumentException(
                $"The images of the classes {string.Join(" and ", twice.Take(2).Select(f => $"'{f.Second.Class}'"))} would go to one "
                    + $"folder, {twice.Key}; expected names that differ as folder names, which have {SyntheticImageFolder.LongestName} "
                    + "characters at most."
            );
    }

    private string CheckedManifest()
    {
        JsonObject now = new()
        {
            ["seed"] = options.Seed.ToString(CultureInfo.InvariantCulture),
            ["negativePrompt"] = options.NegativePrompt ?? "",
            ["prompts"] = new JsonArray([
                .. options.Prompts.Select(p => (JsonNode)(p.Class is null ? p.Text : $"{p.Class}{ClassEnd}{p.Text}")),
            ]),
        };
        foreach (var (key, value) in options.Settings.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            now[key] = value;
        }
        var file = Path.Combine(options.Output, Manifest);
        if (File.Exists(file))
        {
            var before = ConfigFile.Open(file);
            // More images of the same prompts may be asked for; anything else would mix two sets.
            foreach (var (key, value) in now)
            {
                if (before.Root[key]?.ToJsonString() is var was && was != value!.ToJsonString())
                {
                    throw new InvalidDataException(
                        $"{options.Output} holds images made with another {key} "
                            + $"({was ?? "none"}, now {value!.ToJsonString()}); choose another folder."
                    );
                }
            }
        }
        now[ImagesKey] = options.ImagesPerPrompt;
        return ConfigFile.Write(now);
    }
}
