using System.Text.Json;
using System.Text.RegularExpressions;
using AirMLNet.Files;

namespace AirMLNet.Data;

/// <summary>A caption as a row.</summary>
internal sealed class CaptionRow
{
    /// <summary>The caption.</summary>
    public string Caption { get; set; } = "";

    /// <summary>The image that it was written for, as the file names it; blank where it does not.</summary>
    public string ImageId { get; set; } = "";
}

/// <summary>
/// Reads files of captions by their ending: <c>.json</c> as COCO has them, <c>.jsonl</c> as Localized Narratives, <c>.csv</c> or
/// <c>.tsv</c> with a column <c>caption</c>; all else as text with a caption in each line, or as Flickr8k and Flickr30k have them:
/// <c>IMAGE#0</c>, a tabulator and a caption, or a table whose head names the columns <c>image</c> and <c>caption</c>.
/// </summary>
internal static partial class CaptionFile
{
    private static readonly string[] ImageColumns = ["image_id", "imageid", "image", "file_name", "imagepath"];

    /// <summary>Reads a file of text; encodings as of <see cref="TextFile"/>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, of another form or encoding, or empty; the message names the line.</exception>
    public static IReadOnlyList<CaptionRow> Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no caption file {path}.", path);
        }
        var text = TextFile.ReadAll(path);
        var rows = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".json" => Coco(path, text),
            ".jsonl" or ".ndjson" => Narratives(path, TextFile.Lines(text)),
            ".csv" or ".tsv" => Csv(path, text),
            _ when FlickrTable().IsMatch(text) => Csv(path, text),
            _ => Plain(path, TextFile.Lines(text)),
        };
        return rows.Count > 0 ? rows : throw new InvalidDataException($"{path} holds no captions.");
    }

    /// <summary>One caption of each image, drawn with a seed; captions that name no image all stay.</summary>
    public static IReadOnlyList<CaptionRow> OnePerImage(IReadOnlyList<CaptionRow> rows, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. rows.Select((row, i) => (row, Key: row.ImageId.Length > 0 ? row.ImageId : $"\n{i}"))
                .GroupBy(r => r.Key, StringComparer.Ordinal)
                .Select(group => group.ToArray() is var all ? all[random.Next(all.Length)].row : null!),
        ];
    }

    /// <summary>A caption in each line; where the first line names its image, all must.</summary>
    private static List<CaptionRow> Plain(string path, string[] lines)
    {
        List<CaptionRow> rows = [];
        var named = lines.FirstOrDefault(line => !string.IsNullOrWhiteSpace(line)) is { } first && FlickrLine().IsMatch(first);
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i]))
            {
                continue;
            }
            var match = FlickrLine().Match(lines[i]);
            rows.Add(
                match.Success && named ? new() { ImageId = match.Groups["image"].Value, Caption = match.Groups["caption"].Value.Trim() }
                : !named ? new() { Caption = lines[i].Trim() }
                : throw new InvalidDataException($"{path}: line {i + 1} names no image (IMAGE#0, a tabulator, the caption), as others do.")
            );
        }
        return rows;
    }

    [GeneratedRegex(@"\A(?<image>[^\t]+)#\d+\t(?<caption>.*)\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex FlickrLine();

    [GeneratedRegex(@"\Aimage\s*,\s*caption\s*[\r\n]", RegexOptions.CultureInvariant)]
    private static partial Regex FlickrTable();

    private static List<CaptionRow> Coco(string path, string text)
    {
        using var document = JsonPlace.Parse(path, text);
        if (
            document.RootElement is not { ValueKind: JsonValueKind.Object } root
            || !root.TryGetProperty("annotations", out var annotations)
            || annotations.ValueKind != JsonValueKind.Array
        )
        {
            throw new InvalidDataException($"{path}: COCO captions were expected, an object with a list of \"annotations\".");
        }
        List<CaptionRow> rows = [];
        foreach (var (annotation, number) in annotations.EnumerateArray().Select((a, i) => (a, i)))
        {
            if (annotation.ValueKind != JsonValueKind.Object || !annotation.TryGetProperty("caption", out var caption))
            {
                var instances = annotation.ValueKind == JsonValueKind.Object && annotation.TryGetProperty("bbox", out _);
                throw new InvalidDataException(
                    $"{path}: annotation {number} has no caption{(instances ? "; these are instances, not captions." : ".")}"
                );
            }
            rows.Add(
                new()
                {
                    Caption =
                        Text(caption) ?? throw new InvalidDataException($"{path}: annotation {number} has no caption that is a text."),
                    ImageId = annotation.TryGetProperty("image_id", out var id) ? id.ToString() : "",
                }
            );
        }
        return rows;
    }

    /// <summary>A text without blanks around it; null for another value, or half of a pair of UTF-16.</summary>
    private static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()!.Trim() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static List<CaptionRow> Narratives(string path, string[] lines)
    {
        List<CaptionRow> rows = [];
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i]))
            {
                continue;
            }
            using var document = JsonPlace.Parse(path, lines[i], i + 1);
            rows.Add(
                document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("caption", out var caption)
                && Text(caption) is { } text
                    ? new() { Caption = text, ImageId = root.TryGetProperty("image_id", out var id) ? id.ToString() : "" }
                    : throw new InvalidDataException($"{path}: line {i + 1} has no \"caption\".")
            );
        }
        return rows;
    }

    private static List<CaptionRow> Csv(string path, string text)
    {
        var (head, rows) = CsvFile.Read(path, text);
        if (head.Length == 0)
        {
            return [];
        }
        int caption = CsvFile.Column(path, head, "caption"),
            image = CsvFile.ColumnOrNone(path, head, ImageColumns);
        return
        [
            .. rows.Select(row => new CaptionRow
            {
                Caption = row.Fields[caption].Trim(),
                ImageId = image < 0 ? "" : row.Fields[image].Trim(),
            }),
        ];
    }
}
