using AirMLNet.Diffusion;
using AirMLNet.Images;

namespace AirMLNet.Notebooks;

/// <summary>Photos to try the notebooks on where there are none: a small diffusion model draws them.</summary>
public static class DrawnPhotos
{
    /// <summary>Fills a folder with photos of 32×32 pixels, a sub-folder for each class; what is there already stays.</summary>
    /// <param name="folder">The folder; photos go to <c>FOLDER/CLASS/00.png</c> and so on.</param>
    /// <param name="classes">What to draw; the model knows the ten classes of CIFAR-10.</param>
    /// <param name="perClass">Photos of each class.</param>
    /// <param name="model">Folder of the diffusion model.</param>
    /// <returns>The folder.</returns>
    public static string Draw(string folder, IReadOnlyList<string> classes, int perClass, string model = "../models/mini-diffusion")
    {
        ArgumentNullException.ThrowIfNull(classes);
        Draw(
            [
                .. classes.SelectMany(
                    (name, c) =>
                        Enumerable
                            .Range(0, perClass)
                            .Select(i => (Caption: $"a photo of a {name}", FileOf(Path.Combine(folder, name), i), Seed: (1000 * c) + i))
                ),
            ],
            model
        );
        return folder;
    }

    /// <summary>Fills a folder with one picture of each caption; what is there already stays.</summary>
    /// <param name="folder">The folder; pictures go to <c>FOLDER/00.png</c> and so on.</param>
    /// <param name="captions">What to draw; the model knows the twenty classes of mini-scenes.</param>
    /// <param name="model">Folder of the diffusion model.</param>
    /// <returns>The files, in the order of the captions.</returns>
    public static IReadOnlyList<string> Draw(string folder, IReadOnlyList<string> captions, string model = "../models/scenes-diffusion")
    {
        List<(string Caption, string File, int Seed)> pictures = [.. captions.Select((caption, i) => (caption, FileOf(folder, i), i))];
        Draw(pictures, model);
        return [.. pictures.Select(p => p.File)];
    }

    private static void Draw(List<(string Caption, string File, int Seed)> pictures, string model)
    {
        var missing = pictures.Where(p => !File.Exists(p.File)).ToList();
        if (missing.Count == 0)
        {
            return;
        }

        using var pipeline = StableDiffusionPipeline.Load(model);
        var options = new StableDiffusionOptions
        {
            Steps = 12,
            Guidance = 3,
            BatchSize = 20,
        };
        var requests = missing.Select(p => new TextToImageRequest(p.Caption, p.Seed)).ToList();
        foreach (var (image, picture) in pipeline.Generate(requests, options).Zip(missing))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(picture.File)!);
            ImageFile.SavePng(picture.File, image);
        }
    }

    private static string FileOf(string folder, int number) => Path.Combine(folder, $"{number:00}.png");
}
