using System.Globalization;
using System.Text.Json;

namespace AirMLNet.Data;

/// <summary>
/// VOC2007, COCO2014 and NUS-WIDE in their published layouts (<c>docs/methods.md</c> §9): class names in the order of the noun tables, an
/// image without labels counts as all negative. The data sets of one label per image open as well, each image with its one label.
/// </summary>
internal static class MultiLabelDataSets
{
    /// <summary>Names of the data sets.</summary>
    public static IReadOnlyList<string> Names { get; } = ["VOC2007", "COCO2014", "NUS-WIDE", .. DataSets.Names];

    /// <summary>Opens one.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    /// <param name="folder">Its folder: <c>VOCdevkit/VOC2007</c>, <c>COCO</c>, <c>NUSWIDE</c>, or the folder above.</param>
    /// <param name="classNames">The names that classes are called by, in the data set's order; null for the data set's own.</param>
    /// <exception cref="ArgumentException">The name is not known.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder is not there or has another layout.</exception>
    /// <exception cref="InvalidDataException">A list is damaged; the message names file and line.</exception>
    public static MultiLabelDataSet Open(string name, string folder, IReadOnlyList<string>? classNames = null)
    {
        var set = name.ToUpperInvariant() switch
        {
            "VOC2007" => Voc(Find(folder, "ImageSets", "VOCdevkit/VOC2007", "VOC2007")),
            "COCO2014" => Coco(Find(folder, "annotations", "COCO", "coco")),
            "NUS-WIDE" => Nus(Find(folder, "ImageList", "NUSWIDE", "NUS-WIDE")),
            _ when DataSets.Names.Contains(name, StringComparer.OrdinalIgnoreCase) => OneLabel(DataSets.Open(name, folder)),
            _ => throw new ArgumentException($"There is no data set '{name}'; expected one of {string.Join(", ", Names)}."),
        };
        return classNames is null ? set
            : classNames.Count == set.ClassNames.Count ? set with { ClassNames = classNames }
            : throw new InvalidDataException($"{set.Name} has {set.ClassNames.Count} classes, but {classNames.Count} names were given.");
    }

    /// <summary>Opens a list of your own: a CSV file with the columns path, relative to it, split, and labels, separated by
    /// semicolons.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="file">The file.</param>
    /// <param name="classNames">The classes, in the order of the labels' slots.</param>
    /// <exception cref="InvalidDataException">The list is damaged or names another class; the message names the line.</exception>
    public static MultiLabelDataSet OpenCsv(string name, string file, IReadOnlyList<string> classNames)
    {
        Dictionary<string, List<MultiLabelImage>> parts = new(StringComparer.Ordinal) { ["train"] = [], ["test"] = [] };
        var home = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var (head, rows) = CsvFile.Read(file, ListFiles.Text(file));
        var (path, split, labels) = (
            CsvFile.Column(file, head, "path"),
            CsvFile.Column(file, head, "split"),
            CsvFile.Column(file, head, "labels")
        );
        foreach (var (line, fields) in rows)
        {
            if (!parts.TryGetValue(fields[split].Trim(), out var part))
            {
                throw new InvalidDataException($"{file}: line {line}: split '{fields[split]}'; expected train or test.");
            }
            var image = Path.Combine(home, fields[path].Trim());
            if (!File.Exists(image))
            {
                throw new InvalidDataException($"{file}: line {line} names {image}, which does not exist.");
            }
            part.Add(new(image, LabelFile.Vector(fields[labels], classNames, $"{file}: line {line}")));
        }
        return parts["test"].Count > 0
            ? new(name, classNames, parts["train"], parts["test"])
            : throw new InvalidDataException($"{file} has no test images.");
    }

    private static MultiLabelDataSet OneLabel(ImageDataSet set)
    {
        return new(set.Name, set.ClassNames, Part(set.Train), Part(set.Test));

        IReadOnlyList<MultiLabelImage> Part(IReadOnlyList<LabelledImage> images) =>
            [.. images.Where(i => i.Class >= 0).Select(i => new MultiLabelImage(i.Path, OneHot(i.Class)))];

        float[] OneHot(int label)
        {
            var labels = new float[set.ClassNames.Count];
            labels[label] = 1;
            return labels;
        }
    }

    private static string Find(string folder, string mark, params string[] below) =>
        below.Prepend("").Select(b => Path.Combine(folder, b)).FirstOrDefault(f => Directory.Exists(Path.Combine(f, mark)))
        ?? throw new DirectoryNotFoundException($"{folder}: no folder '{mark}' in it or in {string.Join(", ", below)}.");

