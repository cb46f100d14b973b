using System.CommandLine;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Prompts;
using AirMLNet.Recipes;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;
using Spectre.Console;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml compare IMAGES</c>: every method, over several seeds, on images that are encoded once.</summary>
internal static class CompareCommand
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    public static Command Build()
    {
        var images = SharedOptions.Images("Folder with the unlabelled images to adapt to");
        var test = new Option<string>("--test")
        {
            Description = "Folder with one sub-folder of labelled images per class, only for the scores",
            Required = true,
        };
        var seeds = new Option<string>("--seeds")
        {
            Description = "Seeds to repeat with, separated by commas",
            DefaultValueFactory = _ => "1,2,3",
        };
        var methods = new Option<string>("--methods")
        {
            Description =
                "Methods to compare, separated by commas: any but air, coop, vpt and flyp-oracle, for which there is 'airml experiment'",
            DefaultValueFactory = _ => "zero-shot,fpl,grip,prototypes",
        };
        var json = SharedOptions.Json();
        var skip = SharedOptions.SkipUnreadable();
        var compute = new ComputeOptions(features: true);
        var arguments = new AdaptArguments();
        var command = new Command("compare", "Compare the methods on the same images, over several seeds") { images, test };
        arguments.AddTo(command, method: false);
        foreach (var option in new Option[] { methods, seeds, json, skip })
        {
            command.Options.Add(option);
        }
        compute.AddTo(command);

        ExamplesHelpAction.Add(command, "airml compare photos --test labelled-photos --classes classes.txt --clip models/mini-clip");
        command.Does(
            (parsed, cancellation) =>
            {
                var chosen = List("--methods", parsed.GetRequiredValue(methods), name => Comparable(name) ? name : null)
                    .Select(name => arguments.RecipeOf(parsed, name))
                    .ToList();
                arguments.RefuseIdle(parsed, chosen);
                var numbers = List<int?>(
                    "--seeds",
                    parsed.GetRequiredValue(seeds),
                    text => int.TryParse(text, NumberStyles.None, Plain, out var seed) ? seed : (int?)null
                );
                var device = compute.Apply(parsed);
                var settings = arguments.Read(parsed, chosen[0]) with
                {
                    Captions = arguments.CaptionsOf(parsed, chosen, dataSet: null, device),
                };
                using var captioner = settings.Captions?.Captioner as IDisposable;
                var width = ClipConfig.Load(settings.ClipFolder)?.Text.HiddenSize ?? long.MaxValue;
                var run = new ComparisonRun(
                    settings,
                    device,
                    parsed.GetValue(skip),
                    arguments.ShareOf(parsed),
                    device.Gpu is null && PromptRounds.WantsOneThread(width, settings.Recipe.Prompt) && !compute.HasThreads(parsed),
                    cancellation
                );
                var comparison = run.Run(
                    parsed.GetRequiredValue(images),
                    parsed.GetRequiredValue(test),
                    chosen,
                    [.. numbers.Select(n => n!.Value)]
                );
                Write(comparison, parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    // What needs labels or synthetic images has its own commands.
    private static bool Comparable(string name) => Recipe.All.Any(r => r.Name == name && r is { Supervised: false, NeedsSynthetic: false });

    private static List<T> List<T>(string option, string text, Func<string, T?> read)
    {
        List<T> values = [];
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var value = read(part) ?? throw new UsageException($"{option}: '{part}' is not one of the values it takes");
            // Counted twice it would weigh twice in the means, and make the spread too small.
            if (values.Contains(value))
            {
                throw new UsageException($"{option}: '{part}' is there twice");
            }
            values.Add(value);
        }
        return values;
    }

    private static void Write(MethodComparison comparison, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(comparison);
            return;
        }

        var times = new Table().AddColumn("step").AddColumn(new TableColumn("seconds").RightAligned());
        foreach (var step in comparison.Steps)
        {
            times.AddRow(Markup.Escape(step.Name), step.Seconds.ToString("0.0", Plain));
        }

        Terminal.Write(times);
        var scores = new Table()
            .AddColumn("method")
            .AddColumn(new TableColumn($"accuracy on {comparison.TestImages} photos").RightAligned())
            .AddColumn(new TableColumn("seeds").RightAligned())
            .AddColumn(new TableColumn("fit, seconds").RightAligned());
        foreach (var row in comparison.Methods)
        {
            scores.AddRow(
                Markup.Escape(row.Title),
                string.Create(Plain, $"{100 * row.Mean:0.00} ± {100 * row.Spread:0.00} %"),
                row.Accuracies.Count.ToString(Plain),
                row.FitSeconds.ToString("0.0", Plain)
            );
        }

        Terminal.Write(scores);
    }
}
