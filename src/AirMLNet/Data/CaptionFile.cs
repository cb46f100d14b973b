using System.Text;
using System.Text.Json;

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
/// Reads files of captions by their ending: <c>.json</c> as COCO has them, <c>.jsonl</c> as Localized Narratives, <c>.csv</c> with a column
/// <c>caption</c>, all else as text with a caption in each line.
/// </summary>
internal static class CaptionFile
{
    private static readonly string[] ImageColumns = ["image_id", "imageid", "image", "file_name", "imagepath"];

    /// <summary>Reads a file in UTF-8.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, of another form or encoding, or empty; the message names the line.</exception>
    public static IReadOnlyList<CaptionRow> Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no caption file {path}.", path);
        }
        string[] lines = [.. Lines(path)];
        var rows = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".json" => Coco(path, lines),
            ".jsonl" or ".ndjson" => Narratives(path, lines),
            ".csv" => Csv(path, lines),
            _ => [.. lines.Where(line => !string.IsNullOrWhiteSpace(line)).Select(line => new CaptionRow { Caption = line.Trim() })],
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

    private static IEnumerable<string> Lines(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw new InvalidDataException($"{path} is in UTF-16; captions are read in UTF-8. Save the file in that encoding.");
        }
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        var start = bytes is [0xEF, 0xBB, 0xBF, ..] ? 3 : 0;
        for (var number = 1; start < bytes.Length; number++)
        {
            var length = bytes.AsSpan(start).IndexOf((byte)'\n');
            var end = length < 0 ? bytes.Length : start + length;
            string line;
            try
            {
                line = strict.GetString(bytes, start, end - start).TrimEnd('\r');
            }
            catch (DecoderFallbackException e)
            {
                throw new InvalidDataException(
                    $"{path}: line {number} is not in UTF-8 (byte 0x{e.BytesUnknown![0]:X2}); save the file in that encoding.",
                    e
                );
            }
            yield return line;
            start = end + 1;
        }
    }

    private static List<CaptionRow> Coco(string path, string[] lines)
    {
        using var document = Parse(path, string.Join('\n', lines), 1);
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
            using var document = Parse(path, lines[i], i + 1);
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

    private static List<CaptionRow> Csv(string path, string[] lines)
    {
        var (head, rows) = CsvFile.Read(path, lines);
        int caption = Array.IndexOf(head, "caption"),
            image = Array.FindIndex(head, ImageColumns.Contains);
        return head.Length == 0 ? []
            : caption < 0
                ? throw new InvalidDataException(
                    $"{path}: line 1 was expected to name a column \"caption\"; it has {string.Join(", ", head)}."
                )
            :
            [
                .. rows.Select(row => new CaptionRow
                {
                    Caption = row.Fields[caption].Trim(),
                    ImageId = image < 0 ? "" : row.Fields[image].Trim(),
                }),
            ];
    }

    private static JsonDocument Parse(string path, string json, int firstLine)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: line {firstLine + (e.LineNumber ?? 0)} is not valid JSON: {e.Message}", e);
        }
    }
}
