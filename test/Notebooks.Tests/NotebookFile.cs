using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive.Documents.Jupyter;

namespace Notebooks.Tests;

/// <summary>A notebook as it lies in notebooks/.</summary>
internal sealed class NotebookFile
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        IndentSize = 1,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly string _path;
    private readonly JsonObject _json;

    public NotebookFile(string path)
    {
        _path = path;
        var text = File.ReadAllText(path);
        _json = JsonNode.Parse(text)!.AsObject();
        // Read as Jupyter does; a cell of code comes back without a kernel's name, so that all but Markdown is C#.
        Code = [.. Notebook.Parse(text).Elements.Where(e => e.KernelName != "markdown").Select(e => e.Contents)];
        Cells = [.. _json["cells"]!.AsArray().Where(c => (string)c!["cell_type"]! == "code").Select(c => c!.AsObject())];
        Assert.HasCount(Code.Count, Cells, path);
    }

    /// <summary>The root of the repository.</summary>
    public static string Root { get; } =
        typeof(NotebookFile).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Root").Value!;

    public static IEnumerable<string> All() =>
        Directory
            .GetFiles(Path.Combine(Root, "notebooks"), "*.ipynb")
            .Select(f => Path.GetFileNameWithoutExtension(f)!)
            .Order(StringComparer.Ordinal);

    public static NotebookFile Named(string name) => new(Path.Combine(Root, "notebooks", name + ".ipynb"));

    /// <summary>Code of the cells of code, in order.</summary>
    public IReadOnlyList<string> Code { get; }

    private IReadOnlyList<JsonObject> Cells { get; }

    /// <summary>The outputs that a cell of code promises.</summary>
    public IReadOnlyList<CellOutput> Promised(int cell) => [.. Cells[cell]["outputs"]!.AsArray().Select(o => Read(o!.AsObject()))];

    /// <summary>Writes the outputs of every cell of code into the file.</summary>
    public void Write(IReadOnlyList<IReadOnlyList<CellOutput>> outputs)
    {
        foreach (var (cell, shown) in Cells.Zip(outputs))
        {
            cell["execution_count"] = null;
            cell["outputs"] = new JsonArray([.. shown.Select(Json)]);
        }

        File.WriteAllText(_path, _json.ToJsonString(Layout) + "\n");
    }

    private static CellOutput Read(JsonObject output)
    {
        var kind = (string)output["output_type"]!;
        if (kind == "stream")
        {
            return new(kind, "text/plain", Text(output["text"]!));
        }

        var (type, value) = output["data"]!.AsObject().First();
        return new(kind, type, Text(value!));
    }

    private static JsonNode Json(CellOutput output) =>
        output.Kind == "stream"
            ? new JsonObject
            {
                ["name"] = "stdout",
                ["output_type"] = output.Kind,
                ["text"] = Lines(output.Text),
            }
        : output.Kind == "execute_result"
            ? new JsonObject
            {
                ["data"] = new JsonObject { [output.MimeType] = Lines(output.Text) },
                ["execution_count"] = null,
                ["metadata"] = new JsonObject(),
                ["output_type"] = output.Kind,
            }
        : new JsonObject
        {
            ["data"] = new JsonObject { [output.MimeType] = Lines(output.Text) },
            ["metadata"] = new JsonObject(),
            ["output_type"] = output.Kind,
        };

    private static JsonArray Lines(string text)
    {
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');
        return new JsonArray([
            .. lines
                .Select((line, i) => i < lines.Length - 1 ? line + "\n" : line)
                .Where(line => line.Length > 0)
                .Select(line => (JsonNode)line!),
        ]);
    }

    private static string Text(JsonNode text) => text is JsonArray lines ? string.Concat(lines.Select(l => (string)l!)) : (string)text!;
}
