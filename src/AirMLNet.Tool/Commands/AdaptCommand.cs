using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Pipeline;
using AirMLNet.Recipes;
using AirMLNet.Reports;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml adapt IMAGES</c>: images without labels in, a saved ML.NET model out.</summary>
internal static class AdaptCommand
{
    public static Command Build()
    {
        var images = SharedOptions.Images("Folder with the unlabelled images, searched with its sub-folders");
        var output = new Option<string>("--output", "-o") { Description = "File to write the adapted model to", Required = true };
        var labels = new Option<bool>("--labels")
        {
            Description = "The images lie in sub-folders named after their classes: learn from these labels instead of pseudo-labels",
        };
        var labelled = new Option<string?>("--labelled")
        {
            Description =
                "Labelled images to learn from as well, in one sub-folder per class; where some classes have none, pseudo-labels are of "
                + "those only",
            HelpName = "FOLDER",
        };
        var estimate = new Option<bool>("--estimate")
        {
            Description = "Only say how long the texts of latteclip will take, by a few of them, which are kept",
        };
        var textsOnly = new Option<bool>("--texts-only")
        {
            Description =
                "Only have the texts of latteclip written, or with --shard a part of them; a later run with the same options finds them "
                + "in AIRMLNET_HOME",
        };
        var shard = new ShardOption(
            "With --texts-only: the parts share AIRMLNET_HOME, or its captions folders are joined with 'airml merge'"
        );
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var json = SharedOptions.Json();
        var skip = SharedOptions.SkipUnreadable();
        var compute = new ComputeOptions(features: true);
        var arguments = new AdaptArguments();
        var synthesis = new SynthesisArguments();
        var command = new Command("adapt", "Adapt CLIP to images without labels, and save the model") { images, output };
        arguments.AddTo(command);
        synthesis.AddTo(command);
        foreach (var option in new Option[] { labels, labelled, estimate, textsOnly, seed, json, skip })
        {
            command.Options.Add(option);
        }
        shard.AddTo(command);
        compute.AddTo(command);

        ExamplesHelpAction.Add(
            command,
            "airml adapt photos --classes classes.txt --clip models/mini-clip -o model.zip",
            "airml adapt photos --classes classes.txt --clip models/mini-clip -o model.zip --method prototypes --seed 7",
            "airml adapt photos --classes classes.txt --clip clip-vit-base-patch32 --diffusion stable-diffusion-v1-4 --domain 'Flowers:' "
                + "-o model.zip",
            "airml adapt photos --classes classes.txt --clip models/mini-clip -o model.zip --method air --synthetic generated",
            "airml adapt photos --classes classes.txt --clip clip-vit-base-patch32 -o model.zip --method latteclip --captioner "
                + "http://localhost:8000/v1 --captioner-model llava-hf/llava-v1.6-mistral-7b-hf --estimate",
            "airml adapt photos --classes classes.txt --clip clip-vit-base-patch32 -o model.zip --method latteclip --captioner "
                + "llava-v1.6-mistral-7b-hf --gpu 0 --texts-only --shard 3/16"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var request = new Request(
                    parsed.GetRequiredValue(images),
                    parsed.GetRequiredValue(output),
                    parsed.GetValue(seed),
                    parsed.GetValue(json),
                    parsed.GetValue(skip),
                    parsed.GetValue(SharedOptions.Verbose),
                    arguments.ShareOf(parsed),
                    compute.Apply(parsed)
                );
                var dataSet = synthesis.DataSetOf(parsed, request.Images);
                var given = arguments.Read(parsed, parsed.GetValue(labels), synthesis.IsGiven(parsed), dataSet) with
                {
                    Labelled = parsed.GetValue(labelled),
                };
                given = given with
                {
                    Diffusion = synthesis.Read(parsed, given, request.Images, request.Output),
                    Captions = arguments.CaptionsOf(parsed, [given.Recipe], dataSet, request.Device),
                    Work = given.Recipe.FineTune is null ? null : synthesis.WorkOf(parsed, request.Output, "tuned"),
                };
                using var captioner = given.Captions?.Captioner as IDisposable;
                if (parsed.GetValue(textsOnly))
                {
                    SharedOptions.Refuse(parsed, [estimate], "and --texts-only exclude each other: texts are counted, or written");
                    WriteTexts(request, given, shard.Read(parsed), cancellation);
                }
                else if (shard.IsGiven(parsed))
                {
                    throw new UsageException("--shard is for --texts-only: what is learned is learned from all images");
                }
                else if (parsed.GetValue(estimate))
                {
                    Estimate(request, given, cancellation);
                }
                else
                {
                    Run(request, given, cancellation);
                }

                return 0;
            }
        );
        return command;
    }

    private static void Run(Request request, AdaptSettings settings, CancellationToken cancellation)
    {
        settings.Check();
        SavedModel.CheckTarget(request.Output);
        var rows = request.Rows(settings.Labels, cancellation);
        if (settings.Labels)
        {
            ImageLabels.MatchLabels(rows, [.. settings.ClassNames], request.Images);
        }

        var known = AdaptRows.Known(settings, request.SkipUnreadable, cancellation);
        if (settings.Labelled is not null)
        {
            settings = settings with { Unseen = AdaptRows.Unseen(settings, known) };
        }

        var clock = Stopwatch.StartNew();
        var ml = request.Device.Context(request.Seed);
        Terminal.Listen(ml, request.Verbose);
        Terminal.Work(
            "Adapting",
            rows.Count,
            step =>
            {
                var (model, schema, texts) = AdaptRun.Fit(ml, settings, rows, known, step, cancellation);
                var card = Card(request, settings, rows.Count, known.Count, clock) with { Texts = texts };
                SavedModel.Save(ml, model, schema, request.Output, card);
                return model;
            }
        );
        var seconds = clock.Elapsed.TotalSeconds;
        if (request.Json)
        {
            Terminal.WriteJson(
                new
                {
                    model = request.Output,
                    images = rows.Count,
                    classes = settings.ClassNames,
                    seconds,
                }
            );
        }
        else
        {
            Console.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{request.Output}: {settings.ClassNames.Count} classes, adapted to {rows.Count} images in {seconds:0.0} s"
                )
            );
        }
    }

    private static AdaptationCard Card(Request request, AdaptSettings settings, int images, int known, Stopwatch clock) =>
        new()
        {
            Recipe = settings.Recipe.Name,
            Title = settings.Recipe.Title,
            Seed = request.Seed,
            Images = images,
            KnownImages = known,
            Seconds = clock.Elapsed.TotalSeconds,
            Finished = DateTime.UtcNow,
            Versions = AdaptationCard.CurrentVersions(),
        };

    private static void WriteTexts(Request request, AdaptSettings settings, Shard shard, CancellationToken cancellation)
    {
        if (settings.Recipe is not { NeedsCaptions: true, FineTune.Kind: FineTuneKind.LatteClip })
        {
            throw new UsageException("--texts-only is of the texts that --method latteclip has written");
        }

        settings.Check();
        var rows = request.Rows(settings.Labels, cancellation);
        var ml = request.Device.Context(request.Seed);
        Terminal.Listen(ml, request.Verbose);
        var (texts, made) = Terminal.Work(
            "Writing texts",
            rows.Count,
            step => AdaptRun.WriteTexts(ml, settings, rows, shard, step, cancellation)
        );
        var folder = settings.Captions!.WorkFolder;
        if (request.Json)
        {
            Terminal.WriteJson(
                new
                {
                    folder,
                    texts,
                    made,
                }
            );
            return;
        }

        Console.Out.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{folder}: {texts} texts of part {shard}, {made} of them written now")
        );
    }

    private static void Estimate(Request request, AdaptSettings settings, CancellationToken cancellation)
    {
        if (!settings.Recipe.NeedsCaptions)
        {
            throw new UsageException("--estimate is of the texts that --method latteclip has written");
        }

        settings.Check();
        var rows = request.Rows(settings.Labels, cancellation);
        var ml = request.Device.Context(request.Seed);
        Terminal.Listen(ml, request.Verbose);
        var found = Terminal.Work("Estimating", rows.Count, step => AdaptRun.Estimate(ml, settings, rows, step, cancellation));
        if (request.Json)
        {
            Terminal.WriteJson(
                new
                {
                    images = rows.Count,
                    missing = found?.Left ?? 0,
                    secondsEach = found?.Each.TotalSeconds ?? 0,
                    hours = found?.Time.TotalHours ?? 0,
                }
            );
            return;
        }

        Console.Out.WriteLine(
            found is null
                ? $"{rows.Count} images: all texts are there"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{rows.Count} images: {found.Left} texts are missing; {found.Timed} took {found.Each.TotalSeconds:0.00} s "
                        + $"each, so these take about {found.Time.TotalHours:0.0} hours"
                )
        );
    }

    private sealed record Request(
        string Images,
        string Output,
        int Seed,
        bool Json,
        bool SkipUnreadable,
        bool Verbose,
        double? Share,
        DeviceChoice Device
    )
    {
        /// <summary>The images that are adapted to.</summary>
        public IReadOnlyList<ImageRow> Rows(bool labels, CancellationToken cancellation)
        {
            var rows = Photos.Pool(Images, labels, SkipUnreadable, cancellation);
            return Share is { } share ? [.. PoolShare.Choose(rows.Count, share, Seed).Select(i => rows[i])] : rows;
        }
    }
}
