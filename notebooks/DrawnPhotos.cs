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
        var missing = classes
            .SelectMany(
                (name, c) => Enumerable.Range(0, perClass).Select(i => (Name: name, File: FileOf(folder, name, i), Seed: (1000 * c) + i))
            )
            .Where(photo => !File.Exists(photo.File))
            .ToList();
        if (missing.Count == 0)
        {
            return folder;
        }

        using var pipeline = StableDiffusionPipeline.Load(model);
        var generator = new StableDiffusionGenerator(
            pipeline,
            new()
            {
                Steps = 12,
                Guidance = 3,
                BatchSize = 20,
            }
        );
        var requests = missing.Select(photo => new TextToImageRequest($"a photo of a {photo.Name}", photo.Seed)).ToList();
        foreach (var (image, photo) in generator.Generate(requests).Zip(missing))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(photo.File)!);
            ImageFile.SavePng(photo.File, image);
        }

        return folder;
    }

    private static string FileOf(string folder, string name, int number) => Path.Combine(folder, name, $"{number:00}.png");
}
