using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Files;

namespace AirMLNet.Llava;

/// <summary>Where a space is put before a text.</summary>
internal enum LlamaPrepend
{
    /// <summary>Nowhere.</summary>
    Never,

    /// <summary>Before every part between added tokens.</summary>
    Always,

    /// <summary>Before every part between added tokens that does not begin with one.</summary>
    Unless,

    /// <summary>Before the first part, where it does not begin with one.</summary>
    First,
}

/// <summary>A token that is found in a text before it is merged.</summary>
internal sealed record LlamaAddedToken(int Id, string Text, bool StripLeft, bool StripRight);

/// <summary>What <c>tokenizer.json</c> says of a tokenizer of Llama's kind. Other kinds are refused.</summary>
internal sealed class LlamaTokenizerFile
{
    internal static readonly RefusedKey[] RefusedKeys =
    [
        new("model.type", "Only byte-pair encoding is built.", "BPE"),
        new("model.continuing_subword_prefix", "Tokens have no prefix.", ""),
        new("model.end_of_word_suffix", "Tokens have no suffix.", ""),
        new("model.ignore_merges", "Merges are always followed.", false),
    ];

    private readonly string _path;

    private LlamaTokenizerFile(string path, JsonObject root)
    {
        _path = path;
        var model = root["model"] as JsonObject ?? throw Bad("model", "an object with vocab and merges");
        Vocabulary = Read(model, "vocab", n => ((JsonObject)n).ToDictionary(p => p.Key, p => (int)p.Value!, StringComparer.Ordinal));
        if (Vocabulary.Count == 0 || Vocabulary.Values.Any(id => id is < 0 or > 10_000_000))
        {
            throw Bad("model.vocab", "a token and its id, one or more times");
        }

        Merges = Read(model, "merges", n => Pairs((JsonArray)n));
        ByteFallback = (bool?)model["byte_fallback"] ?? false;
        FuseUnknown = (bool?)model["fuse_unk"] ?? false;
        Unknown = (string?)model["unk_token"] is { } unknown && Vocabulary.TryGetValue(unknown, out var id) ? id : null;
        var added = (root["added_tokens"] as JsonArray ?? []).Select(n => n!).ToList();
        Added =
        [
            .. added.Select(n => new LlamaAddedToken(
                (int)n["id"]!,
                (string)n["content"]!,
                (bool?)n["lstrip"] ?? false,
                (bool?)n["rstrip"] ?? false
            )),
        ];
        Special = added.Where(n => (bool?)n["special"] ?? false).Select(n => (int)n["id"]!).ToHashSet();
        Prepend = Spaces(root);
        (Before, After) = Frame(root["post_processor"]);
    }

    public IReadOnlyDictionary<string, int> Vocabulary { get; }

    /// <summary>By the ids of a pair: its rank and the id of both together.</summary>
    public IReadOnlyDictionary<(int Left, int Right), (int Rank, int Id)> Merges { get; }

    public bool ByteFallback { get; }

    /// <summary>Whether neighbours that are unknown become one.</summary>
    public bool FuseUnknown { get; }

    public int? Unknown { get; }

    public IReadOnlyList<LlamaAddedToken> Added { get; }

    public IReadOnlySet<int> Special { get; }

    public LlamaPrepend Prepend { get; }

    /// <summary>Ids put before a text.</summary>
    public IReadOnlyList<int> Before { get; }

    /// <summary>Ids put after a text.</summary>
    public IReadOnlyList<int> After { get; }

    public static LlamaTokenizerFile Read(string path)
    {
        var file = ConfigFile.Open(path);
        file.Refuse(RefusedKeys);
        try
        {
            return new(path, file.Root);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or InvalidCastException or NullReferenceException)
        {
            throw new InvalidDataException($"{path} is no tokenizer of Llama's kind: {e.Message}", e);
        }
    }

