using System.Text;
using System.Text.Json;
using AirMLNet.Clip;
using AirMLNet.Files;

namespace AirMLNet.SmallModels;

/// <summary>
/// Learns a small byte-pair vocabulary in CLIP's form from a corpus (Sennrich et al. 2016, "Neural Machine Translation
/// of Rare Words with Subword Units"): 256 byte symbols, the same at the end of a word, the merges, two special tokens.
/// </summary>
internal static class BytePairLearner
{
    /// <summary>Writes <c>vocab.json</c>, <c>merges.txt</c> and <c>tokenizer_config.json</c> into <paramref name="folder"/>.</summary>
    public static int Learn(IEnumerable<string> corpus, int merges, int contextLength, string folder)
    {
        var pairs = LearnMerges(corpus, merges);
        var symbols = ByteSymbols.InOrder;
        List<string> vocabulary =
        [
            .. symbols,
            .. symbols.Select(s => s + ClipVocabulary.EndOfWord),
            .. pairs.Select(p => p.Left + p.Right),
            "<|startoftext|>",
            "<|endoftext|>",
        ];
        Directory.CreateDirectory(folder);
        var ids = vocabulary.Select((token, id) => (token, id)).ToDictionary(p => p.token, p => p.id);
        WriteText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(ids));
        WriteText(Path.Combine(folder, "merges.txt"), "#version: 0.2\n" + string.Concat(pairs.Select(p => $"{p.Left} {p.Right}\n")));
        WriteText(
            Path.Combine(folder, "tokenizer_config.json"),
            JsonSerializer.Serialize(
                new Dictionary<string, object>
                {
                    ["tokenizer_class"] = "CLIPTokenizer",
                    ["model_max_length"] = contextLength,
                    ["bos_token"] = "<|startoftext|>",
                    ["eos_token"] = "<|endoftext|>",
                    ["unk_token"] = "<|endoftext|>",
                    ["pad_token"] = "<|endoftext|>",
                }
            )
        );
        return vocabulary.Count;
    }

    private static List<(string Left, string Right)> LearnMerges(IEnumerable<string> corpus, int merges)
    {
        var words = corpus
            .SelectMany(line => ClipTextSplitter.Split(ClipTextSplitter.Clean(line)))
            .GroupBy(w => w, StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (Symbols: Encoding.UTF8.GetBytes(g.Key).Select(b => ByteSymbols.OfByte[b]).ToList(), Count: g.Count()))
            .ToList();
        words.ForEach(w => w.Symbols[^1] += ClipVocabulary.EndOfWord);
        return Merges(words, merges);
    }

    /// <summary>The merges of words, the most frequent pair first.</summary>
    /// <param name="words">Each word's symbols, which are merged, and how often it occurs.</param>
    /// <param name="merges">How many merges at most.</param>
    public static List<(string Left, string Right)> Merges(List<(List<string> Symbols, int Count)> words, int merges)
    {
        var learned = new List<(string, string)>();
        while (learned.Count < merges)
        {
            var counts = new Dictionary<(string, string), long>();
            foreach (var (symbols, count) in words)
            {
                for (var i = 0; i + 1 < symbols.Count; i++)
                {
                    var pair = (symbols[i], symbols[i + 1]);
                    counts[pair] = counts.GetValueOrDefault(pair) + count;
                }
            }

            if (counts.Count == 0)
            {
                break;
            }

            // Ties by ordinal order, so that the vocabulary does not depend on the hash codes of this process.
            var best = counts
                .OrderByDescending(p => p.Value)
                .ThenBy(p => p.Key.Item1, StringComparer.Ordinal)
                .ThenBy(p => p.Key.Item2, StringComparer.Ordinal)
                .First()
                .Key;
            learned.Add(best);
            foreach (var (symbols, _) in words)
            {
                for (var i = 0; i + 1 < symbols.Count; i++)
                {
                    if (symbols[i] == best.Item1 && symbols[i + 1] == best.Item2)
                    {
                        symbols[i] += symbols[i + 1];
                        symbols.RemoveAt(i + 1);
                    }
                }
            }
        }

        return learned;
    }

    private static void WriteText(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
