using System.CommandLine;
using System.Globalization;
using AirMLNet.Experiments;
using AirMLNet.Files;
using AirMLNet.Pipeline;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml experiment FILE.json</c>: methods × paradigms × prompts × data sets × seeds, resumable, and a table of them.</summary>
internal static class ExperimentCommand
{
    public static Command Build()
    {
        var file = new Argument<string>("FILE") { Description = "The experiment file; experiments/ has some" };
        var data = new Option<string?>("--data")
        {
            Description = "Folder of the data sets (default: as the file says)",
            HelpName = "FOLDER",
        };
        var models = new Option<string?>("--models")
        {
            Description = "Folder of the models (default: as the file says)",
            HelpName = "FOLDER",
        };
        var set = new Option<string[]>("--set")
        {
            Description =
                "Another value for a member of the file, such as seeds=[1] or synthesis.training.steps=100; overrides.NAME=VALUE sets a "
                + "member "
                + "of every method's recipe; may be given several times",
            HelpName = "MEMBER=VALUE",
            DefaultValueFactory = _ => [],
        };
        var dry = new Option<bool>("--dry-run")
        {
            Description = "Only say of each run what it would read, make and train, and about how long it takes",
        };
        var skip = new Option<bool>("--skip-missing") { Description = "Leave out data sets that are not there, instead of stopping" };
        var json = SharedOptions.Json();
        var shard = new ShardOption("The parts share the file's cache folder; a run of all then writes the table");
        var compute = new ComputeOptions(features: true);
        var command = new Command("experiment", "Run a grid of methods, paradigms, prompts, data sets and seeds, and write a table")
        {
            file,
            data,
            models,
            set,
            dry,
            skip,
            json,
        };
        shard.AddTo(command);
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml experiment experiments/mini-table1-text.json",
            "airml experiment experiments/t2ipal-table1.json --dry-run",
            "airml experiment experiments/paper-table1.json --data datasets --models models --gpu 0 --dry-run",
            "airml experiment experiments/paper-table1.json --data datasets --models models --gpu 0 --skip-missing"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var only = parsed.GetValue(dry);
                var changes = new ExperimentChanges
                {
                    Data = parsed.GetValue(data),
                    Models = parsed.GetValue(models),
                    Settings = parsed.GetValue(set)!,
                };
                var device = compute.Apply(parsed, tryOnly: only);
                var part = shard.Read(parsed);
                if (MultiLabelExperimentFile.Is(parsed.GetRequiredValue(file)))
                {
                    var many = MultiLabelExperimentFile.Load(parsed.GetRequiredValue(file), changes);
                    return ManyLabels(many, only, parsed.GetValue(skip), parsed.GetValue(json), device, part, cancellation);
                }

                var experiment = ExperimentFile.Load(parsed.GetRequiredValue(file), changes);
                var plans = new List<ExperimentStep>();
                var results = Terminal.Work(
                    experiment.Name,
                    1,
                    step =>
                        ExperimentRunner.Run(
                            experiment,
                            new()
                            {
                                DryRun = only,
                                SkipMissing = parsed.GetValue(skip),
                                Device = device,
                                Shard = part,
                                Step = at => Say(at, step, plans),
                                Note = Terminal.Note,
                                Progress = Terminal.Progress(step),
                                CancellationToken = cancellation,
                            }
                        )
                );
                if (only)
                {
                    Write(plans, results.Count, parsed.GetValue(json));
                }
                else if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(results);
                }
                else if (!part.IsWhole)
                {
                    Console.Out.WriteLine($"{experiment.Cache ?? experiment.Output}: {results.Count} runs, those of part {part}");
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

    private static int ManyLabels(
        MultiLabelExperimentFile file,
        bool dryRun,
        bool skipMissing,
        bool json,
        DeviceChoice device,
        Shard shard,
        CancellationToken cancellation
    )
    {
        var results = Terminal.Work(
            file.Name,
            1,
            step =>
                new MultiLabelExperimentRunner(
                    file,
                    new()
                    {
                        DryRun = dryRun,
                        SkipMissing = skipMissing,
                        Device = device,
                        Shard = shard,
                        Progress = Terminal.Progress(step),
                        CancellationToken = cancellation,
                    }
                ).Run(dryRun && !json ? Console.Out.WriteLine : Terminal.Note)
        );
        if (json)
        {
            Terminal.WriteJson(results);
        }
        else if (!dryRun && !shard.IsWhole)
        {
            Console.Out.WriteLine($"{file.Output}: {results.Count} runs, those of part {shard}");
        }
        else if (!dryRun)
        {
            Console.Out.Write(File.ReadAllText(Path.Combine(file.Output, "results.md")));
        }

        return 0;
    }

    private static void Say(ExperimentStep at, IStep step, List<ExperimentStep> plans)
    {
        step.Report(at.Number - (at.Result is null ? 1 : 0), at.Total, at.Title);
        if (at.Plan is not null)
        {
            plans.Add(at);
        }
        else if (at is { Result: { } result, Known: false })
        {
            Terminal.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"[{at.Number}/{at.Total}] {at.Title}: {100 * (result.Scores.Harmonic ?? result.Scores.Accuracy):0.00} % in "
                        + $"{result.Seconds[0]:0.0} s"
                )
            );
        }
    }

    private static void Write(List<ExperimentStep> plans, int known, bool json)
    {
        var seconds = plans.Sum(p => p.Plan!.Seconds ?? 0);
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    runs = plans.Select(p => new
                    {
                        p.Title,
                        p.Plan!.Reads,
                        p.Plan.Makes,
                        p.Plan.Trains,
                        p.Plan.Seconds,
                    }),
                    known,
                    seconds,
                }
            );
            return;
        }

        foreach (var plan in plans)
        {
            Console.Out.WriteLine($"[{plan.Number}/{plan.Total}] {plan.Title}: {plan.Plan}");
        }

        Console.Out.WriteLine($"{plans.Count} runs to do, about {RunPlan.Time(seconds)} in all; {known} runs are there already");
    }
}
