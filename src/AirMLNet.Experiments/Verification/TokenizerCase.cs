using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Clip;

namespace AirMLNet.Verification;

/// <summary>The tokenizer: ids of many strings, which must all be equal.</summary>
internal sealed class TokenizerCase : ICaseKind
{
    public string Name => "CLIP tokenizer";

    public string Form => "cases.json with texts and ids, beside the merges file";

    public bool Recognises(CaseFolder folder) =>
        folder.Has("cases.json")
        && folder.Json("cases.json")?["cases"] is JsonArray { Count: > 0 } cases
        && cases[0] is JsonObject first
        && first.ContainsKey("text")
        && first.ContainsKey("ids");

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        var file = folder.Json("cases.json")!;
        var tokenizer = ClipTokenizer.Load(folder.Path);
        Tally ids = new("out.ids"),
            tokens = new("out.tokens"),
            tooLong = new("out.too_long"),
            decoded = new("out.decoded");
        var unrepaired = 0;
        try
        {
            foreach (var node in (JsonArray)file["cases"]!)
            {
                var item = (JsonObject)node!;
                var text = (string)item["text"]!;
                var want = Ints(item["ids"]) ?? [];
                var got = tokenizer.Encode(text);
                // The case lists the ids that are right for a tokenizer that leaves out the repair of broken Unicode (ftfy).
                if (!got.SequenceEqual(want) && Ints(item["ids_without_ftfy"]) is { } plain && got.SequenceEqual(plain))
                {
                    unrepaired++;
                    ids.Add(text, true);
                    tokens.Add(text, Fits(tokenizer, text, Framed(tokenizer, plain)));
                    continue;
                }
                ids.Add(text, got.SequenceEqual(want));
                if (Ints(item["tokens"]) is { } row)
                {
                    tokens.Add(text, Fits(tokenizer, text, row));
                }
                if (item["too_long"] is JsonValue flag)
                {
                    tooLong.Add(text, Throws(tokenizer, text) == (bool)flag);
                }
                if (item["decoded"] is JsonValue back)
                {
                    decoded.Add(text, tokenizer.Decode(want) == (string)back!);
                }
            }
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or InvalidCastException or NullReferenceException)
        {
            throw new InvalidDataException($"{folder.File("cases.json")}: a case has the wrong form: {e.Message}", e);
        }
        rows.Add(Number("out.sot", file["sot"], tokenizer.StartToken));
        rows.Add(Number("out.eot", file["eot"], tokenizer.EndToken));
        rows.Add(Number("out.vocab_size", file["vocab_size"], tokenizer.VocabularySize));
        rows.Add(Number("out.context_length", file["context_length"], tokenizer.ContextLength));
        rows.RemoveAll(r => r.Output.Length == 0);
        rows.AddRange(new[] { ids, tokens, tooLong, decoded }.Where(t => t.Count > 0).Select(t => t.Row()));
        if (unrepaired > 0)
        {
            rows.Add(new("out.ids_without_ftfy", 0, 0, true, $"{unrepaired} texts judged by the ids listed for tokenizers without ftfy"));
        }
    }

    /// <summary>The ids of a text between start and end token, cut to the context with the end token last.</summary>
    private static int[] Framed(ClipTokenizer tokenizer, int[] ids) =>
        [tokenizer.StartToken, .. ids.Take(tokenizer.ContextLength - 2), tokenizer.EndToken];

    /// <summary>Whether a text gives this row, and padding after it.</summary>
    private static bool Fits(ClipTokenizer tokenizer, string text, int[] row)
    {
        var got = tokenizer.Tokenize(text);
        return got.Length == tokenizer.ContextLength
            && got.Take(row.Length).SequenceEqual(row.Select(i => (long)i))
            && got.Skip(row.Length).All(i => i == tokenizer.PadToken);
    }

    private static VerificationRow Number(string name, JsonNode? want, int got) =>
        want is null
            ? Comparison.Exact("", 0, 0, null)
            : Comparison.Exact(name, got == (int)want ? 0 : 1, 1, got == (int)want ? null : $"{got}, expected {want}");

    private static bool Throws(ClipTokenizer tokenizer, string text)
    {
        try
        {
            tokenizer.Tokenize(text, truncate: false);
            return false;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private static int[]? Ints(JsonNode? node) => node is JsonArray list ? [.. list.Select(n => (int)n!)] : null;

    private sealed class Tally(string name)
    {
        private readonly List<string> _different = [];

        public int Count { get; private set; }

        public void Add(string text, bool equal)
        {
            Count++;
            if (!equal)
            {
                _different.Add(text);
            }
        }

        public VerificationRow Row() =>
            Comparison.Exact(
                name,
                _different.Count,
                Count,
                _different.Count == 0
                    ? $"{Count} texts"
                    : $"{_different.Count} of {Count} differ, first: {JsonSerializer.Serialize(_different[0])}"
            );
    }
}
