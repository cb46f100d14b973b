using System.Text.Json.Nodes;

namespace AirMLNet.Files;

/// <summary>
/// A key of a configuration file of which only some values are built here. The others change what is computed, so they are refused and
/// never ignored. Every format has one table of these; <see cref="ConfigFile.Refuse"/> goes through it.
/// </summary>
/// <param name="Key">The key; <c>section.key</c> for one in a section.</param>
/// <param name="Why">A sentence for the message: what the other values mean, or what is built instead.</param>
/// <param name="Supported">The values that are built. A missing key and null always are.</param>
internal sealed record RefusedKey(string Key, string Why, params JsonNode[] Supported)
{
    /// <summary>Of every model: whatever numbers lie in the file, the library that wrote it would compute with others.</summary>
    public static RefusedKey Quantised { get; } = new("quantization_config", "Weights that were quantised are not read.");

    /// <summary>Whether the value is a list of which every item must be supported.</summary>
    public bool IsList { get; init; }

    public bool Allows(JsonNode? value) =>
        value is null
        || (
            IsList && value is JsonArray list
                ? list.All(item => Supported.Any(s => JsonNode.DeepEquals(s, item)))
                : Supported.Any(s => JsonNode.DeepEquals(s, value))
        );
}
