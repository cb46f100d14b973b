using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using AirMLNet.Files;

namespace AirMLNet.Clip;

/// <summary>
/// CLIP's byte-pair tokenizer (Radford et al. 2021, <c>simple_tokenizer.py</c>): clean, lower-case, split into pieces,
/// merge byte symbols by rank. Safe for concurrent use.
/// </summary>
/// <remarks>
/// The original also repairs broken encodings with the Python package <c>ftfy</c>; text that needs no repair gives the
/// same ids, other text is tokenized as it is.
/// </remarks>
public sealed class ClipTokenizer
{
    private const int CacheLimit = 1 << 16;
    private const int MostPadding = 128;
    private readonly ClipVocabulary _vocabulary;

    [ThreadStatic]
    private static List<int>? _scratch;

    private readonly ConcurrentDictionary<string, int[]> _pieces = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    private ClipTokenizer(ClipVocabulary vocabulary, int contextLength, int padToken)
    {
        _vocabulary = vocabulary;
        ContextLength = contextLength;
        PadToken = padToken;
        _bySpan = _pieces.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>
    /// Number of ids that <see cref="Tokenize(string, bool)"/> gives, start and end included; 77 in the published models.
    /// </summary>
    public int ContextLength { get; }

    /// <summary>Id of <c>&lt;|startoftext|&gt;</c>.</summary>
    public int StartToken => _vocabulary.Start;

    /// <summary>Id of <c>&lt;|endoftext|&gt;</c>, the highest id, which is how the text tower finds the end.</summary>
    public int EndToken => _vocabulary.End;

    /// <summary>
    /// Fills the context after the end token. 0, as OpenAI and OpenCLIP do, changes no feature; Stable Diffusion, whose UNet
    /// sees every token, has its own.
    /// </summary>
    public int PadToken { get; }

    /// <summary>Number of ids.</summary>
    public int VocabularySize => _vocabulary.Size;

    /// <summary>A hash of all that decides the ids of a text, the context's length among them.</summary>
    internal string Sha256 => string.Create(CultureInfo.InvariantCulture, $"{_vocabulary.Sha256} {ContextLength}");

    /// <summary>
    /// Loads <c>vocab.json</c> and <c>merges.txt</c>, or <c>tokenizer.json</c>, from a model folder or its sub-folder <c>tokenizer</c>, or
    /// OpenAI's <c>bpe_simple_vocab_16e6.txt.gz</c>. The context length is the lesser of those in <c>tokenizer_config.json</c> and in
    /// <c>config.json</c> or <c>open_clip_config.json</c>, else it is 77.
    /// </summary>
    /// <exception cref="FileNotFoundException">The folder holds no vocabulary; the message says which files were looked for.</exception>
    /// <exception cref="InvalidDataException">The vocabulary is corrupt or incomplete.</exception>
    public static ClipTokenizer Load(string folder) =>
        new(ClipVocabulary.Load(folder), ClipTokenizerFiles.ContextLength(folder), padToken: 0);

    /// <summary>
    /// As <see cref="Load"/>, with the padding of a diffusion model: the <c>pad_token</c> of <c>tokenizer_config.json</c> or
    /// <c>special_tokens_map.json</c>, else the end token.
    /// </summary>
    /// <param name="folder">The tokenizer's folder, or the model's.</param>
    /// <param name="longest">The model's context: a tokenizer that says more, or nothing, is cut to it.</param>
    /// <exception cref="FileNotFoundException">The folder holds no vocabulary.</exception>
    /// <exception cref="InvalidDataException">The vocabulary is corrupt or incomplete, or lacks the padding token.</exception>
    public static ClipTokenizer LoadPadded(string folder, int longest = int.MaxValue)
    {
        var vocabulary = ClipVocabulary.Load(folder);
        var pad = ClipTokenizerFiles.PadToken(folder) is { } name
            ? vocabulary.IdOf(name) ?? throw new InvalidDataException($"{folder}: the padding token '{name}' is not in the vocabulary.")
            : vocabulary.End;
        return new(vocabulary, Math.Min(longest, ClipTokenizerFiles.ContextLength(folder)), pad);
    }

    /// <summary>
    /// Refuses a tokenizer of another model, whose ids would mean other words. Where the highest id of a text ends it, a few rows of the
    /// embedding may be padding that no id reaches.
    /// </summary>
    /// <param name="text">The model's text tower.</param>
    /// <param name="place">The model's folder, or the tokenizer's, for messages.</param>
    /// <exception cref="InvalidDataException">It belongs to another model.</exception>
    internal ClipTokenizer For(ClipTextConfig text, string place)
    {
        var end = text.EndIsHighestId ? text.VocabularySize - 1 : text.EndToken!.Value;
        var padded =
            text.EndToken is null or 2 && EndToken == VocabularySize - 1 && text.VocabularySize - VocabularySize is > 0 and < MostPadding;
        return EndToken == end || padded
            ? this
            : throw new InvalidDataException(
                $"{place}: the tokenizer does not belong to the model: it ends texts with token {EndToken} of {VocabularySize}, the model "
                    + $"with {end} of {text.VocabularySize}."
            );
    }

    /// <summary>The ids of a text, without start and end token, however many.</summary>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        Append(text, ids);
        return [.. ids];
    }

