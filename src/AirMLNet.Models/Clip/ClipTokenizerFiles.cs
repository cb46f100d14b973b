using System.IO.Compression;
using System.Text.Json;

namespace AirMLNet.Clip;

/// <summary>Finds a tokenizer's files in a model folder.</summary>
internal static class ClipTokenizerFiles
{
    public const string Archive = "bpe_simple_vocab_16e6.txt.gz";
    private const int DefaultContext = 77;
    private const int LongestContext = 100_000;

    /// <summary>The folder itself, or its sub-folder <c>tokenizer</c>, whichever holds the file.</summary>
    public static string? Find(string folder, string name) =>
        new[] { Path.Combine(folder, name), Path.Combine(folder, "tokenizer", name) }.FirstOrDefault(File.Exists);

    public static IEnumerable<string> ReadArchive(string path)
    {
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var reader = new StreamReader(gzip);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    public static int ContextLength(string folder)
    {
        var candidates = new (string File, string[] Path)[]
        {
            ("tokenizer_config.json", ["model_max_length"]),
            ("config.json", ["text_config", "max_position_embeddings"]),
            ("config.json", ["max_position_embeddings"]),
            ("open_clip_config.json", ["model_cfg", "text_cfg", "context_length"]),
        };
        foreach (var (file, path) in candidates)
        {
            if (Find(folder, file) is { } found && ReadNumber(found, path) is { } length)
            {
                return length;
            }
        }

        return DefaultContext;
    }

    /// <summary>The padding token's text, null where no file says.</summary>
    public static string? PadToken(string folder)
    {
        foreach (var name in new[] { "tokenizer_config.json", "special_tokens_map.json" })
        {
            if (Find(folder, name) is not { } file)
            {
                continue;
            }
            try
            {
                using var document = JsonDocument.Parse(File.ReadAllBytes(file));
                if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("pad_token", out var pad))
                {
                    // A text, or an object that holds it.
                    if (pad.ValueKind == JsonValueKind.Object && pad.TryGetProperty("content", out var content))
                    {
                        pad = content;
                    }
                    if (pad.ValueKind == JsonValueKind.String)
                    {
                        return pad.GetString();
                    }
                }
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{file}: not valid JSON: {e.Message}", e);
            }
        }

        return null;
    }

    private static int? ReadNumber(string file, string[] path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var node = document.RootElement;
            foreach (var name in path)
            {
                if (node.ValueKind != JsonValueKind.Object || !node.TryGetProperty(name, out node))
                {
                    return null;
                }
            }

            // Hugging Face writes 1e30 where it has no limit.
            return node.ValueKind == JsonValueKind.Number && node.TryGetDouble(out var value) && value is >= 3 and <= LongestContext
                ? (int)value
                : null;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: not valid JSON: {e.Message}", e);
        }
    }
}
