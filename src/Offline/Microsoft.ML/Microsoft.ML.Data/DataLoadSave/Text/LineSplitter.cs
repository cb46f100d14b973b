using System.Text;

namespace Microsoft.ML.Data;

/// <summary>The lines of a file that are rows: without empty lines, comments, and what stands before the header.</summary>
internal sealed class LineReader(TextFormat format, TextReader reader) : IDisposable
{
    private bool _started;

    /// <summary>The number of the line that was read last, from 1.</summary>
    public long Line { get; private set; }

    /// <exception cref="FormatException">A quoted field never ends.</exception>
    public string Read()
    {
        while (reader.ReadLine() is { } text)
        {
            Line++;
            // The description that the saver writes stands before everything else.
            if (text.Length == 0 || text.StartsWith("//", StringComparison.Ordinal) || (!_started && text[0] == '#'))
                continue;
            _started = true;
            return format.ReadMultilines && format.AllowQuoting ? ReadOn(text) : text;
        }
        return null;
    }

    public void Dispose() => reader.Dispose();

    private string ReadOn(string text)
    {
        long first = Line;
        var whole = new StringBuilder(text);
        while (EndsInQuotes(whole))
        {
            string more = reader.ReadLine() ?? throw new FormatException($"A quoted field that starts on line {first} never ends");
            Line++;
            whole.Append('\n').Append(more);
        }
        return whole.ToString();
    }

    private bool EndsInQuotes(StringBuilder text)
    {
        bool quoted = false;
        bool fieldStart = true;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted)
            {
                if (format.EscapeChar != '"' && c == format.EscapeChar)
                    i++;
                else if (c == '"' && format.EscapeChar == '"' && i + 1 < text.Length && text[i + 1] == '"')
                    i++;
                else if (c == '"')
                    quoted = false;
            }
            else if (c == '"' && fieldStart)
            {
                quoted = true;
            }
            fieldStart = !quoted && (Array.IndexOf(format.Separators, c) >= 0 || (fieldStart && c == ' '));
        }
        return quoted;
    }
}

/// <summary>The fields of one line; empty fields are left out.</summary>
internal sealed class LineFields
{
    public List<(int Index, ReadOnlyMemory<char> Text)> Fields { get; } = [];

    /// <summary>How many fields the line stands for.</summary>
    public int Size { get; set; }

    /// <summary>The text of a field; empty where the line has none.</summary>
    public ReadOnlyMemory<char> this[int index]
    {
        get
        {
            int low = 0;
            int high = Fields.Count - 1;
            while (low <= high)
            {
                int middle = (low + high) / 2;
                if (Fields[middle].Index == index)
                    return Fields[middle].Text;
                if (Fields[middle].Index < index)
                    low = middle + 1;
                else
                    high = middle - 1;
            }
            return default;
        }
    }

    public IEnumerable<ReadOnlyMemory<char>> Dense() => Enumerable.Range(0, Size).Select(index => this[index]);
}

/// <summary>Cuts lines into fields.</summary>
internal sealed class LineSplitter(TextFormat format)
{
    private readonly LineFields _fields = new();
    private readonly StringBuilder _unquoted = new();

    /// <summary>The fields of a line; good until the next call.</summary>
    /// <exception cref="FormatException">A quoted field does not end, or a sparse end of a line is wrong.</exception>
    public LineFields Split(string line, long number)
    {
        ReadOnlySpan<char> text = format.TrimWhitespace ? line.AsSpan().TrimEnd() : line;
        bool spaceSeparates = Array.IndexOf(format.Separators, ' ') >= 0;
        _fields.Fields.Clear();
        int at = 0;
        int index = 0;
        int sparseStart = -1;
        int sparseSize = 0;
        while (true)
        {
            while (!spaceSeparates && at < text.Length && text[at] == ' ')
                at++;
            int slot = index;
            if (format.AllowSparse && IsSparseItem(text, at, out int sparse, out int after))
            {
                if (sparseStart < 0)
                    (sparseStart, sparseSize) = StartSparse(index, number);
                if (sparse >= sparseSize)
                    throw new FormatException($"Line {number}: index {sparse} of a sparse line of {sparseSize} values");
                slot = sparseStart + sparse;
                if (_fields.Fields.Count > 0 && _fields.Fields[^1].Index >= slot)
                    throw new FormatException($"Line {number}: the indices of a sparse line do not increase");
                at = after;
            }
            else if (sparseStart >= 0)
            {
                throw new FormatException($"Line {number}: a value without an index follows values with one");
            }
            ReadOnlyMemory<char> field = Next(line, text, ref at, number);
            if (!field.IsEmpty)
                _fields.Fields.Add((slot, field));
            index++;
            if (at >= text.Length)
                break;
            at++;
        }
        _fields.Size = sparseStart >= 0 ? sparseStart + sparseSize : Math.Max(index, format.InputSize);
        return _fields;
    }

    /// <summary>Before the first sparse value stands how many there could be, where the settings do not say it.</summary>
    private (int Start, int Size) StartSparse(int index, long number)
    {
        if (format.InputSize > 0)
            return (index, Math.Max(0, format.InputSize - index));
        if (_fields.Fields.Count == 0 || _fields.Fields[^1].Index != index - 1 || !int.TryParse(_fields.Fields[^1].Text.Span, out int size) || size <= 0 || size > int.MaxValue - index)
            throw new FormatException($"Line {number}: before the first value with an index, the number of values is missing");
        _fields.Fields.RemoveAt(_fields.Fields.Count - 1);
        return (index - 1, size);
    }

    private static bool IsSparseItem(ReadOnlySpan<char> text, int at, out int index, out int after)
    {
        index = 0;
        after = at;
        while (after < text.Length && after - at < 9 && char.IsAsciiDigit(text[after]))
            index = (index * 10) + (text[after++] - '0');
        if (after == at || after >= text.Length || text[after] != ':')
            return false;
        after++;
        return true;
    }

    private ReadOnlyMemory<char> Next(string line, ReadOnlySpan<char> text, ref int at, long number)
    {
        if (at < text.Length && text[at] == '"' && format.AllowQuoting)
            return Quoted(text, ref at, number);
        int start = at;
        int length = text[at..].IndexOfAny(format.Separators);
        at = length < 0 ? text.Length : at + length;
        ReadOnlyMemory<char> field = line.AsMemory(start, at - start);
        return format.TrimWhitespace ? field.Trim() : field;
    }

    private ReadOnlyMemory<char> Quoted(ReadOnlySpan<char> text, ref int at, long number)
    {
        _unquoted.Clear();
        at++;
        while (true)
        {
            if (at >= text.Length)
                throw new FormatException($"Line {number}: a quoted field does not end");
            char c = text[at++];
            if (c == format.EscapeChar && at < text.Length && (text[at] == '"' || format.EscapeChar != '"'))
                _unquoted.Append(text[at++]);
            else if (c == '"')
                break;
            else
                _unquoted.Append(c);
        }
        while (at < text.Length && text[at] == ' ' && Array.IndexOf(format.Separators, ' ') < 0)
            at++;
        if (at < text.Length && Array.IndexOf(format.Separators, text[at]) < 0)
            throw new FormatException($"Line {number}: '{text[at]}' follows a quoted field where a separator is expected");
        return _unquoted.ToString().AsMemory();
    }
}
