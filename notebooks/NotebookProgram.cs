using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AirMLNet.Notebooks;

/// <summary>Writes a notebook as a program of one file, which <c>dotnet run</c> takes.</summary>
internal static partial class NotebookProgram
{
    private const string Head = """
        #:project Notebooks.csproj
        #:property RunsTorch=true
        #:property PublishAot=false
        #:property GenerateDocumentationFile=false
        #:property CSharpier_Check=false
        #:property TreatWarningsAsErrors=false

        """;

    /// <summary>The program: comments for texts, the cells' code in order, types at the end; what a cell shows is printed.</summary>
    /// <param name="notebook">The notebook as it lies in its file.</param>
    /// <exception cref="InvalidDataException">It is no notebook.</exception>
    public static string Of(string notebook)
    {
        SortedSet<string> usings = new(StringComparer.Ordinal);
        StringBuilder code = new(),
            types = new();
        foreach (var (markdown, source) in Cells(notebook))
        {
            if (markdown)
            {
                code.AppendJoin('\n', source.Split('\n').Select(line => $"// {line}".TrimEnd())).Append("\n\n");
                continue;
            }

            List<string> lines = [];
            foreach (var line in source.Split('\n').Where(line => !line.StartsWith("#r ", StringComparison.Ordinal)))
            {
                if (Using().IsMatch(line))
                {
                    usings.Add(line);
                }
                else
                {
                    lines.Add(line);
                }
            }

            var text = string.Join('\n', lines).Trim('\n');
            (Type().IsMatch(text) ? types : code).Append(Printing(text)).Append(text.Length > 0 ? "\n\n" : "");
        }

        return $"{Head}{string.Concat(usings.Select(u => u + "\n"))}\n{code}{types}".TrimEnd('\n') + "\n";
    }

    /// <summary>A cell shows its last line where that is an expression; a program has to say so.</summary>
    private static string Printing(string cell)
    {
        var start = cell.LastIndexOf('\n') + 1;
        var last = cell[start..];
        return last.Length == 0 || last.EndsWith(';') || last.EndsWith('}') ? cell : $"{cell[..start]}Console.WriteLine({last});";
    }

    private static IEnumerable<(bool Markdown, string Source)> Cells(string notebook)
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(notebook);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"No notebook: {e.Message}", e);
        }

        using (json)
        {
            if (!json.RootElement.TryGetProperty("cells", out var cells))
            {
                throw new InvalidDataException("No notebook: it has no cells.");
            }

            foreach (var cell in cells.EnumerateArray())
            {
                yield return (
                    cell.GetProperty("cell_type").GetString() == "markdown",
                    string.Concat(cell.GetProperty("source").EnumerateArray().Select(line => line.GetString()))
                );
            }
        }
    }

    [GeneratedRegex(@"^using [\w.]+;$")]
    private static partial Regex Using();

    [GeneratedRegex(@"^(public |internal |sealed )*(class|record|struct|enum) ")]
    private static partial Regex Type();
}
