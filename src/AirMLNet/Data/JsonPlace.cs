using System.Globalization;
using System.Text.Json;

namespace AirMLNet.Data;

/// <summary>A value of a JSON file and where it stands: what is of another kind than expected is refused by file and place.</summary>
/// <param name="File">The file, for messages.</param>
/// <param name="Path">Names and numbers that lead to the value, such as <c>train[3][1]</c>; empty for the whole.</param>
/// <param name="Value">The value.</param>
internal readonly record struct JsonPlace(string File, string Path, JsonElement Value)
{
    private const int MostShown = 60;

    /// <summary>The values of a list, in their order.</summary>
    public IEnumerable<JsonPlace> Items
    {
        get
        {
            var (file, path) = (File, Path);
            return Of(JsonValueKind.Array, "a list").EnumerateArray().Select((e, i) => new JsonPlace(file, Numbered(path, i), e));
        }
    }

    /// <summary>A text.</summary>
    public string Text
    {
        get
        {
            try
            {
                return Of(JsonValueKind.String, "a text").GetString()!;
            }
            catch (InvalidOperationException e)
            {
                throw Bad("a text of whole characters", e);
            }
        }
    }

    /// <summary>A whole number.</summary>
    public long Whole => Of(JsonValueKind.Number, "a whole number").TryGetInt64(out var number) ? number : throw Bad("a whole number");

    /// <summary>The member of an object.</summary>
    public JsonPlace this[string name] => Find(name) ?? throw Bad($"an object with \"{name}\"");

    /// <summary>The value of a list that has as many at least.</summary>
    public JsonPlace this[int index] =>
        Of(JsonValueKind.Array, "a list") is var list && index < list.GetArrayLength()
            ? new(File, Numbered(Path, index), list[index])
            : throw Bad(string.Create(CultureInfo.InvariantCulture, $"a list of more than {index} values"));

    /// <summary>A whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">Its text, or a line of it.</param>
    /// <param name="firstLine">The number of its first line.</param>
    /// <exception cref="InvalidDataException">It is not JSON; the message names the line.</exception>
    public static JsonDocument Parse(string path, string text, int firstLine = 1)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException e)
        {
            // .NET counts lines from 0 and says so at the end.
            var reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.');
            throw new InvalidDataException($"{path}: line {firstLine + (e.LineNumber ?? 0)} is not valid JSON: {reason}.", e);
        }
    }

    /// <summary>The member of an object; null where it has none of that name.</summary>
    public JsonPlace? Find(string name) =>
        Of(JsonValueKind.Object, "an object").TryGetProperty(name, out var value)
            ? new JsonPlace(File, Path.Length == 0 ? name : $"{Path}.{name}", value)
            : null;

    /// <summary>What is wrong with the value.</summary>
    /// <param name="expected">What would be right.</param>
    /// <param name="cause">What was thrown; null for nothing.</param>
    public InvalidDataException Bad(string expected, Exception? cause = null)
    {
        var text = Value.GetRawText().ReplaceLineEndings(" ");
        var shown = text.Length > MostShown ? text[..MostShown] + "…" : text;
        return new($"{File}: {(Path.Length == 0 ? "the whole" : Path)} is {shown}; expected {expected}.", cause);
    }

    private static string Numbered(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");

    private JsonElement Of(JsonValueKind kind, string expected) => Value.ValueKind == kind ? Value : throw Bad(expected);
}
