using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace AirMLNet.Options;

/// <summary>How the options of the stages are written as JSON, in saved models and in configuration files.</summary>
public static partial class OptionsJson
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
        catch (JsonException e)
        {
            throw new FormatException($"{typeof(T).Name}: {Explained(e, typeof(T).Assembly)}", e);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"{typeof(T).Name}: {OptionCheck.Words(e)}", e);
        }
    }

    // Of a value of the wrong kind .NET says only the name of its own type.
    private static string Explained(JsonException e, Assembly assembly)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"line {(e.LineNumber ?? 0) + 1}");
        var path = e.Path is { Length: > 2 } place ? place[2..] : "the whole";
        if (e.Message.Contains("doesn't allow setting null", StringComparison.Ordinal))
        {
            return $"{path} is null ({line}); give it a value, or leave it out where it has a default.";
        }
        if (Unknown().Match(e.Message) is { Success: true } unknown)
        {
            var name = unknown.Groups["name"].Value;
            var parent = path.EndsWith("." + name, StringComparison.Ordinal) ? $" in {path[..^(name.Length + 1)]}" : "";
            var hint = name.Length > 0 && char.IsUpper(name[0]) ? "; names begin with a small letter" : "";
            return $"there is no member '{name}'{parent} ({line}){hint}.";
        }
        if (Twice().Match(e.Message) is { Success: true } twice)
        {
            return $"'{twice.Groups["name"].Value}' is there twice.";
        }
        var match = WrongKind().Match(e.Message);
        if (!match.Success)
        {
            return e.InnerException is null || e.LineNumber is null
                ? e.Message
                : $"{line} is not valid JSON: {e.Message.Split(" Path:")[0].Split(" LineNumber:")[0]}";
        }
        var (list, type) = (match.Groups["list"].Success, match.Groups["type"].Value);
        var kind = type switch
        {
            "System.Int32" or "System.Int64" => list ? "whole numbers" : "a whole number",
            "System.Single" or "System.Double" => list ? "numbers" : "a number",
            "System.String" => list ? "texts" : "a text",
            "System.Boolean" => "true or false",
            _ when (assembly.GetType(type) ?? typeof(OptionsJson).Assembly.GetType(type)) is { IsEnum: true } names =>
                $"one of {string.Join(", ", Enum.GetNames(names))}",
            _ => list ? "objects" : "an object",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{path} has a value of the wrong kind ({line}); expected {(list ? "a list of " : "")}{kind}."
        );
    }

    [GeneratedRegex(
        @"could not be converted to (?<list>System\.Collections\.Generic\.\w+`1\[)?(System\.Nullable`1\[)?(?<type>[\w.+]*\w)",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant
    )]
    private static partial Regex WrongKind();

    [GeneratedRegex("property '(?<name>[^']*)' could not be mapped", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Unknown();

    [GeneratedRegex("Duplicate property '(?<name>[^']*)'", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Twice();
}
