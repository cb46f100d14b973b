using System.CommandLine;
using System.Globalization;
using AirMLNet.Experiments;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml experiment FILE.json</c>: methods × paradigms × prompts × data sets × seeds, resumable, and a table of them.</summary>
internal static class ExperimentCommand
{
    public static Command Build()
    {
        var file = new Argument<string>("FILE") { Description = "The experiment file; experiments/ has some" };
        var plan = new Option<bool>("--plan") { Description = "Only say what would run and what is there already" };
        var json = SharedOptions.Json();
        var threads = SharedOptions.Threads();
        var command = new Command("experiment", "Run a grid of methods, paradigms, prompts, data sets and seeds, and write a table")
        {
            file,
            plan,
            json,
            threads,
        };
        ExamplesHelpAction.Add(
            command,
            "airml experiment experiments/mini-grid-text.json",
            "airml experiment experiments/mini-grid-text.json --plan"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                Compute.UseThreads(parsed.GetValue(threads));
                var experiment = ExperimentFile.Load(parsed.GetRequiredValue(file));
                var onlyPlan = parsed.GetValue(plan);
                var results = Terminal.Work(
                    experiment.Name,
                    1,
                    step => ExperimentRunner.Run(experiment, onlyPlan, at => Say(at, step, onlyPlan), Terminal.Progress(step), cancellation)
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(results);
                }
                else if (onlyPlan)
                {
                    Console.Out.WriteLine($"{results.Count} runs are there already");
                }
                else
                {
                    Console.Out.Write(File.ReadAllText(Path.Combine(experiment.Output, "results.md")));
                }

                return 0;
            }
        );
        return command;
    }

    private static void Say(ExperimentStep at, IStep step, bool plan)
    {
        step.Report(at.Number - (at.Result is null ? 1 : 0), at.Total, at.Title);
        if (at is { Result: { } result, Known: false })
        {
            Terminal.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"[{at.Number}/{at.Total}] {at.Title}: {100 * (result.Scores.Harmonic ?? result.Scores.Accuracy):0.00} % in "
                        + $"{result.Seconds[0]:0.0} s"
                )
            );
        }
        else if (plan && at.Result is null)
        {
            Terminal.Note($"[{at.Number}/{at.Total}] {at.Title}: to be run");
        }
    }
}
