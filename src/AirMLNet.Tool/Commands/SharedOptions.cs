using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using AirMLNet.Files;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary>Arguments and options that several commands have, worded once.</summary>
internal static class SharedOptions
{
    public static readonly Option<bool> Verbose = new("--verbose")
    {
        Description = "Show details, and the stack trace of an error",
        Recursive = true,
    };

    public static Argument<string> Model() => new("MODEL") { Description = "The adapted model: a zip written by 'airml adapt'" };

    public static Argument<string> Images(string description) => new("IMAGES") { Description = description };

    public static Option<string> Classes() =>
        new("--classes")
        {
            Description = "Text file with one class name a line",
            HelpName = "FILE",
            Required = true,
        };

    public static Option<string> Clip() =>
        new("--clip")
        {
            Description = "Folder of the CLIP model, in Hugging Face layout (config.json, model.safetensors, tokenizer)",
            HelpName = "FOLDER",
            Required = true,
            CustomParser = ModelFolder,
        };

    /// <summary>A model's folder: as it is given, or where there is none, the one in AIRMLNET_HOME, where 'airml pull' puts it.</summary>
    public static string ModelFolder(ArgumentResult result)
    {
        var folder = result.Tokens.Count == 0 ? "" : result.Tokens[0].Value;
        if (folder.Length == 0)
        {
            result.AddError("The folder of a model is empty; name one.");
        }

        return AirHome.Given is { } home && !Directory.Exists(folder) && Directory.Exists(Path.Combine(home, folder))
            ? Path.Combine(home, folder)
            : folder;
    }

    public static Option<bool> Json() => new("--json") { Description = "Write the result as JSON" };

    public static Option<bool> SkipUnreadable() =>
        new("--skip-unreadable") { Description = "Leave out images that cannot be decoded, with a warning, instead of stopping" };

    /// <summary>A number that, where not given, leaves the choice to the library.</summary>
    public static Option<T?> Optional<T>(string name, string description, T least, T most)
        where T : struct, INumber<T> => new(name) { Description = description, CustomParser = result => Parse(name, result, least, most) };

    public static Option<int> Number(string name, string description, int standard, int least, int most) =>
        new(name)
        {
            Description = description,
            DefaultValueFactory = _ => standard,
            CustomParser = result => Parse(name, result, least, most),
        };

    /// <summary>The first of some options that the command line has; null for none.</summary>
    public static Option? Given(ParseResult parsed, IEnumerable<Option> options) =>
        options.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false });

    /// <summary>Refuses options that would change nothing, without a word.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">The options.</param>
    /// <param name="why">The rest of a sentence that begins with the option's name.</param>
    /// <exception cref="UsageException">One was given.</exception>
    public static void Refuse(ParseResult parsed, IEnumerable<Option> options, string why)
    {
        if (Given(parsed, options) is { } idle)
        {
            throw new UsageException($"{idle.Name} {why}");
        }
    }

    /// <summary>Runs a command's work off the main thread, so that Ctrl-C is answered at once.</summary>
    public static void Does(this Command command, Func<ParseResult, CancellationToken, int> work) =>
        command.SetAction(
            (parsed, cancellation) =>
            {
                OutputCheck.NotAnInput(parsed);
                return Task.Run(() => work(parsed, cancellation), CancellationToken.None);
            }
        );

    private static T Parse<T>(string name, ArgumentResult result, T least, T most)
        where T : struct, INumber<T>
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return value;
        }

        var kind = typeof(T) == typeof(int) ? "a whole number from" : "a number from";
        result.AddError(FormattableString.Invariant($"{name} is '{text}'; expected {kind} {least} to {most}."));
        return default;
    }
}
