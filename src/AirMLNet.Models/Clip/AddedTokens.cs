using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>
/// The tokens that files of a tokenizer add to its vocabulary. Those that it has already are named again in every published folder; others
/// are words that were trained, as by textual inversion, which texts do not have here: left out, they would be read as ordinary letters.
/// </summary>
internal static class AddedTokens
{
    private const string List = "added_tokens.json",
        Configuration = "tokenizer_config.json",
        Key = "added_tokens_decoder";

    /// <summary>Adds what the files of a folder add.</summary>
    /// <param name="ids">The vocabulary, which may lack its start and its end.</param>
    /// <param name="folder">The tokenizer's folder, or the model's.</param>
    /// <param name="path">The folder's <c>tokenizer.json</c>; null for none.</param>
    /// <param name="fast">Its content.</param>
    /// <exception cref="InvalidDataException">They add another token, or one with another id than the vocabulary's.</exception>
    public static void Join(Dictionary<string, int> ids, string folder, string? path, FastTokenizerFile? fast)
    {
        if (ClipTokenizerFiles.Find(folder, List) is { } list)
        {
            Join(ids, list, ClipVocabulary.ReadIds(list).Select(p => (p.Key, p.Value)));
        }
        if (ClipTokenizerFiles.Find(folder, Configuration) is { } config && ConfigFile.Open(config) is var file && file.At(Key) is not null)
        {
            var decoder = file.Get<Dictionary<string, TokenText>>(Key);
            Join(
                ids,
                config,
                decoder.Select(p => (p.Value.Text, int.TryParse(p.Key, out var id) ? id : throw file.Bad(Key, "of ids and their tokens")))
            );
        }
        // The fast tokenizer is the one that transformers takes where a folder holds both.
        if (fast is not null)
        {
            Join(ids, path!, fast.Added);
        }
    }

    private static void Join(Dictionary<string, int> ids, string path, IEnumerable<(string Token, int Id)> added)
    {
        foreach (var (token, id) in added)
        {
            if (ids.TryGetValue(token, out var known))
            {
                if (known != id)
                {
                    throw new InvalidDataException($"{path}: the added token '{token}' has id {id}, in the vocabulary {known}.");
                }
            }
            else if (token is ClipVocabulary.StartText or ClipVocabulary.EndText)
            {
                ids[token] = id;
            }
            else
            {
                throw new InvalidDataException(
                    $"{path} adds '{token}', as textual inversion does; texts have no words of their own here. Without it the model "
                        + "is what it was before."
                );
            }
        }
    }
}
