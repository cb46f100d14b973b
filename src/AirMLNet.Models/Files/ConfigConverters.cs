using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace AirMLNet.Files;

/// <summary>Reads a value of a configuration file; where it is another kind of value, the message says what was expected.</summary>
internal class ConfigConverter<T>(string expected, Func<JsonElement, T> read, Func<T, object>? write = null) : JsonConverter<T>
{
    private static readonly JsonSerializerOptions Plain = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var value = JsonDocument.ParseValue(ref reader);
        try
        {
            return read(value.RootElement);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new JsonException(expected, e);
        }
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, write is null ? value : write(value), Plain);
}

/// <summary>How single values are read; a wrong one is an exception that <see cref="ConfigConverter{T}"/> explains.</summary>
internal static class ConfigValue
{
    public static readonly JsonSerializerOptions Settings = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // "dpmsolver++" is to stay readable
        WriteIndented = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        Converters =
        {
            new ConfigConverter<bool>("true or false", e => e.GetBoolean()),
            new ConfigConverter<int>("a whole number", Whole),
            new ConfigConverter<double>("a number", Number),
            new ConfigConverter<string>("a text", e => e.GetString()!),
            new ConfigConverter<IReadOnlyList<int>>("a list of whole numbers", Wholes),
            new ConfigConverter<IReadOnlyList<double>>("a list of numbers", e => [.. e.EnumerateArray().Select(Number)]),
            new ConfigConverter<IReadOnlyList<string?>>("a list of texts", e => [.. e.EnumerateArray().Select(t => t.GetString())]),
            new ConfigConverter<IReadOnlyList<float>>("a list of numbers", e => [.. e.EnumerateArray().Select(n => n.GetSingle())]),
            new ConfigConverter<ChannelValues>("a list of numbers, or one for all channels", ChannelValues.Read),
            new ConfigConverter<SquareSide>(
                "the side of a square of 1 to 65,536, or its height and width, which are equal",
                SquareSide.Read,
                s => s.Pixels
            ),
            new ConfigConverter<HeightWidth>(
                "a whole number of 1 to 65,536, or a height and a width of those",
                HeightWidth.Read,
                s => s.Height == s.Width ? s.Height : new[] { s.Height, s.Width }
            ),
            new ConfigConverter<TokenText>("a token's text", TokenText.Read),
            new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
        },
    };

    public static int Whole(JsonElement e) =>
        e.GetDouble() is var value && value == Math.Floor(value) && Math.Abs(value) <= int.MaxValue
            ? (int)value
            : throw new FormatException();

    public static IReadOnlyList<int> Wholes(JsonElement e) => [.. e.EnumerateArray().Select(Whole)];

    /// <summary>One number, or a list that holds nothing else.</summary>
    public static int Same(JsonElement e) => e.ValueKind == JsonValueKind.Array ? Wholes(e).Distinct().Single() : Whole(e);

    private static double Number(JsonElement e) =>
        e.ValueKind == JsonValueKind.Number ? e.GetDouble()
        : e.ValueEquals("Infinity") ? double.PositiveInfinity
        : e.ValueEquals("-Infinity") ? double.NegativeInfinity
        : throw new FormatException();
}

/// <summary>A number that some files write once and others once for each block.</summary>
internal sealed class SameNumberConverter() : ConfigConverter<int>("one number, or a list that repeats it", ConfigValue.Same);

/// <summary>A list of whole numbers, or one number for a list of one.</summary>
internal sealed class OneOrListConverter() : ConfigConverter<IReadOnlyList<int>>(Expected, Read, list => list.Count == 1 ? list[0] : list)
{
    public const string Expected = "a whole number, or a list of them";

    public static IReadOnlyList<int> Read(JsonElement e) =>
        e.ValueKind == JsonValueKind.Array ? ConfigValue.Wholes(e) : [ConfigValue.Whole(e)];
}

/// <summary>The same, written as one number where all are equal.</summary>
internal sealed class PerBlockConverter()
    : ConfigConverter<IReadOnlyList<int>>(
        OneOrListConverter.Expected,
        OneOrListConverter.Read,
        list => list.Distinct().Count() == 1 ? list[0] : list
    );

/// <summary>A number for each channel: a list, or one for all three.</summary>
internal sealed record ChannelValues(IReadOnlyList<float> Each)
{
    public static ChannelValues Read(JsonElement e) =>
        new(
            e.ValueKind == JsonValueKind.Number
                ? [e.GetSingle(), e.GetSingle(), e.GetSingle()]
                : [.. e.EnumerateArray().Select(n => n.GetSingle())]
        );
}

/// <summary>The side of a square image or patch: a number, [n, n], {"shortest_edge": n} or {"height": n, "width": n}.</summary>
internal readonly record struct SquareSide(int Pixels)
{
    /// <summary>The longest side that a file may say.</summary>
    public const int Longest = 65_536;

    public static SquareSide Read(JsonElement e) =>
        Side(e) is var side && side.Pixels is >= 1 and <= Longest ? side : throw new FormatException();

    private static SquareSide Side(JsonElement e)
    {
        if (e.ValueKind != JsonValueKind.Object)
        {
            // What a list of one means differs from version to version of the libraries, or is no size to them.
            return e.ValueKind == JsonValueKind.Array && e.GetArrayLength() != 2 ? throw new FormatException() : new(ConfigValue.Same(e));
        }
        if (e.TryGetProperty("shortest_edge", out var edge))
        {
            return new(ConfigValue.Whole(edge));
        }
        var height = ConfigValue.Whole(e.GetProperty("height"));
        var width = e.TryGetProperty("width", out var other) ? ConfigValue.Whole(other) : height;
        return height == width ? new(height) : throw new FormatException();
    }
}

/// <summary>Height and width: a number for both, or a list of the two.</summary>
internal readonly record struct HeightWidth(int Height, int Width)
{
    public static implicit operator HeightWidth(int side) => new(side, side);

    public static HeightWidth Read(JsonElement e)
    {
        var sides = OneOrListConverter.Read(e);
        return sides.Count is 1 or 2 && sides.All(s => s is >= 1 and <= SquareSide.Longest)
            ? new(sides[0], sides[^1])
            : throw new FormatException();
    }
}

/// <summary>A special token: its text, or an object that holds it.</summary>
internal sealed record TokenText(string Text)
{
    public static TokenText Read(JsonElement e) =>
        new((e.ValueKind == JsonValueKind.Object ? e.GetProperty("content") : e).GetString() ?? throw new FormatException());
}

/// <summary>The least value of a whole number of a configuration, which is 1 where this does not stand.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AtLeastAttribute(int value) : Attribute
{
    public int Value => value;
}
