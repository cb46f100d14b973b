using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AirMLNet.Options;

/// <summary>How the options of the stages are written as JSON, in saved models and in configuration files.</summary>
public static class OptionsJson
{
    internal static readonly JsonSerializerOptions Settings = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The options as indented JSON. Progress and cancellation are not part of it.</summary>
    /// <typeparam name="T">An options record of a stage.</typeparam>
    /// <param name="options">What is written.</param>
    public static string Write<T>(T options)
        where T : class => JsonSerializer.Serialize(options, Settings);

    /// <summary>Options from JSON; values are checked as if they had been set in code.</summary>
    /// <typeparam name="T">An options record of a stage.</typeparam>
    /// <param name="json">What <see cref="Write"/> produced.</param>
    /// <exception cref="FormatException">The JSON is malformed, or holds a member or value that the options do not accept.</exception>
    public static T Read<T>(string json)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Settings) ?? throw new FormatException($"{typeof(T).Name}: the JSON is 'null'.");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new FormatException($"{typeof(T).Name}: {e.Message}", e);
        }
    }
}
