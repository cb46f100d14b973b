using System.Globalization;
using System.Text.Json;
using AirMLNet.Options;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using Spectre.Console;

namespace AirMLNet.Tool.Output;

/// <summary>Results go to standard output; progress, notes and warnings to standard error.</summary>
internal static class Terminal
{
    private static readonly IAnsiConsole Notes = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private static readonly JsonSerializerOptions JsonLine = new(JsonSerializerDefaults.Web);

    /// <summary>Whether progress is written as JSON lines on standard error: the command was asked for JSON.</summary>
    public static bool JsonProgress { get; set; }

    /// <summary>One line for the user, not part of the result.</summary>
    public static void Note(string text) => Line(text);

    public static void Warn(string text) => Line($"airml: warning: {text}");

    /// <summary>
    /// A text without what steers a terminal: file names, and what servers and files of strangers say, are parts of messages.
    /// </summary>
    public static string Harmless(string text) =>
        text.Any(c => char.IsControl(c) && c is not ('\n' or '\t'))
            ? string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '\ufffd' : c))
            : text;

    /// <summary>Shows what the stages warn of, and with <c>--verbose</c> what they say.</summary>
    public static void Listen(MLContext ml, bool verbose) =>
        ml.Log += (_, e) =>
        {
            if (e.Kind is ChannelMessageKind.Warning or ChannelMessageKind.Error)
            {
                Warn(e.RawMessage);
            }
            else if (verbose && e.Kind == ChannelMessageKind.Info)
            {
                Note(e.RawMessage);
            }
        };

    /// <summary>Moves a bar with the reports of work.</summary>
    public static IProgress<ProgressReport> Progress(IStep bar, Func<ProgressReport, string?>? title = null) =>
        new DirectProgress(report => bar.Report(report.Done, report.Total ?? report.Done, title?.Invoke(report)));

    /// <summary>Steps of a training: a bar on a terminal; in a log file one line per so many steps.</summary>
    public static IProgress<ProgressReport> Training(IStep bar, int every = 50) =>
        new DirectProgress(report =>
        {
            var speed = report.PerSecond is { } images ? string.Create(CultureInfo.InvariantCulture, $", {images:0.0} images/s") : "";
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Activity}: step {report.Done} of {report.Total}, loss {report.Loss:0.0000}{speed}"
            );
            bar.Report(report.Done, report.Total ?? report.Done, text);
            if (Console.IsErrorRedirected && report.Done % every == 0)
            {
                Note(text);
            }
        });

    // On a terminal a bar may stand in the last line: its console puts other lines above it.
    private static void Line(string text)
    {
        text = Harmless(text.ReplaceLineEndings("\n"));
        if (Console.IsErrorRedirected)
        {
            Console.Error.WriteLine(text);
        }
        else
        {
            Notes.WriteLine(text);
        }
    }

    /// <summary>A table on standard output. Redirected, it keeps its natural width instead of 80 columns.</summary>
    public static void Write(Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = 200;
        }

        table.Border(TableBorder.Minimal);
        console.Write(table);
    }

    public static void WriteJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, Json));

    public static void WriteJsonLine<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, JsonLine));

    /// <summary>Runs long work with a progress bar on standard error, or without one where that is not a terminal.</summary>
    public static T Work<T>(string title, double total, Func<IStep, T> work)
    {
        if (JsonProgress)
        {
            return work(new JsonStep(title, Console.Error, TimeProvider.System));
        }

        if (Console.IsErrorRedirected)
        {
            return work(new SilentStep());
        }

        return Notes
            .Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RateColumn(),
                new RemainingTimeColumn()
            )
            .Start(context => work(new BarStep(context.AddTask(Markup.Escape(title), maxValue: Math.Max(total, 1)))));
    }

    /// <summary>Passes rows on and moves the bar with them, whoever reads them and how often; ends when cancelled.</summary>
    public static IEnumerable<T> Counted<T>(IReadOnlyList<T> rows, IStep step, CancellationToken cancellation)
    {
        for (var i = 0; i < rows.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            step.Report(i + 1, rows.Count);
            yield return rows[i];
        }
    }

    private sealed class BarStep(ProgressTask task) : IStep
    {
        public void Report(double done, double total, string? title = null)
        {
            task.MaxValue = Math.Max(total, 1);
            task.Value = done;
            if (title != null)
            {
                task.Description = Markup.Escape(title);
            }
        }
    }
}

/// <summary>Tells nobody.</summary>
internal sealed class SilentStep : IStep
{
    public void Report(double done, double total, string? title = null) { }
}

/// <summary>Where long work tells how far it is.</summary>
internal interface IStep
{
    void Report(double done, double total, string? title = null);
}
