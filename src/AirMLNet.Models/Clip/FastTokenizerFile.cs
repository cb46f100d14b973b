using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>
/// The <c>tokenizer.json</c> of Hugging Face's fast tokenizers, which holds vocabulary and merges in one file. Its other parts must be
/// those of CLIP's tokenizer, which are built in.
/// </summary>
internal static class FastTokenizerFile
{
    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("model.type", "CLIP's tokenizer merges byte pairs.", "BPE"),
        new("model.end_of_word_suffix", "CLIP's tokenizer ends words so.", ClipVocabulary.EndOfWord),
        new("model.continuing_subword_prefix", "CLIP's tokenizer has none.", ""),
        new("model.byte_fallback", "All bytes are in the vocabulary.", false),
        new("model.ignore_merges", "Words are merged.", false),
        new("model.dropout", "The same text has always the same tokens.", 0),
    ];

    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">It is damaged, or another tokenizer's.</exception>
    public static (Dictionary<string, int> Ids, List<(string Left, string Right)> Merges) Read(string path)
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
        try
        {
            var ids = file.At("model.vocab")!.Deserialize<Dictionary<string, int>>()!;
            // Merges are texts of two symbols, or since 2024 lists of them.
            var lines = ((JsonArray)file.At("model.merges")!).Select(m =>
                m is JsonArray pair ? string.Join(' ', pair.Select(s => (string)s!)) : (string)m!
            );
            return (ids, [.. ClipVocabulary.ReadMerges(lines, $"{path}: merges")]);
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException or ArgumentNullException)
        {
            throw new InvalidDataException($"{path}: vocab or merges do not have the form of a tokenizer.json.", e);
        }
    }

    /// <summary>The tokens that the file adds to the vocabulary.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static IReadOnlyList<(string Token, int Id)> ReadAdded(string path)
    {
        try
        {
            return [.. (ConfigFile.Open(path).At("added_tokens") as JsonArray ?? []).Select(t => ((string)t!["content"]!, (int)t["id"]!))];
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or NullReferenceException or ArgumentNullException)
        {
            throw new InvalidDataException($"{path}: added_tokens do not have the form of a tokenizer.json.", e);
        }
    }
}
