using System.Globalization;
using AirMLNet.Clip;

namespace AirMLNet.Data;

/// <summary>
/// The layout that GRIP and CPL share with ELEVATER (<c>docs/methods.md</c> §9): <c>train.txt</c>, <c>val.txt</c>, <c>test.txt</c> with
/// lines "archive@relative/path label" (the label is the last field: paths have spaces), names in <c>class_names.txt</c> or
/// <c>labels.txt</c>; or, as RESISC45, <c>train.json</c> and so on in COCO's form with <c>file_name</c> "archive@CLASS/file", the class
/// being the image's folder. EuroSAT has no training list: its pool is what lies in the class folders.
/// </summary>
internal static class GripLayout
{
    private static readonly string[] NameFiles = ["class_names.txt", "labels.txt"];

    public static bool IsAt(string folder) =>
        File.Exists(Path.Combine(folder, "test.json"))
        || (File.Exists(Path.Combine(folder, "test.txt")) && NameFiles.Any(f => File.Exists(Path.Combine(folder, f))));

    /// <summary>Whether there is more than a file called as a list is, which any folder may have.</summary>
    public static bool IsWhole(string folder) =>
        IsAt(folder) && new[] { "train.json", "test.txt" }.Any(f => File.Exists(Path.Combine(folder, f)));

    public static ImageDataSet Read(KnownDataSet known, string folder, DataSetOptions options)
    {
        if (File.Exists(Path.Combine(folder, "test.json")))
        {
            return Coco(known, folder, options);
        }

        var namesFile = NameFiles.Select(f => Path.Combine(folder, f)).First(File.Exists);
        string[] names = [.. ListFiles.Lines(namesFile).Select(l => ClassPrompt.Spoken(l.Text))];
        var test = List(folder, "test", names.Length);
        var train =
            known.Name == "EuroSAT"
                ? ClassFolders(folder, names, test, options.Pool)
                : ListFiles.Pool(
                    List(folder, "train", names.Length),
                    File.Exists(Path.Combine(folder, "val.txt")) ? List(folder, "val", names.Length) : [],
                    options
                );
        return new(known.Name, namesFile, names, train, test);
    }

    private static List<LabelledImage> List(string folder, string part, int classes)
    {
        var file = Path.Combine(folder, part + ".txt");
        var images = new List<LabelledImage>();
        foreach ((var number, var text) in ListFiles.Lines(file))
        {
            var end = text.LastIndexOfAny([' ', '\t']);
            if (
                end < 0
                || !int.TryParse(text.AsSpan(end + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var label)
                || label >= classes
            )
            {
                throw new InvalidDataException(
                    $"{file}: line {number}: '{text}'; expected a path and, as the last field, a label 0..{classes - 1}."
                );
            }

            images.Add(new(Resolve(folder, part, text[..end].Trim(), $"{file}: line {number}"), label));
        }
        return images;
    }

    /// <summary>
    /// A listed file: beside the list, in the folder of its part or of all images, or, as the published code finds those of EuroSAT and
    /// RESISC45, in the folder that its name begins with.
    /// </summary>
    private static string Resolve(string folder, string part, string listed, string where)
    {
        foreach (var relative in Paths(listed))
        {
            var file = Path.GetFileName(relative);
            string[] places =
            [
                Path.Combine(folder, relative),
                Path.Combine(folder, part, relative),
                Path.Combine(folder, "images", relative),
                Path.Combine(folder, file[..Math.Max(0, file.LastIndexOf('_'))], file),
            ];
            if (Array.Find(places, File.Exists) is { } found)
            {
                return found;
            }
        }
        var inner = Paths(listed).First();
        throw new InvalidDataException($"{where} names {inner}, which is neither in {folder} nor in its folders '{part}' and 'images'.");
    }

    /// <summary>
    /// The path in "archive@path": what follows the last such sign. Where that is no file, the sign is part of a name, and what follows
    /// the first one is meant, or all of it.
    /// </summary>
    private static IEnumerable<string> Paths(string listed) =>
        new[] { listed[(listed.LastIndexOf('@') + 1)..], listed[(listed.IndexOf('@') + 1)..], listed }.Distinct();

    /// <summary>
    /// EuroSAT's pool. The test list says which folder is which class; folders without test images keep their place in the alphabet.
    /// </summary>
    private static IReadOnlyList<LabelledImage> ClassFolders(string folder, string[] names, List<LabelledImage> test, TrainingPool pool)
    {
        if (test.Count == 0)
        {
            throw new InvalidDataException($"{folder}/test.txt: no test images.");
        }

        var home = Path.GetDirectoryName(Path.GetDirectoryName(test[0].Path))!;
        string[] folders = [.. Directory.GetDirectories(home).Order(StringComparer.Ordinal)];
        var classes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var image in test)
        {
            var own = Path.GetDirectoryName(image.Path)!;
            if (classes.TryGetValue(own, out var before) && before != image.Class)
            {
                throw new InvalidDataException(
                    $"{folder}/test.txt: {image.Path} has label {image.Class}, but other images of its folder have {before}."
                );
            }

            classes[own] = image.Class;
        }
        for (var i = 0; i < folders.Length && folders.Length == names.Length; i++)
        {
            classes.TryAdd(folders[i], i);
        }

        HashSet<string> tested = [.. test.Select(t => t.Path)];
        return
        [
            .. folders
                .Where(classes.ContainsKey)
                .SelectMany(f =>
                    Directory
                        .EnumerateFiles(f)
                        .Where(ImageFolder.IsImage)
                        .Order(StringComparer.Ordinal)
                        .Where(path => pool == TrainingPool.Paper || !tested.Contains(path))
                        .Select(path => new LabelledImage(path, classes[f]))
                ),
        ];
    }

