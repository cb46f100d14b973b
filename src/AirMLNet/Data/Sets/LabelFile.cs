namespace AirMLNet.Data;

/// <summary>
/// What is in photos, by a CSV file with the columns <c>image</c> (or <c>path</c>) and <c>labels</c>, names of classes separated by
/// semicolons; other columns are not read. A class that is not named is not in the photo, and of a photo without a line nothing is known.
/// </summary>
internal sealed class LabelFile
{
    private static readonly string[] ImageColumns = ["image", "path", "imagepath", "file_name"];
    private readonly ImagePathMap<float[]> _labels;

    private readonly string _path;

    private LabelFile(string path, ImagePathMap<float[]> labels) => (_path, _labels) = (path, labels);

    /// <summary>Reads a file in UTF-8.</summary>
    /// <exception cref="InvalidDataException">It is not there, damaged, or names another class; the message names the line.</exception>
    public static LabelFile Read(string path, IReadOnlyList<string> classNames)
    {
        var (head, rows) = CsvFile.Read(path, ListFiles.Text(path));
        var (image, labels) = (CsvFile.Column(path, head, ImageColumns), CsvFile.Column(path, head, "labels"));
        ImagePathMap<float[]> map = new(path, contradict: (a, b) => !a.AsSpan().SequenceEqual(b));
        foreach (var (line, fields) in rows)
        {
            map.Add(line, fields[image].Trim(), Vector(fields[labels], classNames, $"{path}: line {line}"));
        }
        return new(path, map);
    }

    /// <summary>Labels of a photo, [C], 1 and 0; null where nothing is known of it.</summary>
    public float[]? Of(string path) => _labels.Find(path);

    /// <summary>What is to be said of lines that no photo was found by; null for nothing.</summary>
    public string? Unfound()
    {
        const int shown = 3;
        var lines = _labels.Unfound;
        return lines.Count == 0
            ? null
            : $"{_path}: {lines.Count} of its rows name none of the photos: "
                + $"{string.Join(", ", lines.Take(shown).Select(l => $"{l.Image} (line {l.Line})"))}{(lines.Count > shown ? ", …" : "")}.";
    }

    /// <summary>Names separated by semicolons as labels, [C].</summary>
    /// <exception cref="InvalidDataException">A name is no class.</exception>
    public static float[] Vector(string text, IReadOnlyList<string> classNames, string where)
    {
        var labels = new float[classNames.Count];
        foreach (var name in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            labels[
                SyntheticImageFolder.ClassOf(name, classNames)
                    ?? throw new InvalidDataException($"{where} has the label '{name}', which is no class.")
            ] = 1;
        }
        return labels;
    }
}
