using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>Byte symbols, merges and ids.</summary>
internal sealed class ClipVocabulary
{
    public const string EndOfWord = "</w>";
    internal const string StartText = "<|startoftext|>";
    internal const string EndText = "<|endoftext|>";
    private const int ArchiveMerges = 49152 - 256 - 2;
    private const long Largest = 64L << 20;
    private const int MostUnmade = 128; // rows of an embedding that are padding may have names

    private readonly string[] _tokens;
    private readonly int[] _byteIds = new int[256];
    private readonly int[] _lastByteIds = new int[256];
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges;

    private ClipVocabulary(Dictionary<string, int> ids, IEnumerable<(string Left, string Right)> merges, string source)
    {
        int Id(string token) =>
            ids.TryGetValue(token, out var id)
                ? id
                : throw new InvalidDataException($"{source}: the vocabulary lacks the token '{token}'.");
        if (ids.Count == 0 || ids.Values.Min() < 0 || ids.Values.Max() >= ids.Count || ids.Values.Distinct().Count() != ids.Count)
        {
            throw new InvalidDataException($"{source}: the {ids.Count} ids of the vocabulary are not 0 to {ids.Count - 1}, each once.");
        }

        _tokens = new string[ids.Count];
        foreach (var (token, id) in ids)
        {
            _tokens[id] = token;
        }

        (Start, End) = (Id(StartText), Id(EndText));
        for (var b = 0; b < 256; b++)
        {
            _byteIds[b] = Id(ByteSymbols.OfByte[b]);
            _lastByteIds[b] = Id(ByteSymbols.OfByte[b] + EndOfWord);
        }

        _merges = [];
        foreach (var (left, right) in merges)
        {
            _merges.TryAdd((Id(left), Id(right)), (_merges.Count, Id(left + right)));
        }
        // Every other token is made by a merge.
        var unmade = ids.Count - (2 * 256) - 2 - _merges.Values.Select(m => m.Id).Distinct().Count();
        if (unmade > MostUnmade)
        {
            throw new InvalidDataException(
                $"{source}: {unmade} tokens of the vocabulary are made by none of the {_merges.Count} merges; "
                    + "the list of merges is cut off, or another tokenizer's."
            );
        }
    }

    public int Start { get; }

    public int End { get; }

    public int Size => _tokens.Length;

    /// <summary>A hash of all that decides the ids of a text: tokens by their ids, and merges by their ranks.</summary>
    public string Sha256 => field ??= Hash();

    public static ClipVocabulary Load(string folder)
    {
        ClipTokenizerFiles.CheckClass(folder);
        var path = ClipTokenizerFiles.Find(folder, ClipTokenizerFiles.Fast);
        var fast = path is null ? null : FastTokenizerFile.Read(path);
        var (ids, merges, source) = Read(folder, path, fast);
        AddedTokens.Join(ids, folder, path, fast);
        if (fast is not null && source != path)
        {
            AddedTokens.Join(fast.Ids, folder, path, fast);
            // Libraries differ in which of the two they take, and so would the features of texts.
            if (
                ids.Count != fast.Ids.Count
                || !ids.All(t => fast.Ids.GetValueOrDefault(t.Key, -1) == t.Value)
                || !merges.SequenceEqual(fast.Merges)
            )
            {
                throw new InvalidDataException(
                    $"{path} is another tokenizer than {source} with its merges; take away what does not belong to the model."
                );
            }
        }
        return new(ids, merges, source);
    }