    private static ImageDataSet Coco(KnownDataSet known, string folder, DataSetOptions options)
    {
        // The order of the classes is that of the training list.
        var first = Path.Combine(folder, "train.json");
        var names = ListFiles.Json(first, root => root["categories"].Items.Select(c => ClassPrompt.Spoken(c["name"].Text)).ToArray());
        IReadOnlyList<LabelledImage> train = Part("train"),
            validation = File.Exists(Path.Combine(folder, "val.json")) ? Part("val") : [];
        return new(known.Name, first, names, ListFiles.Pool(train, validation, options), Part("test"));

        List<LabelledImage> Part(string part)
        {
            var file = Path.Combine(folder, part + ".json");
            return ListFiles.Json(
                file,
                root =>
                {
                    Dictionary<long, string> categories = [];
                    foreach (var category in root["categories"].Items)
                    {
                        if (!categories.TryAdd(category["id"].Whole, ClassPrompt.Spoken(category["name"].Text)))
                        {
                            throw category["id"].Bad("another number for each category");
                        }
                    }
                    Dictionary<long, JsonPlace> marked = [];
                    foreach (var a in root.Find("annotations")?.Items ?? [])
                    {
                        marked[a["image_id"].Whole] = a["category_id"];
                    }
                    var images = new List<LabelledImage>();
                    foreach (var image in root["images"].Items)
                    {
                        var listed = image["file_name"].Text;
                        var own = ClassPrompt.Spoken(Path.GetFileName(Path.GetDirectoryName(Paths(listed).First())) ?? "");
                        if (Array.IndexOf(names, own) < 0 && marked.TryGetValue(image["id"].Whole, out var id))
                        {
                            own = categories.TryGetValue(id.Whole, out var category) ? category : throw id.Bad("the number of a category");
                        }

                        var label = Array.IndexOf(names, own);
                        if (label < 0)
                        {
                            throw new InvalidDataException(
                                $"{file}: {image.Path}, {listed}: '{own}' is none of the categories of {first}."
                            );
                        }

                        images.Add(new(Resolve(folder, part, listed, $"{file}: {image.Path}"), label));
                    }
                    return images;
                }
            );
        }
    }
}
