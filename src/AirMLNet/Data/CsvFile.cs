using System.Globalization;
using Microsoft.VisualBasic.FileIO;

namespace AirMLNet.Data;

/// <summary>
/// A table with a head in comma-separated form, or separated by tabulators where the file's name ends in <c>.tsv</c>; fields in quotes may
/// hold separators, quotes (doubled) and ends of lines. A head without a comma says by a semicolon or tabulator what separates, as
/// spreadsheets write tables in countries of decimal commas; their line <c>sep=;</c> above it says so too.
/// </summary>
internal static class CsvFile
{
    private const int MostLinesOfField = 100,
        MostOfRow = 100_000; // characters

    /// <summary>The head, trimmed and in small letters, and the rows with the number of their first line; blank lines are none.</summary>
    /// <param name="path">The file, for its ending and for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="InvalidDataException">A quoted field does not end, or a row has another number of fields than the head, or is
    /// longer than any is; the message names the line.</exception>
    public static (string[] Head, IReadOnlyList<(int Line, string[] Fields)> Rows) Read(string path, string text)
    {
        var separator = Separator(path, text, out var isSaid);
        CheckRows(path, text, separator);
        List<(int, string[])> rows = [];
        string[]? head = null;
        using var parser = new TextFieldParser(new StringReader(text)) { TrimWhiteSpace = false };
        parser.SetDelimiters($"{separator}");
        if (isSaid)
        {
            parser.ReadLine();
        }
        while (!parser.EndOfData)
        {
            parser.PeekChars(1); // steps over blank lines, so that the number is that of the line that is read
            var line = (int)parser.LineNumber;
            string[] fields;
            try
            {
                fields = parser.ReadFields()!;
            }
            catch (MalformedLineException e)
            {
                throw Endless(path, parser.ErrorLineNumber, e);
            }
            if (head is null)
            {
                head = [.. fields.Select(f => f.Trim().ToLowerInvariant())];
            }
            else if (fields.Length == head.Length)
            {
                rows.Add((line, fields));
            }
            else
            {
                throw new InvalidDataException(
                    string.Create(CultureInfo.InvariantCulture, $"{path}: line {line} has {fields.Length} fields; expected {head.Length}.")
                );
            }
        }
        return (head ?? [], rows);
    }

    /// <summary>The place of a column.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="head">Its head.</param>
    /// <param name="names">What the column may be called.</param>
    /// <exception cref="InvalidDataException">There is none, or two.</exception>
    public static int Column(string path, string[] head, params string[] names)
    {
        var found = ColumnOrNone(path, head, names);
        return found >= 0
            ? found
            : throw new InvalidDataException(
                $"{path}: line 1 was expected to name a column {string.Join(" or ", names.Select(n => $"\"{n}\""))}; "
                    + (head.Length == 0 ? "the file is empty." : $"it has {string.Join(", ", head)}.")
            );
    }

    /// <summary>The place of a column; −1 where there is none.</summary>
    /// <exception cref="InvalidDataException">There are two.</exception>
    public static int ColumnOrNone(string path, string[] head, params string[] names)
    {
        var name = names.FirstOrDefault(head.Contains);
        return name is null ? -1
            : Array.IndexOf(head, name) is var first && first == Array.LastIndexOf(head, name) ? first
            : throw new InvalidDataException($"{path}: line 1 names the column \"{name}\" twice.");
    }

    private static char Separator(string path, string text, out bool isSaid)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        var head = end < 0 ? text : text[..end];
        isSaid = head is ['s' or 'S', 'e' or 'E', 'p' or 'P', '=', _];
        return isSaid ? head[^1]
            : Path.GetExtension(path).Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t'
            : head.Contains(',') ? ','
            : head.Contains(';') ? ';'
            : head.Contains('\t') ? '\t'
            : ',';
    }

    // The parser's work grows with the square of a row's length, and it joins the lines of a quoted field one by one, which takes hours
    // where a stray quote begins one in a long file.
    private static void CheckRows(string path, string text, char separator)
    {
        var (line, begin) = (1L, 0L); // of the quoted field that is being read; 0 outside
        var row = 0; // where the row that is being read begins
        var atStart = true;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n' && ++line - begin > MostLinesOfField && begin > 0)
            {
                throw Endless(path, begin);
            }
            if (begin == 0 && text[i] is ('\n' or '\r'))
            {
                row = i + 1;
            }
            else if (i - row >= MostOfRow)
            {
                throw new InvalidDataException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{path}: line {line}: a row of more than {MostOfRow:N0} characters is none of a table of images."
                    )
                );
            }
            if (begin > 0)
            {
                if (text[i] == '"' && i + 1 < text.Length && text[i + 1] == '"')
                {
                    i++;
                }
                else if (text[i] == '"')
                {
                    begin = 0;
                }
            }
            else if (text[i] == '"' && atStart)
            {
                begin = line;
            }
            atStart = begin == 0 && (text[i] == separator || text[i] is '\n' or '\r' || (atStart && char.IsWhiteSpace(text[i])));
        }
    }

    private static InvalidDataException Endless(string path, long line, Exception? cause = null) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{path}: line {line}: a quoted field does not end where it should."), cause);
}
