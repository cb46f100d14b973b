using System.Globalization;
using System.Runtime.CompilerServices;

namespace AirMLNet.Options;

/// <summary>Checks of option values. Each message names the option, the value that was given and the allowed range.</summary>
internal static class OptionCheck
{
    /// <summary>What an exception says, without the name of a parameter that .NET adds and that is no option.</summary>
    public static string Words(ArgumentException e) => e.Message.Split($" (Parameter '{e.ParamName}')")[0];

    /// <summary>A list whose entries are all there, as those that JSON calls null are not.</summary>
    public static IReadOnlyList<T> NoNulls<T>(IReadOnlyList<T> value, [CallerMemberName] string option = "")
        where T : class =>
        value.Index().FirstOrDefault(e => e.Item is null, (-1, null!)).Index is >= 0 and var i
            ? throw new ArgumentException($"{option}[{i}] is null; give it a value, or take it out.", option)
            : value;

    /// <summary>A list that has no entry twice.</summary>
    public static IReadOnlyList<T> Once<T>(IReadOnlyList<T> value, [CallerMemberName] string option = "") =>
        value.GroupBy(v => v).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new ArgumentException($"{option}: '{twice.Key}' is there twice; expected each once.", option)
            : value;

    public static int Range(int value, int minimum, int maximum, [CallerMemberName] string option = "") =>
        value >= minimum && value <= maximum
            ? value
            : throw new ArgumentOutOfRangeException(option, value, $"{option} = {value}; expected {minimum}..{maximum}.");

    public static double Range(double value, double minimum, double maximum, [CallerMemberName] string option = "") =>
        value >= minimum && value <= maximum // false for NaN
            ? value
            : throw new ArgumentOutOfRangeException(
                option,
                value,
                string.Create(CultureInfo.InvariantCulture, $"{option} = {value}; expected {minimum}..{maximum}.")
            );

    public static double? RangeOrNull(double? value, double minimum, double maximum, [CallerMemberName] string option = "") =>
        value is { } v ? Range(v, minimum, maximum, option) : null;

    public static string NotBlank(string? value, [CallerMemberName] string option = "") =>
        !string.IsNullOrWhiteSpace(value)
            ? value
            : throw new ArgumentException($"{option} = '{value}'; expected a name that is not blank.", option);

    public static string? NullOrNotBlank(string? value, [CallerMemberName] string option = "") =>
        value is null ? null : NotBlank(value, option);

    public static T Defined<T>(T value, [CallerMemberName] string option = "")
        where T : struct, Enum =>
        Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(
                option,
                value,
                $"{option} = {value}; expected one of {string.Join(", ", Enum.GetNames<T>())}."
            );

    public static T OneOf<T>(T value, T first, T second, [CallerMemberName] string option = "")
        where T : struct, Enum =>
        value.Equals(first) || value.Equals(second)
            ? value
            : throw new ArgumentOutOfRangeException(option, value, $"{option} = {value}; expected {first} or {second}.");

    /// <summary>Two or more names, none blank, no two equal when case is ignored. The list is copied.</summary>
    public static IReadOnlyList<string> ClassNames(IReadOnlyList<string>? names, [CallerMemberName] string option = "")
    {
        if (names is null || names.Count < 2)
        {
            throw new ArgumentException($"{option} has {names?.Count ?? 0} names; expected 2 or more.", option);
        }

        var seen = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < names.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(names[i]))
            {
                throw new ArgumentException($"{option}[{i}] = '{names[i]}'; expected a name that is not blank.", option);
            }

            if (!seen.TryAdd(names[i].Trim(), i))
            {
                throw new ArgumentException(
                    $"{option}[{i}] = '{names[i]}' repeats {option}[{seen[names[i].Trim()]}]; expected every name once.",
                    option
                );
            }
        }
        return new ValueList<string>(names);
    }

    /// <summary>Null, or one or more names, none blank. The list is copied.</summary>
    public static IReadOnlyList<string>? NamesOrNull(IReadOnlyList<string>? names, [CallerMemberName] string option = "")
    {
        if (names is null)
        {
            return null;
        }

        if (names.Count == 0)
        {
            throw new ArgumentException($"{option} is empty; expected one or more names, or null.", option);
        }

        for (var i = 0; i < names.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(names[i]))
            {
                throw new ArgumentException($"{option}[{i}] = '{names[i]}'; expected a name that is not blank.", option);
            }
        }
        return new ValueList<string>(names);
    }

    /// <summary>One or more templates, each with the place of the class name, <c>{}</c>. The list is copied.</summary>
    public static IReadOnlyList<string> Templates(IReadOnlyList<string>? templates, [CallerMemberName] string option = "")
    {
        if (templates is null || templates.Count == 0)
        {
            throw new ArgumentException($"{option} is empty; expected 1 or more templates such as 'a photo of a {{}}.'.", option);
        }

        for (var i = 0; i < templates.Count; i++)
        {
            if (
                templates[i] is null
                || !templates[i].Replace("{{}}", "", StringComparison.Ordinal).Contains("{}", StringComparison.Ordinal)
            )
            {
                throw new ArgumentException(
                    $"{option}[{i}] = '{templates[i]}'; expected a text with {{}} where the class name goes.",
                    option
                );
            }
        }
        return new ValueList<string>(templates);
    }
}
