using System.Globalization;
using System.Text;

namespace AirMLNet.Data;

/// <summary>A table with a head in comma-separated form; fields in quotes may hold commas, quotes (doubled) and ends of lines.</summary>
internal static class CsvFile
{
    /// <summary>The head, trimmed and in small letters, and the rows with the number of their first line.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="lines">Its lines.</param>
    /// <exception cref="InvalidDataException">A quote does not end, or a row has another number of fields than the head.</exception>
    public static (string[] Head, IReadOnlyList<(int Line, string[] Fields)> Rows) Read(string path, IReadOnlyList<string> lines)
    {
        List<(int, string[])> rows = [];
        string[]? head = null;
        for (var i = 0; i < lines.Count; i++)
        {
            var first = i + 1;
            var text = lines[i];
            // A field in quotes may go over lines.
            while (text.Count(c => c == '"') % 2 == 1)
            {
                text =
                    ++i < lines.Count
                        ? $"{text}\n{lines[i]}"
                        : throw new InvalidDataException($"{path}: line {first} has a quote that does not end.");
            }
            if (string.IsNullOrWhiteSpace(text))
            {
                continue;
            }
            string[] fields = [.. Fields(text)];
            if (head is null)
            {
                head = [.. fields.Select(f => f.Trim().ToLowerInvariant())];
                continue;
            }
            if (fields.Length != head.Length)
            {
                throw new InvalidDataException(
                    string.Create(CultureInfo.InvariantCulture, $"{path}: line {first} has {fields.Length} fields; expected {head.Length}.")
                );
            }
            rows.Add((first, fields));
        }
        return (head ?? [], rows);
    }

    private static IEnumerable<string> Fields(string line)
    {
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"')
            {
                if (quoted && i + 1 < line.Length && line[i + 1] == '"')
                {
                    field.Append('"');
                    i++;
                }
                else
                {
                    quoted = !quoted;
                }
            }
            else if (line[i] == ',' && !quoted)
            {
                yield return field.ToString();
                field.Clear();
            }
            else
            {
                field.Append(line[i]);
            }
        }
        yield return field.ToString();
    }
}