    // Labels are 1, −1, and 0 for objects that are hard to see, which the published code counts as negative.
    private static MultiLabelDataSet Voc(string folder)
    {
        var lists = Path.Combine(folder, "ImageSets", "Main");
        string[] classes =
        [
            .. Directory
                .GetFiles(lists, "*_test.txt")
                .Select(f => Path.GetFileName(f)[..^"_test.txt".Length])
                .Order(StringComparer.Ordinal),
        ];
        return new("VOC2007", classes, Part("trainval", optional: true), Part("test", optional: false));

        IReadOnlyList<MultiLabelImage> Part(string part, bool optional)
        {
            Dictionary<string, float[]> images = new(StringComparer.Ordinal);
            List<string> order = [];
            foreach (var (name, c) in classes.Select((name, c) => (name, c)))
            {
                var file = Path.Combine(lists, $"{name}_{part}.txt");
                if (optional && !File.Exists(file))
                {
                    return [];
                }
                foreach (var (number, text) in ListFiles.Lines(file))
                {
                    var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                    if (
                        fields.Length != 2
                        || !int.TryParse(fields[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var label)
                    )
                    {
                        throw new InvalidDataException($"{file}: line {number} is '{text}'; an image and 1, 0 or -1 were expected.");
                    }
                    if (!images.TryGetValue(fields[0], out var labels))
                    {
                        images.Add(fields[0], labels = new float[classes.Length]);
                        order.Add(fields[0]);
                    }
                    labels[c] = label == 1 ? 1 : 0;
                }
            }
            return [.. order.Select(id => new MultiLabelImage(Path.Combine(folder, "JPEGImages", id + ".jpg"), images[id]))];
        }
    }

    private static MultiLabelDataSet Nus(string folder)
    {
        var concepts = ListFiles.Lines(Locate(folder, "Concepts81.txt")).Select(line => line.Text).ToArray();
        return new("NUS-WIDE", concepts, Part("Train"), Part("Test"));

        IReadOnlyList<MultiLabelImage> Part(string part)
        {
            var list = Path.Combine(folder, "ImageList", $"{part}Imagelist.txt");
            MultiLabelImage[] images =
            [
                .. ListFiles
                    .Lines(list)
                    .Select(line => new MultiLabelImage(
                        Path.Combine(folder, "Flickr", line.Text.Replace('\\', Path.DirectorySeparatorChar)),
                        new float[concepts.Length]
                    )),
            ];
            foreach (var (concept, c) in concepts.Select((concept, c) => (concept, c)))
            {
                var file = Locate(folder, $"Labels_{concept}_{part}.txt", "TrainTestLabels");
                var row = 0;
                foreach (var (number, text) in ListFiles.Lines(file))
                {
                    if (text is not ("0" or "1") || row >= images.Length)
                    {
                        throw new InvalidDataException(
                            $"{file}: line {number} is '{text}'; 0 or 1 was expected, and as many lines as "
                                + $" {Path.GetFileName(list)} has, {images.Length}."
                        );
                    }
                    images[row++].Labels[c] = text == "1" ? 1 : 0;
                }
                if (row != images.Length)
                {
                    throw new InvalidDataException($"{file} has {row} lines; {Path.GetFileName(list)} has {images.Length}.");
                }
            }
            return images;
        }
    }

    private static string Locate(string folder, string file, params string[] below) =>
        below.Append("").Append("ConceptsList").Append("Groundtruth").Select(b => Path.Combine(folder, b, file)).FirstOrDefault(File.Exists)
        ?? throw new InvalidDataException($"{folder}: there is no {file}.");

    private static MultiLabelDataSet Coco(string folder)
    {
        var (names, test) = Instances("val2014");
        var train = File.Exists(FileOf("train2014")) ? Instances("train2014").Images : [];
        return new("COCO2014", names, train, test);

        string FileOf(string part) => Path.Combine(folder, "annotations", $"instances_{part}.json");

        (IReadOnlyList<string> Names, IReadOnlyList<MultiLabelImage> Images) Instances(string part)
        {
            var (images, categories, pairs) = CocoInstances.Read(FileOf(part));
            var places = categories.Select((category, c) => (category.Id, c)).ToDictionary(p => p.Id, p => p.c);
            var rows = images.Select((image, i) => (image.Id, i)).ToDictionary(p => p.Id, p => p.i);
            MultiLabelImage[] result =
            [
                .. images.Select(image => new MultiLabelImage(Path.Combine(folder, part, image.File), new float[categories.Count])),
            ];
            foreach (var (image, category) in pairs)
            {
                if (!rows.TryGetValue(image, out var row) || !places.TryGetValue(category, out var c))
                {
                    throw new InvalidDataException(
                        $"{FileOf(part)}: an annotation names image {image} and category {category}, which are not listed."
                    );
                }
                result[row].Labels[c] = 1;
            }
            return ([.. categories.Select(category => category.Name)], result);
        }
    }
}

/// <summary>Reads COCO's instances token by token: their outlines, most of the file, are skipped.</summary>
internal static class CocoInstances
{
    /// <summary>Images and categories in the order of the file, and the pairs of both that annotations name.</summary>
    public static (
        IReadOnlyList<(long Id, string File)> Images,
        IReadOnlyList<(long Id, string Name)> Categories,
        IReadOnlyList<(long Image, long Category)> Pairs
    ) Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"{path}: the file does not exist.");
        }
        List<(long, string)> images = [],
            categories = [];
        List<(long, long)> pairs = [];
        var reader = new Utf8JsonReader(File.ReadAllBytes(path));
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var section = reader.GetString();
                reader.Read();
                if (section is not ("images" or "categories" or "annotations"))
                {
                    reader.Skip();
                    continue;
                }
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                {
                    var (id, text, image, category) = Entry(ref reader, section == "images" ? "file_name" : "name");
                    switch (section)
                    {
                        case "images":
                            images.Add((id, text));
                            break;
                        case "categories":
                            categories.Add((id, text));
                            break;
                        default:
                            pairs.Add((image, category));
                            break;
                    }
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{path}: not of the expected form: {e.Message}", e);
        }
        return images.Count > 0 && categories.Count > 0
            ? (images, categories, pairs)
            : throw new InvalidDataException(
                $"{path} lists {images.Count} images and {categories.Count} categories; COCO's instances were expected."
            );
    }

    private static (long Id, string Text, long Image, long Category) Entry(ref Utf8JsonReader reader, string name)
    {
        var (id, text, image, category) = (0L, "", 0L, 0L);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var property = reader.GetString()!;
            reader.Read();
            switch (property)
            {
                case "id" when reader.TokenType == JsonTokenType.Number:
                    id = reader.GetInt64();
                    break;
                case "image_id":
                    image = reader.GetInt64();
                    break;
                case "category_id":
                    category = reader.GetInt64();
                    break;
                case var _ when property == name:
                    text = reader.GetString() ?? "";
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return (id, text, image, category);
    }
}
