using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Files;

namespace AirMLNet.SmallModels;

/// <summary>Learns a small byte-pair vocabulary in Llama's form, and writes it as <c>tokenizer.json</c>.</summary>
internal static class LlamaVocabulary
{
    private const string Space = "▁";
    private static readonly string[] Special = ["<unk>", "<s>", "</s>"];

    /// <summary>Writes <c>tokenizer.json</c>: three special tokens, 256 bytes, the characters, the merges, and the image's token.</summary>
    /// <returns>Number of ids; the image's token has the last one.</returns>
    public static int Learn(IEnumerable<string> corpus, int merges, string folder)
    {
        // Words end where a space begins the next one; what is no letter stands for itself.
        var words = corpus
            .SelectMany(text => Space + text.Replace(" ", Space, StringComparison.Ordinal) is var whole ? Words(whole) : [])
            .GroupBy(w => w, StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (Symbols: g.Key.Select(c => c.ToString()).ToList(), Count: g.Count()))
            .ToList();
        var characters = words.SelectMany(w => w.Symbols).Where(s => s != "\n").Distinct().Order(StringComparer.Ordinal).ToList();
        var pairs = BytePairLearner.Merges(words, merges);
        List<string> vocabulary =
        [
            .. Special,
            .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"),
            .. characters,
            .. pairs.Select(p => p.Left + p.Right).Distinct(),
        ];
        JsonObject Added(int id, string token) =>
            new()
            {
                ["id"] = id,
                ["content"] = token,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = true,
            };
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. Special.Select((t, i) => Added(i, t)), Added(vocabulary.Count, "<image>")]),
            ["normalizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["normalizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Prepend", ["prepend"] = Space },
                    new JsonObject
                    {
                        ["type"] = "Replace",
                        ["pattern"] = new JsonObject { ["String"] = " " },
                        ["content"] = Space,
                    }
                ),
            },
            ["pre_tokenizer"] = null,
            ["post_processor"] = new JsonObject
            {
                ["type"] = "TemplateProcessing",
                ["single"] = new JsonArray(
                    new JsonObject
                    {
                        ["SpecialToken"] = new JsonObject { ["id"] = "<s>", ["type_id"] = 0 },
                    },
                    new JsonObject
                    {
                        ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 },
                    }
                ),
                ["special_tokens"] = new JsonObject
                {
                    ["<s>"] = new JsonObject
                    {
                        ["id"] = "<s>",
                        ["ids"] = new JsonArray(1),
                        ["tokens"] = new JsonArray("<s>"),
                    },
                },
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["vocab"] = new JsonObject(vocabulary.Select((t, i) => KeyValuePair.Create(t, (JsonNode?)i))),
                ["merges"] = new JsonArray([.. pairs.Select(p => (JsonNode)$"{p.Left} {p.Right}")]),
            },
        };
        Directory.CreateDirectory(folder);
        var json = root.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        AtomicFile.WriteText(Path.Combine(folder, "tokenizer.json"), json + "\n");
        return vocabulary.Count + 1;
    }

    private static IEnumerable<string> Words(string text)
    {
        var start = 0;
        for (var i = 1; i <= text.Length; i++)
        {
            var isEnd = i == text.Length || text[i] == Space[0] || text[i] == '\n' || char.IsLetter(text[i]) != char.IsLetter(text[i - 1]);
            // A space stays with the word that it begins.
            if (isEnd && !(i < text.Length && text[i - 1] == Space[0] && i - 1 == start && char.IsLetter(text[i])))
            {
                if (text[start..i] is not "\n" and { Length: > 0 } word)
                {
                    yield return word;
                }

                start = i;
            }
        }
    }
}
