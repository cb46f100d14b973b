using System.Text.Json;
using AirMLNet.Images;

namespace AirMLNet.Testing;

/// <summary>
/// The five data sets of AiR's tables in the layout of GRIP and CPL, in small: a few pictures of four classes each, their lists as the
/// published ones are written.
/// </summary>
public static class PublishedSets
{
    private const int Classes = 4;

    /// <summary>Writes all five below a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="train">Training images of each class.</param>
    /// <param name="test">Test images of each class.</param>
    public static string Write(string folder, int train = 5, int test = 2)
    {
        Resisc(Path.Combine(folder, "RESICS45"), train, test);
        Lists(Path.Combine(folder, "FGVCAircraft"), "labels.txt", ["707-320", "737-200", "Cessna 172", "DC-10"], train, test);
        Lists(Path.Combine(folder, "Flowers102"), "class_names.txt", ["pink primrose", "fire lily", "thorn apple", "rose"], train, test);
        Lists(Path.Combine(folder, "DTD"), "class_names.txt", ["banded", "blotchy", "braided", "bubbly"], train, test);
        EuroSat(Path.Combine(folder, "EuroSAT"), train, test);
        return folder;
    }

    /// <summary>COCO's form: "archive@class_folder/file"; files in the classes' folders.</summary>
    public static void Resisc(string folder, int train, int test)
    {
        string[] names = ["airplane", "baseball_diamond", "beach", "thermal_power"];
        var number = 0;
        foreach (var (part, count) in new[] { ("train", train), ("val", 1), ("test", test) })
        {
            var images = new List<object>();
            for (var c = 0; c < Classes; c++)
            {
                for (var i = 0; i < count; i++)
                {
                    var file = $"{names[c]}/{names[c]}_{++number:000}.jpg";
                    Picture(Path.Combine(folder, file), c, number);
                    images.Add(
                        new
                        {
                            id = number,
                            file_name = $"{part}.zip@{file}",
                            height = 16,
                            width = 16,
                        }
                    );
                }
            }
            File.WriteAllText(
                Path.Combine(folder, part + ".json"),
                JsonSerializer.Serialize(new { categories = names.Select((name, id) => new { id = id + 1, name }), images })
            );
        }
    }

    /// <summary>"archive@class/file label"; files in the part's folder.</summary>
    private static void Lists(string folder, string namesFile, string[] names, int train, int test)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllLines(Path.Combine(folder, namesFile), names);
        var number = 0;
        foreach (var (part, count) in new[] { ("train", train), ("val", 1), ("test", test) })
        {
            var lines = new List<string>();
            for (var c = 0; c < Classes; c++)
            {
                for (var i = 0; i < count; i++)
                {
                    var file = $"{names[c]}/{++number:0000}.jpg";
                    Picture(Path.Combine(folder, part, file), c, number);
                    lines.Add($"{Path.GetFileName(folder)}_{part}.zip@{file} {c}");
                }
            }
            File.WriteAllLines(Path.Combine(folder, part + ".txt"), lines);
        }
    }

    /// <summary>A test list alone, and all images in the classes' folders.</summary>
    private static void EuroSat(string folder, int train, int test)
    {
        string[] folders = ["AnnualCrop", "Forest", "River", "SeaLake"];
        var lines = new List<string>();
        for (var c = 0; c < Classes; c++)
        {
            for (var i = 1; i <= train + test; i++)
            {
                var file = $"{folders[c]}/{folders[c]}_{i}.jpg";
                Picture(Path.Combine(folder, file), c, i);
                if (i > train)
                {
                    lines.Add($"eurosat.zip@2750/{file} {c}");
                }
            }
        }
        File.WriteAllLines(Path.Combine(folder, "class_names.txt"), ["annual crop land", "forest", "river", "lake or sea"]);
        File.WriteAllLines(Path.Combine(folder, "test.txt"), lines);
    }

    private static void Picture(string path, int @class, int seed) =>
        ImageFile.SavePng(path, TinyClip.Picture(@class, new Random((100 * @class) + seed)));
}