    private Dictionary<(int, int), (int, int)> Pairs(JsonArray merges)
    {
        Dictionary<(int, int), (int, int)> pairs = new(merges.Count);
        foreach (var (rank, node) in merges.Index())
        {
            // "a b" in older files, ["a", "b"] in newer ones.
            var pair = node is JsonArray list ? [.. list.Select(p => (string)p!)] : ((string)node!).Split(' ');
            if (
                pair.Length != 2
                || !Vocabulary.TryGetValue(pair[0], out var left)
                || !Vocabulary.TryGetValue(pair[1], out var right)
                || !Vocabulary.TryGetValue(pair[0] + pair[1], out var both)
            )
            {
                throw Bad($"model.merges[{rank}]", "two tokens of the vocabulary, which has them joined too");
            }

            pairs.TryAdd((left, right), (rank, both));
        }

        return pairs;
    }

    // Spaces become ▁ by a normaliser, or by a pre-tokenizer of later files.
    private LlamaPrepend Spaces(JsonObject root)
    {
        var normalisers = Steps(root["normalizer"], "normalizers");
        var isReplaced = false;
        var prepend = LlamaPrepend.Never;
        foreach (var step in normalisers)
        {
            switch ((string?)step["type"])
            {
                case "Prepend" when (string?)step["prepend"] == "▁":
                    prepend = LlamaPrepend.Always;
                    break;
                case "Replace" when step["pattern"] is JsonObject from && (string?)from["String"] == " " && (string?)step["content"] == "▁":
                    isReplaced = true;
                    break;
                default:
                    throw Bad("normalizer", "Prepend and Replace of spaces by ▁", step);
            }
        }

        foreach (var step in Steps(root["pre_tokenizer"], "pretokenizers"))
        {
            if ((string?)step["type"] != "Metaspace" || (string?)step["replacement"] != "▁" || ((bool?)step["split"] ?? true))
            {
                throw Bad("pre_tokenizer", "null, or Metaspace with ▁ and without split", step);
            }

            isReplaced = true;
            prepend = ((string?)step["prepend_scheme"] ?? ((bool?)step["add_prefix_space"] == false ? "never" : "always")) switch
            {
                "first" => LlamaPrepend.First,
                "never" => LlamaPrepend.Never,
                _ => LlamaPrepend.Unless,
            };
        }

        return isReplaced ? prepend : throw Bad("normalizer", "one that replaces spaces by ▁", root["normalizer"]);
    }

    private (IReadOnlyList<int>, IReadOnlyList<int>) Frame(JsonNode? processor)
    {
        List<int> before = [],
            after = [];
        foreach (var step in Steps(processor, "processors"))
        {
            if ((string?)step["type"] == "ByteLevel")
            {
                continue;
            }

            if ((string?)step["type"] != "TemplateProcessing" || step["single"] is not JsonArray template)
            {
                throw Bad("post_processor", "TemplateProcessing", step);
            }

            var isAfter = false;
            foreach (var piece in template)
            {
                if ((piece!["SpecialToken"] as JsonObject)?["id"] is { } id)
                {
                    var name = (string)id!;
                    var ids = (step["special_tokens"] as JsonObject)?[name]?["ids"] as JsonArray;
                    (isAfter ? after : before).AddRange(
                        (ids ?? throw Bad("post_processor.special_tokens", $"a list of ids for {name}")).Select(n => (int)n!)
                    );
                }
                else
                {
                    isAfter = true;
                }
            }
        }

        return (before, after);
    }

    private static IEnumerable<JsonNode> Steps(JsonNode? node, string list) =>
        node is null ? []
        : (string?)node["type"] == "Sequence" ? ((JsonArray)node[list]!).Select(n => n!)
        : [node];

    private T Read<T>(JsonObject model, string key, Func<JsonNode, T> read) =>
        model[key] is { } node ? read(node) : throw Bad("model." + key, "there");

    private InvalidDataException Bad(string key, string expected, JsonNode? found = null)
    {
        var text = found?.ToJsonString(
            new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
        );
        return new(
            $"{_path}: "
                + $"{key}{(text is null ? "" : $" is {(text.Length > 80 ? text[..80] + "…" : text)}, which is not supported; it")} "
                + $"must be {expected}."
        );
    }
}
