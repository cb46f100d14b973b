using System.Text;
using System.Text.RegularExpressions;

namespace AirMLNet.Llava;

/// <summary>
/// The byte-pair tokenizer of Llama and Mistral, as <c>tokenizer.json</c> describes it: spaces become ▁, a text is merged as a whole, and
/// characters that the vocabulary lacks become bytes. Immutable and safe for concurrent use.
/// </summary>
internal sealed class LlamaTokenizer
{
    private const char Space = '▁';
    private readonly LlamaTokenizerFile _file;
    private readonly string[] _tokens;
    private readonly int[] _byteIds; // −1 where the vocabulary has no such byte
    private readonly Regex? _added;

    internal LlamaTokenizer(LlamaTokenizerFile file)
    {
        _file = file;
        _tokens = new string[Math.Max(file.Vocabulary.Values.Max(), file.Added.Select(a => a.Id).DefaultIfEmpty(0).Max()) + 1];
        Array.Fill(_tokens, "");
        foreach (var (token, id) in file.Vocabulary)
        {
            _tokens[id] = token;
        }

        foreach (var added in file.Added)
        {
            _tokens[added.Id] = added.Text;
        }

        _byteIds = [.. Enumerable.Range(0, 256).Select(b => file.Vocabulary.GetValueOrDefault($"<0x{b:X2}>", -1))];
        if (file.Added.Count > 0)
        {
            // The longest first, so that one token that begins another does not hide it.
            _added = new Regex(
                string.Join('|', file.Added.OrderByDescending(a => a.Text.Length).Select(a => Pattern(a))),
                RegexOptions.CultureInvariant
            );
        }
    }

    /// <summary>Reads <c>tokenizer.json</c> of a model folder.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or a tokenizer of another kind; the message says what is not
    /// supported.</exception>
    public static LlamaTokenizer Load(string folder) => new(LlamaTokenizerFile.Read(Path.Combine(folder, "tokenizer.json")));

    /// <summary>Number of ids, those added to the vocabulary among them.</summary>
    public int Count => _tokens.Length;

    /// <summary>The id of a token, null where there is none.</summary>
    public int? Id(string token) =>
        _file.Added.FirstOrDefault(a => a.Text == token)?.Id ?? (_file.Vocabulary.TryGetValue(token, out var id) ? id : null);

    /// <summary>Whether an id is that of a special token.</summary>
    public bool IsSpecial(int id) => _file.Special.Contains(id);

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text; the tokens that the file adds are found in it as they stand.</param>
    /// <param name="frame">Whether what the file puts around a text, such as the start token, is put around it.</param>
    public int[] Encode(string text, bool frame = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> ids = [];
        if (frame)
        {
            ids.AddRange(_file.Before);
        }

        var at = 0;
        foreach (var match in _added?.Matches(text) ?? Enumerable.Empty<Match>())
        {
            Plain(text[at..match.Index], at == 0, ids);
            ids.Add(_file.Added.First(a => a.Text == match.Groups["token"].Value).Id);
            at = match.Index + match.Length;
        }

        Plain(text[at..], at == 0, ids);
        if (frame)
        {
            ids.AddRange(_file.After);
        }

        return [.. ids];
    }

    /// <summary>The text of ids. Special tokens are left out; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is none.</exception>
    public string Decode(IEnumerable<int> ids)
    {
        List<byte> bytes = [];
        foreach (var id in ids)
        {
            if (id < 0 || id >= _tokens.Length)
            {
                throw new ArgumentOutOfRangeException(nameof(ids), id, $"{id} is no token id; expected 0..{_tokens.Length - 1}.");
            }

            if (IsSpecial(id))
            {
                continue;
            }

            if (Array.IndexOf(_byteIds, id) is var value and >= 0)
            {
                bytes.Add((byte)value);
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(_tokens[id].Replace(Space, ' ')));
            }
        }

        var text = Encoding.UTF8.GetString([.. bytes]);
        // The space that encoding puts before a text.
        return _file.Prepend != LlamaPrepend.Never && text.StartsWith(' ') ? text[1..] : text;
    }

    private void Plain(string text, bool isFirst, List<int> ids)
    {
        if (text.Length == 0)
        {
            return;
        }

        text = text.Replace(' ', Space);
        var prepend = _file.Prepend switch
        {
            LlamaPrepend.Always => true,
            LlamaPrepend.Unless => text[0] != Space,
            LlamaPrepend.First => isFirst && text[0] != Space,
            _ => false,
        };
        Merge(prepend ? Space + text : text, ids);
    }

    /// <summary>Merges the pair of lowest rank, the first of equals, until none is left.</summary>
    private void Merge(string text, List<int> ids)
    {
        var symbols = Symbols(text);
        var (previous, next) = (new int[symbols.Count], new int[symbols.Count]);
        var queue = new PriorityQueue<(int Left, int LeftId, int RightId), (int Rank, int Left)>();
        for (var i = 0; i < symbols.Count; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1 < symbols.Count ? i + 1 : -1);
        }

        for (var i = 0; i + 1 < symbols.Count; i++)
        {
            Offer(i);
        }

        while (queue.TryDequeue(out var pair, out _))
        {
            var (left, right) = (pair.Left, next[pair.Left]);
            // What has been merged since is stale.
            if (right < 0 || symbols[left] != pair.LeftId || symbols[right] != pair.RightId)
            {
                continue;
            }

            symbols[left] = _file.Merges[(pair.LeftId, pair.RightId)].Id;
            symbols[right] = -1;
            next[left] = next[right];
            if (next[left] >= 0)
            {
                previous[next[left]] = left;
                Offer(left);
            }

            if (previous[left] >= 0)
            {
                Offer(previous[left]);
            }
        }

        ids.AddRange(symbols.Where(s => s >= 0));

        void Offer(int left)
        {
            var (a, b) = (symbols[left], symbols[next[left]]);
            if (_file.Merges.TryGetValue((a, b), out var merge))
            {
                queue.Enqueue((left, a, b), (merge.Rank, left));
            }
        }
    }

    private List<int> Symbols(string text)
    {
        List<int> symbols = [];
        var lastIsUnknown = false;
        foreach (var rune in text.EnumerateRunes())
        {
            var character = rune.ToString();
            var unknown = false;
            if (_file.Vocabulary.TryGetValue(character, out var id))
            {
                symbols.Add(id);
            }
            else if (_file.ByteFallback && Encoding.UTF8.GetBytes(character) is var bytes && bytes.All(b => _byteIds[b] >= 0))
            {
                symbols.AddRange(bytes.Select(b => _byteIds[b]));
            }
            else if (_file.Unknown is { } unknownId)
            {
                unknown = true;
                if (!(lastIsUnknown && _file.FuseUnknown))
                {
                    symbols.Add(unknownId);
                }
            }

            lastIsUnknown = unknown;
        }

        return symbols;
    }

    private static string Pattern(LlamaAddedToken token) =>
        (token.StripLeft ? @"\s*" : "") + $"(?<token>{Regex.Escape(token.Text)})" + (token.StripRight ? @"\s*" : "");
}
