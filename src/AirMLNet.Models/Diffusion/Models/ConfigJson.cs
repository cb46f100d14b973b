using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AirMLNet.Diffusion;

/// <summary>A component's JSON configuration, read with messages that name the file, the key and what would be right.</summary>
internal sealed partial class ConfigJson
{
    // "dpmsolver++" is to stay readable.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new(Plain) { WriteIndented = true };

    private readonly JsonObject _root;

    public ConfigJson(JsonObject root, string path) => (_root, Path) = (root, path);

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>The diffusers class that wrote it, <c>_class_name</c>; null where it is not said.</summary>
    public string? ClassName => Text("_class_name", null);

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no JSON object.</exception>
    public static ConfigJson Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: the file does not exist.", path);
        }
        try
        {
            return Parse(File.ReadAllText(path)) is JsonObject root
                ? new(root, path)
                : throw new InvalidDataException($"{path}: a JSON object was expected.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Parses JSON as Python writes it: infinities and NaN, which JSON does not know, become texts.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static JsonNode? Parse(string text) => JsonNode.Parse(NotFinite().Replace(text, "\"$0\""));

    public static string Write(JsonObject root) => root.ToJsonString(Indented) + "\n";

    /// <summary>Whether the key is there with another value than null.</summary>
    public bool Has(string key) => _root[key] is not null;

    public JsonNode? Node(string key) => _root[key];

    public int Int(string key, int standard, int least = 1) =>
        _root[key] switch
        {
            null => standard,
            JsonValue v when v.TryGetValue<int>(out var number) && number >= least => number,
            JsonValue v when v.TryGetValue<double>(out var real) && real == Math.Floor(real) && real >= least && real <= int.MaxValue =>
                (int)real,
            var other => throw Bad(key, other, $"a whole number of at least {least}"),
        };

    public double Number(string key, double standard) =>
        _root[key] switch
        {
            null => standard,
            JsonValue v when v.TryGetValue<double>(out var number) => number,
            JsonValue v when v.TryGetValue<string>(out var text) && text is "-Infinity" or "Infinity" => text[0] == '-'
                ? double.NegativeInfinity
                : double.PositiveInfinity,
            var other => throw Bad(key, other, "a number"),
        };

    public bool Flag(string key, bool standard) =>
        _root[key] switch
        {
            null => standard,
            JsonValue v when v.TryGetValue<bool>(out var flag) => flag,
            var other => throw Bad(key, other, "true or false"),
        };

    public string? Text(string key, string? standard) =>
        _root[key] switch
        {
            null => standard,
            JsonValue v when v.TryGetValue<string>(out var text) => text,
            var other => throw Bad(key, other, "a text"),
        };

    /// <summary>A list of whole numbers, or one number for each of <paramref name="count"/> places.</summary>
    public int[] Ints(string key, int standard, int count)
    {
        if (_root[key] is not JsonArray list)
        {
            return [.. Enumerable.Repeat(Int(key, standard), count)];
        }
        var values = Ints(key);
        return values.Length == count ? values : throw Bad(key, list, $"one number, or {count} (one for each block)");
    }

    /// <summary>A list of whole numbers of at least 1.</summary>
    public int[] Ints(string key) =>
        _root[key] is JsonArray list && list.Count > 0 && list.All(n => n is JsonValue v && v.TryGetValue<int>(out var i) && i >= 1)
            ? [.. list.Select(n => (int)n!)]
            : throw Bad(key, _root[key], "a list of whole numbers of at least 1");

    /// <summary>A list of numbers, or null where the key is missing or null.</summary>
    public double[]? Numbers(string key) =>
        _root[key] switch
        {
            null => null,
            JsonArray list when list.Count > 0 && list.All(n => n is JsonValue v && v.TryGetValue<double>(out _)) =>
            [
                .. list.Select(n => (double)n!),
            ],
            var other => throw Bad(key, other, "a list of numbers"),
        };

    /// <summary>A list of texts, each one of those allowed.</summary>
    public string[] Texts(string key, IReadOnlyList<string> standard, params string[] allowed)
    {
        string[] values = _root[key] switch
        {
            null => [.. standard],
            JsonArray list when list.Count > 0 && list.All(n => n is JsonValue v && v.TryGetValue<string>(out _)) =>
            [
                .. list.Select(n => (string)n!),
            ],
            var other => throw Bad(key, other, "a list of names"),
        };
        foreach (var value in values)
        {
            if (!allowed.Contains(value, StringComparer.Ordinal))
            {
                throw new InvalidDataException(
                    $"{Path}: {key} has \"{value}\", which is not supported; {string.Join(" and ", allowed)} are."
                );
            }
        }
        return values;
    }

    /// <summary>Refuses a key with a value that changes the computation in a way that is not built.</summary>
    /// <param name="key">The key; missing or null is fine.</param>
    /// <param name="allowed">The values that are supported, as JSON.</param>
    public void RequireOneOf(string key, params string[] allowed)
    {
        if (
            _root[key] is { } node
            && !allowed.Contains(node.ToJsonString(Plain), StringComparer.Ordinal)
            && !(
                node is JsonValue v
                && v.TryGetValue<double>(out var number)
                && allowed.Contains(number.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparer.Ordinal)
            )
        )
        {
            throw new InvalidDataException(
                $"{Path}: {key} is {Shown(node)}, which is not supported; {(allowed.Length == 0 ? "null" : string.Join(" or ", allowed))} "
                    + $"is."
            );
        }
    }

    public InvalidDataException Bad(string key, JsonNode? value, string expected) =>
        new($"{Path}: {key} is {(value is null ? "missing" : Shown(value))}; it must be {expected}.");

    [GeneratedRegex(@"(?<=[:\[,]\s*)(-?Infinity|NaN)(?=\s*[,\]}])", RegexOptions.ExplicitCapture)]
    private static partial Regex NotFinite();

    private static string Shown(JsonNode node) =>
        node.ToJsonString(Plain) is { Length: > 80 } text ? text[..80] + "…" : node.ToJsonString(Plain);
}