    /// <summary>The ids of a text between start and end token, padded to <see cref="ContextLength"/>.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="truncate">Cuts a long text, keeping the end token last; false makes a long text an error.</param>
    /// <exception cref="ArgumentException">The text is too long and <paramref name="truncate"/> is false.</exception>
    public long[] Tokenize(string text, bool truncate = true)
    {
        var result = GC.AllocateUninitializedArray<long>(ContextLength);
        Tokenize(text, result, truncate);
        return result;
    }

    /// <summary>As <see cref="Tokenize(string, bool)"/>, into given memory.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="destination">Room for <see cref="ContextLength"/> ids.</param>
    /// <param name="truncate">Cuts a long text, keeping the end token last; false makes a long text an error.</param>
    /// <exception cref="ArgumentException">The span has another length, or the text is too long and <paramref name="truncate"/> is
    /// false.</exception>
    public void Tokenize(string text, Span<long> destination, bool truncate = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (destination.Length != ContextLength)
        {
            throw new ArgumentException($"Room for {ContextLength} ids was expected, not {destination.Length}.", nameof(destination));
        }

        var ids = _scratch ??= [];
        ids.Clear();
        Append(text, ids);
        var room = ContextLength - 2;
        if (ids.Count > room && !truncate)
        {
            throw new ArgumentException(
                $"The text has {ids.Count + 2} tokens, start and end included; the model takes {ContextLength}: '{text}'",
                nameof(text)
            );
        }

        var used = Math.Min(ids.Count, room);
        destination[0] = StartToken;
        for (var i = 0; i < used; i++)
        {
            destination[i + 1] = ids[i];
        }

        destination[used + 1] = EndToken;
        destination[(used + 2)..].Fill(PadToken);
    }

    /// <summary>A sentence about texts that are cut because the model takes fewer tokens; null where none is.</summary>
    internal string? Cuts(IReadOnlyList<string> texts)
    {
        const int shown = 80;
        string[] cut = [.. texts.Where(text => Encode(text).Length > ContextLength - 2)];
        return cut.Length == 0
            ? null
            : $"{cut.Length} of {texts.Count} texts are longer than the {ContextLength} tokens that the model reads, and are cut; the "
                + $"first: '{(cut[0].Length > shown ? cut[0][..shown] + "…" : cut[0])}'";
    }

    /// <summary>The text of ids, a space after each word.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    public string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var bytes = new List<byte>();
        foreach (var id in ids)
        {
            bytes.AddRange(_vocabulary.BytesOf(id));
        }

        return Encoding.UTF8.GetString([.. bytes]).Replace(ClipVocabulary.EndOfWord, " ", StringComparison.Ordinal);
    }

    private void Append(string text, List<int> ids)
    {
        if (ClipAsciiSplitter.Takes(text))
        {
            ClipAsciiSplitter.Split(text, this, ids);
            return;
        }

        // Composed first, as ftfy and Hugging Face's normaliser do: é has the same ids however it is written.
        foreach (var piece in ClipTextSplitter.Split(ClipTextSplitter.Clean(UnicodeForms.Compose(text))))
        {
            AppendPiece(piece, ids);
        }
    }

    /// <summary>Adds the ids of one piece of cleaned text.</summary>
    internal void AppendPiece(ReadOnlySpan<char> piece, List<int> ids)
    {
        // Looked up without making a string of it: most pieces were seen before.
        if (!_bySpan.TryGetValue(piece, out var known))
        {
            var text = piece.ToString();
            known = _vocabulary.Merge(text);
            if (_pieces.Count < CacheLimit)
            {
                _pieces[text] = known;
            }
        }

        ids.AddRange(known.AsSpan());
    }
}
