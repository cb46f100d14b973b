using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;

namespace AirMLNet.Files;

/// <summary>
/// A configuration file of another library: a JSON object that becomes a record, with messages that name the file, the key and what would
/// be right. The order is: <see cref="Refuse"/>, <see cref="Default"/>, <see cref="To{T}"/>, and in the record
/// <see cref="CheckWholeNumbers"/>.
/// </summary>
/// <remarks>Keys are snake_case. Null is the same as a missing key, but for <see cref="IsNull"/>. Unknown keys are ignored.</remarks>
internal sealed partial class ConfigFile
{
    private const int MostLayers = 1000,
        MostNumber = 1 << 24;
    private const long Largest = 64L << 20; // the largest tokenizers have 20 MB

    private static readonly JsonSerializerOptions Settings = ConfigValue.Settings;
    private static readonly JsonSerializerOptions OneLine = new(Settings) { WriteIndented = false };

    private readonly HashSet<string> _nulls = new(StringComparer.Ordinal);

    /// <param name="path">What messages name.</param>
    /// <param name="root">The content; it is copied.</param>
    public ConfigFile(string path, JsonObject root)
    {
        (Path, Root) = (path, (JsonObject)root.DeepClone());
        RemoveNulls(Root, "");
    }

    public string Path { get; }

    public JsonObject Root { get; }