    private static (Dictionary<string, int> Ids, IReadOnlyList<(string Left, string Right)> Merges, string Source) Read(
        string folder,
        string? path,
        FastTokenizerFile? fast
    )
    {
        var vocabulary = ClipTokenizerFiles.Find(folder, "vocab.json");
        var merges = ClipTokenizerFiles.Find(folder, "merges.txt");
        if (vocabulary is not null && merges is not null)
        {
            return (ReadIds(vocabulary), [.. ReadMerges(TextFile.ReadLines(merges), merges)], vocabulary);
        }

        if (fast is not null)
        {
            return (fast.Ids, fast.Merges, path!);
        }

        if (ClipTokenizerFiles.Find(folder, ClipTokenizerFiles.Archive) is { } archive)
        {
            return FromArchive(archive);
        }

        throw new FileNotFoundException(
            $"{folder} holds no tokenizer: vocab.json and merges.txt, or {ClipTokenizerFiles.Fast} (both also in a sub-folder "
                + "'tokenizer'), "
                + $"or {ClipTokenizerFiles.Archive}, were looked for."
        );
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var token in _tokens)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(token + "\n"));
        }
        foreach (var merge in _merges.OrderBy(m => m.Value.Rank))
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([merge.Key.Left, merge.Key.Right, merge.Value.Id]));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The ids of one piece of text, merged by rank, lowest first.</summary>
    public int[] Merge(string piece)
    {
        if (piece == StartText)
        {
            return [Start];
        }

        if (piece == EndText)
        {
            return [End];
        }

        var bytes = Encoding.UTF8.GetBytes(piece);
        var symbols = new List<int>(bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            symbols.Add(i == bytes.Length - 1 ? _lastByteIds[bytes[i]] : _byteIds[bytes[i]]);
        }

        while (symbols.Count > 1)
        {
            (int Rank, int Id) best = (int.MaxValue, 0);
            (int Left, int Right) pair = default;
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                if (_merges.TryGetValue((symbols[i], symbols[i + 1]), out var merge) && merge.Rank < best.Rank)
                {
                    (best, pair) = (merge, (symbols[i], symbols[i + 1]));
                }
            }

            if (best.Rank == int.MaxValue)
            {
                break;
            }

            var kept = 0;
            for (var i = 0; i < symbols.Count; i++)
            {
                var joined = i + 1 < symbols.Count && symbols[i] == pair.Left && symbols[i + 1] == pair.Right;
                symbols[kept++] = joined ? best.Id : symbols[i];
                i += joined ? 1 : 0;
            }

            symbols.RemoveRange(kept, symbols.Count - kept);
        }

        return [.. symbols];
    }

    /// <summary>The id of a token, null where there is none.</summary>
    public int? IdOf(string token) => Array.IndexOf(_tokens, token) is >= 0 and var id ? id : null;

    public IEnumerable<byte> BytesOf(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Size);
        return _tokens[id]
            .Select(c =>
                ByteSymbols.ToByte.TryGetValue(c, out var b)
                    ? b
                    : throw new InvalidDataException($"The token '{_tokens[id]}' is not made of byte symbols.")
            );
    }

    private static (Dictionary<string, int>, IReadOnlyList<(string, string)>, string) FromArchive(string archive)
    {
        List<(string Left, string Right)> merges;
        try
        {
            merges = [.. ReadMerges(ClipTokenizerFiles.ReadArchive(archive).Take(ArchiveMerges + 1), archive)];
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{archive}: not a merges file in gzip: {e.Message}", e);
        }

        string[] tokens =
        [
            .. ByteSymbols.InOrder,
            .. ByteSymbols.InOrder.Select(s => s + EndOfWord),
            .. merges.Select(m => m.Left + m.Right),
            StartText,
            EndText,
        ];
        return (tokens.Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id, StringComparer.Ordinal), merges, archive);
    }

    internal static Dictionary<string, int> ReadIds(string file)
    {
        var text = TextFile.ReadAll(file, Largest);
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, int>>(text) ?? throw new InvalidDataException($"{file}: empty.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                GitLfs.Begins(text)
                    ? GitLfs.Advice(file)
                    : $"{file}, line {e.LineNumber + 1}: no object of tokens and their ids, which are whole numbers.",
                e
            );
        }
    }

    internal static IEnumerable<(string Left, string Right)> ReadMerges(IEnumerable<string> lines, string file)
    {
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            // The first line names the version; it may be missing or quoted.
            if (line.Length == 0 || (number == 1 && line.Contains("#version", StringComparison.Ordinal)))
            {
                continue;
            }

            var parts = line.Split(' ');
            yield return parts.Length == 2 && parts[0].Length > 0 && parts[1].Length > 0
                ? (parts[0], parts[1])
                : throw new InvalidDataException($"{file}, line {number}: '{line}' is no merge of two symbols.");
        }
    }
}
