using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AirMLNet.Experiments;

/// <summary>What the command line says otherwise than an experiment file.</summary>
internal sealed record ExperimentChanges
{
    /// <summary>Folder of the data sets; null: as the file says.</summary>
    public string? Data { get; init; }

    /// <summary>Folder of the models; null: as the file says.</summary>
    public string? Models { get; init; }

    /// <summary>
    /// Members with their values, such as <c>seeds=[1]</c>, <c>synthesis.training.steps=100</c> or <c>dataSets.0.mostTest=500</c>. Values
    /// are JSON; what is not is taken as text.
    /// </summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The text of a file with the settings in it.</summary>
    /// <exception cref="FormatException">The text is no JSON object, or a setting names no member.</exception>
    public string Apply(string text)
    {
        if (Settings.Count == 0)
        {
            return text;
        }

        try
        {
            var root = JsonNode.Parse(text)!.AsObject();
            foreach (var setting in Settings)
            {
                Set(root, setting);
            }

            return root.ToJsonString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException(e.Message, e);
        }
    }

    private static void Set(JsonObject root, string setting)
    {
        var sign = setting.IndexOf('=', StringComparison.Ordinal);
        if (sign <= 0)
        {
            throw new FormatException($"--set is '{setting}'; expected MEMBER=VALUE, such as seeds=[1] or synthesis.training.steps=100.");
        }

        var names = setting[..sign].Split('.');
        JsonNode at = root;
        foreach (var name in names[..^1])
        {
            at = at switch
            {
                JsonArray list => list[Index(list, name, setting)]!,
                JsonObject members => members[name] ??= new JsonObject(),
                _ => throw new FormatException($"--set {setting}: '{name}' is within a value that has no members."),
            };
        }

        switch (at)
        {
            case JsonArray list:
                list[Index(list, names[^1], setting)] = Value(setting[(sign + 1)..]);
                break;
            case JsonObject members:
                members[names[^1]] = Value(setting[(sign + 1)..]);
                break;
            default:
                throw new FormatException($"--set {setting}: '{names[^1]}' is within a value that has no members.");
        }
    }

    private static int Index(JsonArray list, string name, string setting) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var i) && i < list.Count
            ? i
            : throw new FormatException($"--set {setting}: '{name}' is no place in the list; expected 0..{list.Count - 1}.");

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