    /// <summary>Whether there is a file of a name; what only has the file's name would count as a missing one.</summary>
    /// <exception cref="InvalidDataException">There is a folder of that name.</exception>
    public static bool IsThere(string path) =>
        Directory.Exists(path) ? throw new InvalidDataException($"{path} is a folder; a file was expected.") : File.Exists(path);

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no JSON object.</exception>
    public static ConfigFile Open(string path)
    {
        if (!IsThere(path) || !RealFile.Of(path).Exists)
        {
            throw new FileNotFoundException(RealFile.Missing(path), path);
        }
        var text = TextFile.ReadAll(path, Largest);
        try
        {
            return Parse(text) is JsonObject root
                ? new(path, root)
                : throw new InvalidDataException($"{path}: a JSON object was expected.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(GitLfs.Begins(text) ? GitLfs.Advice(path) : $"{path} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Parses JSON as Python writes it: infinities and NaN, which JSON does not know, become texts.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static JsonNode? Parse(string text) =>
        JsonNode.Parse(
            TextOrNotFinite().Replace(text, m => m.Groups["number"].Success ? $"\"{m.Value}\"" : m.Value),
            documentOptions: new() { CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false }
        );

    /// <summary>What the files say of a key, the first file first: a model's facts often stand in several files.</summary>
    /// <param name="folders">Where files are looked for; those that are not there say nothing.</param>
    /// <param name="keys">Names of files and keys, <c>section.key</c> for one in a section.</param>
    public static IEnumerable<T> Said<T>(string[] folders, params (string File, string Key)[] keys) =>
        from key in keys
        from folder in folders
        let path = System.IO.Path.Combine(folder, key.File)
        where IsThere(path)
        let config = Open(path)
        where config.At(key.Key) is not null
        select config.Get<T>(key.Key);

    /// <summary>The value of a key, null where it is missing.</summary>
    public JsonNode? At(string key) => key.Split('.').Aggregate((JsonNode?)Root, (node, part) => (node as JsonObject)?[part]);

    /// <summary>Whether a key is there and is null: of a few keys this is another thing than a missing key.</summary>
    public bool IsNull(string key) => _nulls.Contains(key);

    /// <summary>Refuses the file where a key has a value that is not built.</summary>
    public void Refuse(IEnumerable<RefusedKey> table)
    {
        foreach (var entry in table)
        {
            if (At(entry.Key) is { } value && !entry.Allows(value))
            {
                var supported = entry.Supported.Length == 0 ? "null" : string.Join(" or ", entry.Supported.Select(Shown));
                throw new InvalidDataException(
                    $"{Path}: {entry.Key} is {Shown(value)}, which is not supported; {supported} is. {entry.Why}"
                );
            }
        }
    }

    /// <summary>Adds what the format's own library takes for keys that are missing, where this is not the record's default.</summary>
    public void Default(params (string Key, JsonNode Value)[] values)
    {
        foreach (var (key, value) in values)
        {
            Root.TryAdd(key, value.DeepClone());
        }
    }

    /// <summary>The file as a record.</summary>
    public T To<T>() =>
        Settings.GetTypeInfo(typeof(T)).Properties.FirstOrDefault(p => p.IsRequired && !Root.ContainsKey(p.Name)) is { } missing
            ? throw new InvalidDataException($"{Path}: {missing.Name} is missing.")
            : Deserialize<T>(Root, "");

    /// <summary>The value of a key, which is there.</summary>
    public T Get<T>(string key) => Deserialize<T>(At(key)!, key);

    public InvalidDataException Bad(string key, string expected) =>
        new($"{Path}: {key} is {(At(key) is { } value ? Shown(value) : "missing")}; it must be {expected}.");

    /// <summary>A record as the object of a file.</summary>
    public static JsonObject Object<T>(T record) => (JsonObject)JsonSerializer.SerializeToNode(record, Settings)!;

    /// <summary>A record as the text of a file, with the record's class in the terms of the other library.</summary>
    public static string Write<T>(T record, string className)
    {
        var root = Object(record);
        root.Insert(0, "_class_name", className);
        return Write(root);
    }

    public static string Write(JsonObject root) => root.ToJsonString(Settings) + "\n";

    /// <summary>Checks that whole numbers, also those of records inside, are at least 1, or <see cref="AtLeastAttribute"/>.</summary>
    /// <exception cref="InvalidDataException">One is not; the message names it, the value and the least.</exception>
    public static void CheckWholeNumbers(string path, object record, string section = "")
    {
        foreach (var property in Settings.GetTypeInfo(record.GetType()).Properties)
        {
            var least = property.AttributeProvider?.GetCustomAttributes(typeof(AtLeastAttribute), false) is [AtLeastAttribute a]
                ? a.Value
                : 1;
            var value = property.Get?.Invoke(record);
            IEnumerable<int> numbers = value switch
            {
                int number when property.PropertyType == typeof(int) => [number], // what may be null is an id
                IReadOnlyList<int> list => list,
                _ => [],
            };
            foreach (var number in numbers.Where(n => n < least))
            {
                throw new InvalidDataException($"{path}: {section}{property.Name} is {number}; it must be at least {least}.");
            }
            // Layers are built before they are compared with the weights: a file must not make that endless.
            var most = property.Name.Contains("layers", StringComparison.Ordinal) ? MostLayers : MostNumber;
            foreach (var number in numbers.Where(n => n > most))
            {
                throw new InvalidDataException($"{path}: {section}{property.Name} is {number}; it must be at most {most}.");
            }
            if (value is not null && Settings.GetTypeInfo(property.PropertyType).Kind == JsonTypeInfoKind.Object)
            {
                CheckWholeNumbers(path, value, $"{section}{property.Name}.");
            }
        }
    }

    private T Deserialize<T>(JsonNode node, string section)
    {
        try
        {
            return node.Deserialize<T>(Settings)!;
        }
        catch (JsonException e)
        {
            // Converters of ours say what they expected, all others are those of records.
            var key = $"{section}.{e.Path?[1..].TrimStart('.')}".Trim('.');
            var expected = e.InnerException is null ? "an object" : e.Message;
            throw new InvalidDataException($"{Path}: {key} is {Shown(At(key))}, which has the wrong type; it must be {expected}.", e);
        }
    }

    private static string Shown(JsonNode? node)
    {
        var text = node?.ToJsonString(OneLine) ?? "null";
        return text.Length > 80 ? text[..80] + "…" : text;
    }

    private void RemoveNulls(JsonObject o, string section)
    {
        foreach (var (key, value) in o.ToList())
        {
            if (value is null)
            {
                _nulls.Add(section + key);
                o.Remove(key);
            }
            else if (value is JsonObject inner)
            {
                RemoveNulls(inner, $"{section}{key}.");
            }
        }
    }

    // Texts are matched first, so that the words inside them stay.
    [GeneratedRegex("\"([^\"\\\\]|\\\\.)*\"|(?<number>-?Infinity|NaN)", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex TextOrNotFinite();
}
