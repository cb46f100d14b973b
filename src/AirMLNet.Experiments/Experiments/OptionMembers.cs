using System.Text.Json.Nodes;
using AirMLNet.Options;

namespace AirMLNet.Experiments;

/// <summary>Options of which some members are replaced by those of a JSON object.</summary>
internal static class OptionMembers
{
    /// <summary>The options with the members of a JSON object in the place of their own.</summary>
    /// <exception cref="FormatException">A member or a value is not accepted.</exception>
    public static T With<T>(T options, JsonObject settings)
        where T : class
    {
        var json = JsonNode.Parse(OptionsJson.Write(options))!.AsObject();
        Merge(json, settings);
        return OptionsJson.Read<T>(json.ToJsonString());
    }

    /// <summary>Objects within are merged too, so that one member of <c>training</c> leaves the others.</summary>
    private static void Merge(JsonObject into, JsonObject settings)
    {
        foreach ((var name, var value) in settings)
        {
            if (value is JsonObject inner && into[name] is JsonObject old)
            {
                Merge(old, inner);
            }
            else
            {
                into[name] = value?.DeepClone();
            }
        }
    }
}
