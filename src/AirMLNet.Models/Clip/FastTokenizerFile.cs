using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>
/// The <c>tokenizer.json</c> of Hugging Face's fast tokenizers, which holds vocabulary and merges in one file. Its other parts must be
/// those of CLIP's tokenizer, which are built in.
/// </summary>
/// <param name="Ids">The vocabulary.</param>
/// <param name="Merges">In the order of their ranks.</param>
/// <param name="Added">The tokens that the file adds to the vocabulary.</param>
internal sealed record FastTokenizerFile(
    Dictionary<string, int> Ids,
    IReadOnlyList<(string Left, string Right)> Merges,
    IReadOnlyList<(string Token, int Id)> Added
)
{
    // Runs of letters, single digits, runs of anything else: what begins CLIP's expression differs from version to version.
    private const string Pieces = @"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("model.type", "CLIP's tokenizer merges byte pairs.", "BPE"),
        new("model.end_of_word_suffix", "CLIP's tokenizer ends words so.", ClipVocabulary.EndOfWord),
        new("model.continuing_subword_prefix", "CLIP's tokenizer has none.", ""),
        new("model.byte_fallback", "All bytes are in the vocabulary.", false),
        new("model.ignore_merges", "Words are merged.", false),
        new("post_processor.type", "Texts stand between CLIP's start and end.", "RobertaProcessing", "TemplateProcessing", "ByteLevel"),
        new("model.dropout", "The same text has always the same tokens.", 0),
    ];

    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">It is damaged, or another tokenizer's.</exception>
    public static FastTokenizerFile Read(string path)
    {
        var file = ConfigFile.Open(path);
        if (file.At("model") is not JsonObject || file.At("model.vocab") is not JsonObject || file.At("model.merges") is not JsonArray)
        {
            throw new InvalidDataException($"{path}: model with vocab and merges was expected, as a tokenizer of byte pairs has.");
        }
        file.Refuse(RefusedKeys);
        if (file.At("model.end_of_word_suffix") is null)
        {
            throw file.Bad("model.end_of_word_suffix", $"\"{ClipVocabulary.EndOfWord}\", as CLIP's tokenizer has");
        }
        CheckSteps(file, "normalizer", "normalizers", "NFC", "Replace", "Lowercase");
        CheckSteps(file, "pre_tokenizer", "pretokenizers", "Split", "ByteLevel");
        if (!Steps(file, "normalizer", "normalizers").Any(s => TypeOf(s) == "Lowercase"))
        {
            throw file.Bad(
                "normalizer",
                "one with Lowercase: CLIP's texts are in lower case, and a tokenizer that keeps capitals is not built"
            );
        }
        if (!Steps(file, "pre_tokenizer", "pretokenizers").Any(s => PatternOf(s)?.EndsWith(Pieces, StringComparison.Ordinal) == true))
        {
            throw file.Bad("pre_tokenizer", $"one that splits by CLIP's expression, which ends in {Pieces}");
        }
        try
        {
            var ids = file.At("model.vocab")!.Deserialize<Dictionary<string, int>>()!;
            // Merges are texts of two symbols, or since 2024 lists of them.
            var lines = ((JsonArray)file.At("model.merges")!).Select(m =>
                m is JsonArray pair ? string.Join(' ', pair.Select(s => (string)s!)) : (string)m!
            );
            return new(ids, [.. ClipVocabulary.ReadMerges(lines, $"{path}: merges")], ReadAdded(file));
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException or ArgumentNullException)
        {
            throw new InvalidDataException($"{path}: vocab or merges do not have the form of a tokenizer.json.", e);
        }
    }

    private static List<(string, int)> ReadAdded(ConfigFile file)
    {
        try
        {
            return [.. (file.At("added_tokens") as JsonArray ?? []).Select(t => ((string)t!["content"]!, (int)t["id"]!))];
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or NullReferenceException or ArgumentNullException)
        {
            throw new InvalidDataException($"{file.Path}: added_tokens do not have the form of a tokenizer.json.", e);
        }
    }

    private static void CheckSteps(ConfigFile file, string key, string list, params string[] known)
    {
        foreach (var step in Steps(file, key, list))
        {
            if (TypeOf(step) is not { } type || !known.Contains(type))
            {
                throw file.Bad(key, $"of {string.Join(", ", known)} alone, as CLIP's tokenizer has");
            }
        }
    }

    // A step alone, or a sequence of them.
    private static IEnumerable<JsonNode?> Steps(ConfigFile file, string key, string list)
    {
        var node = file.At(key);
        if (TypeOf(node) == "Sequence" && (node as JsonObject)?[list] is JsonArray steps)
        {
            return steps;
        }
        return node is null ? [] : new[] { node };
    }

    private static string? TypeOf(JsonNode? step) => ((step as JsonObject)?["type"] as JsonValue)?.ToString();

    private static string? PatternOf(JsonNode? step) =>
        (((step as JsonObject)?["pattern"] as JsonObject)?["Regex"] as JsonValue)?.ToString();
}
