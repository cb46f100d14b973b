using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using AirMLNet.Options;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool;

/// <summary>Parses the arguments, runs one command, and turns every failure into one line and an exit code.</summary>
internal static partial class CommandLine
{
    private static string s_name = "airml";
    private static string? s_resume;

    public static RootCommand Build() =>
        new RootCommand("Adapts CLIP to a folder of images without labels, and gives back one ML.NET model.")
        {
            AdaptCommand.Build(),
            PredictCommand.Build(),
            EvaluateCommand.Build(),
            ReportCommand.Build(),
            CompareCommand.Build(),
            ExperimentCommand.Build(),
            TrainCommand.Build(),
            CaptionsCommand.Build(),
            SynthesizeCommand.Build(),
            VerifyCommand.Build(),
            EmbedCommand.Build(),
            MergeCommand.Build(),
            PullCommand.Build(),
            DoctorCommand.Build(),
        };

    /// <summary>Parses the arguments and runs one command of <paramref name="root"/>.</summary>
    /// <param name="root">The commands.</param>
    /// <param name="name">The program, as it is called in messages.</param>
    /// <param name="args">The arguments; none asks for help.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(RootCommand root, string name, string[] args)
    {
        s_name = name;
        if (!StandardStreams.CanWrite())
        {
            WriteError("standard output is closed; results would be lost. Lead it to a file, such as > results.txt, or to /dev/null");
            return ExitCode.Failed;
        }

        root.Options.Add(SharedOptions.Verbose);
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            option.Action = new ExamplesHelpAction((HelpAction)option.Action!);
        }

        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        var help = parsed.RootCommandResult.Command.Options.OfType<HelpOption>().Single();
        if (parsed.GetResult(help) is { Implicit: false })
        {
            // Help is wanted even where required options are missing.
            return ((ExamplesHelpAction)help.Action!).Invoke(parsed);
        }

        if (parsed.Errors.Count > 0)
        {
            // A mistyped word says more than "required" something, which is often its consequence.
            var messages = parsed.Errors.Select(error => OneLine(error.Message)).ToList();
            var message = messages.Find(text => text.StartsWith("Unrecognized", StringComparison.Ordinal)) ?? messages[0];
            WriteError($"{message.TrimEnd('.')} (see '{string.Join(' ', PathOf(parsed))} --help')");
            return ExitCode.WrongUsage;
        }

        Terminal.JsonProgress = parsed.CommandResult.Command.Options.Any(o =>
            o.Name == "--json" && parsed.GetResult(o) is { Implicit: false }
        );
        s_resume = Resumption.Of(parsed.CommandResult.Command);
        using var interruption = new Interruption(SayCancelled);
        // Signals are ours, so that the program ends at once.
        var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        try
        {
            CheckCurrentFolder();
            return await parsed.InvokeAsync(configuration, interruption.Token);
        }
        catch (Exception exception)
        {
            // Whatever it is: where several work at once, one that waited for another fails in a way of its own.
            if (interruption.Token.IsCancellationRequested)
            {
                interruption.End();
            }

            return Explain(exception, parsed.GetValue(SharedOptions.Verbose));
        }
    }

    /// <summary>Writes what went wrong on one line of standard error, and returns the exit code for it.</summary>
    public static int Explain(Exception exception, bool verbose)
    {
        exception = Cause(exception);
        if (exception is OperationCanceledException)
        {
            SayCancelled();
        }
        else
        {
            WriteError(OneLine(Told(exception)));
        }

        if (verbose)
        {
            Console.Error.WriteLine(Terminal.Harmless(exception.ToString().ReplaceLineEndings("\n")));
        }

        return exception switch
        {
            OperationCanceledException => ExitCode.Cancelled,
            UsageException => ExitCode.WrongUsage,
            _ => ExitCode.Failed,
        };
    }

    // Without one, paths mean nothing and LibTorch's library of matrix products ends the process with a sentence of its own.
    private static void CheckCurrentFolder()
    {
        try
        {
            _ = Directory.GetCurrentDirectory();
        }
        catch (IOException e)
        {
            throw new IOException("the current folder is not there any more; change to one that is", e);
        }
    }

    private static Exception Cause(Exception exception)
    {
        while (
            exception
                is (AggregateException or System.Reflection.TargetInvocationException or TypeInitializationException)
                    and { InnerException: { } inner }
        )
        {
            exception = inner;
        }

        return exception;
    }

    private static void SayCancelled() => WriteError(s_resume is null ? "cancelled" : $"cancelled; {s_resume}");

    private static void WriteError(string message) => Console.Error.WriteLine($"{s_name}: {Terminal.Harmless(message)}");

    // LibTorch's messages go on with the functions that they come from.
    private static string Told(Exception exception)
    {
        if (exception is ArgumentException wrong)
        {
            return OptionCheck.Words(wrong);
        }

        var end = exception is ExternalException ? LibTorchTrace().Match(exception.Message) : Match.Empty;
        return end.Success ? exception.Message[..end.Index] : exception.Message;
    }

    [GeneratedRegex(@"\s*(Exception raised from|frame #0:)", RegexOptions.ExplicitCapture)]
    private static partial Regex LibTorchTrace();

    private static string OneLine(string message) =>
        string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static List<string> PathOf(ParseResult parsed)
    {
        var names = new List<string>();
        for (var result = parsed.CommandResult; result.Command is not RootCommand; result = (CommandResult)result.Parent!)
        {
            names.Insert(0, result.Command.Name);
        }

        names.Insert(0, s_name);
        return names;
    }
}
