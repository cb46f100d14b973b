using AirMLNet.Clip;

namespace AirMLNet.Data;

/// <summary>Data sets that are not among the known ones: folders of classes, or a CSV file of path, label and split.</summary>
internal static class GenericDataSets
{
    private static readonly string[] TrainParts = ["train", "pool"],
        TestParts = ["test"];

    /// <summary>
    /// <c>train/CLASS/*</c> (or <c>pool/</c>) and <c>test/CLASS/*</c>. Classes are the lines of <c>classes.txt</c> where there is one,
    /// otherwise the folders' names in ordinal order. Training images that lie in no class folder are unlabelled.
    /// </summary>
    /// <param name="folder">The folder of the parts.</param>
    /// <param name="name">What to call the data set; null: the folder's name.</param>
    /// <exception cref="DirectoryNotFoundException">A part is missing.</exception>
    /// <exception cref="InvalidDataException">A folder is no class, or a part has no images.</exception>
    public static ImageDataSet FromFolders(string folder, string? name = null)
    {
        var train = TrainPart(folder) ?? throw new DirectoryNotFoundException($"{folder}: expected a folder 'train' or 'pool' in it.");
        var test = TestPart(folder) ?? Path.Combine(folder, TestParts[0]);
        IReadOnlyList<ImageEntry> pool = ImageFolder.Open(train, labelsFromSubfolders: false).Entries,
            scored = ImageFolder.Open(test, labelsFromSubfolders: true).Entries;
        var list = Path.Combine(folder, "classes.txt");
        string[] names = File.Exists(list)
            ? [.. Data.ClassNames.Load(list).Select(ClassPrompt.Spoken)]
            :
            [
                .. new[] { train, test }
                    .SelectMany(ImageFolder.Subfolders)
                    .Select(ClassPrompt.Spoken)
                    .Order(StringComparer.Ordinal)
                    .Distinct(StringComparer.OrdinalIgnoreCase),
            ];
        return new(
            name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
            folder,
            names,
            [.. pool.Select(e => new LabelledImage(e.Path, OwnFolder(train, e.Path) is { } own ? Class(own, e.Path) : -1))],
            [.. scored.Select(e => new LabelledImage(e.Path, Class(e.Label!, e.Path)))]
        );

        int Class(string label, string path) =>
            Array.FindIndex(names, n => n.Equals(ClassPrompt.Spoken(label), StringComparison.OrdinalIgnoreCase)) is var c && c >= 0
                ? c
                : throw new InvalidDataException(
                    $"{path}: its folder '{label}' is none of the classes: {string.Join(", ", names.Take(20))}."
                );
    }

    /// <summary>
    /// A CSV file with a header and the columns <c>path</c> (relative to the file), <c>label</c> (empty where not known) and
    /// <c>split</c> (<c>train</c> or <c>pool</c>, <c>val</c>, <c>test</c>), in any order; further columns are ignored. Fields may be in
    /// double quotes, doubled within.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="name">What to call the data set; null: the file's name.</param>
    /// <param name="options">Validation part; null for the defaults.</param>
    /// <exception cref="InvalidDataException">
    /// A line is malformed or names a file that is not there; the message names the line.
    /// </exception>
    public static ImageDataSet FromCsv(string file, string? name = null, DataSetOptions? options = null)
    {
        var home = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var (header, lines) = CsvFile.Read(file, ListFiles.Text(file));
        int[] columns = [.. new[] { "path", "label", "split" }.Select(c => CsvFile.Column(file, header, c))];
        var rows = new List<(string Path, string Label, string Part)>();
        foreach (var (number, fields) in lines)
        {
            string path = Path.Combine(home, fields[columns[0]]),
                part = fields[columns[2]].Trim().ToLowerInvariant();
            if (part is not ("train" or "pool" or "val" or "test"))
            {
                throw new InvalidDataException($"{file}: line {number}: split '{part}'; expected train, pool, val or test.");
            }

            var label = ClassPrompt.Spoken(fields[columns[1]]);
            if (label.Length == 0 && part == "test")
            {
                throw new InvalidDataException($"{file}: line {number}: a test image needs a label.");
            }

            if (!File.Exists(path))
            {
                throw new InvalidDataException($"{file}: line {number} names {path}, which does not exist.");
            }

            rows.Add((path, label, part == "pool" ? "train" : part));
        }
        string[] names = [.. rows.Select(r => r.Label).Where(l => l.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        return new(
            name ?? Path.GetFileNameWithoutExtension(file),
            file,
            names,
            ListFiles.Pool(Part("train"), Part("val"), options ?? new()),
            Part("test")
        );

        List<LabelledImage> Part(string part) =>
            [
                .. rows.Where(r => r.Part == part)
                    .Select(r => new LabelledImage(r.Path, r.Label.Length == 0 ? -1 : Array.IndexOf(names, r.Label))),
            ];
    }

    /// <summary>The folder of training images within a folder of parts; null where there is none.</summary>
    public static string? TrainPart(string folder) => Part(folder, TrainParts);

    /// <summary>The folder of test images within a folder of parts; null where there is none.</summary>
    public static string? TestPart(string folder) => Part(folder, TestParts);

    // In capitals too: photos for the test must not be adapted to because someone wrote "Test".
    private static string? Part(string folder, string[] names)
    {
        var folders = Directory.Exists(folder) ? Directory.GetDirectories(folder) : [];
        return names
            .SelectMany(name =>
                folders
                    .Where(f => Path.GetFileName(f).Equals(name, StringComparison.OrdinalIgnoreCase))
                    .OrderDescending(StringComparer.Ordinal) // small letters first
            )
            .FirstOrDefault();
    }

    private static string? OwnFolder(string root, string path)
    {
        var relative = Path.GetRelativePath(root, path);
        var end = relative.IndexOf(Path.DirectorySeparatorChar);
        return end > 0 ? relative[..end] : null;
    }
}
