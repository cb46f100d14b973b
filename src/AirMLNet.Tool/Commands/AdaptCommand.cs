using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;
using Microsoft.ML;

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
                "Labelled images to learn from as well, in one sub-folder per class; where some classes have none, pseudo-labels are of those only",
            HelpName = "FOLDER",
        };
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var json = SharedOptions.Json();
        var skip = SharedOptions.SkipUnreadable();
        var threads = SharedOptions.Threads();
        var plan = new AdaptPlanOptions();
        var synthesis = new AdaptSynthesisOptions();
        var command = new Command("adapt", "Adapt CLIP to images without labels, and save the model") { images, output };
        plan.AddTo(command);
        synthesis.AddTo(command);
        foreach (var option in new Option[] { labels, labelled, seed, json, skip, threads })
        {
            command.Options.Add(option);
        }

        ExamplesHelpAction.Add(
            command,
            "airml adapt photos --classes classes.txt --clip models/mini-clip -o model.zip",
            "airml adapt photos --classes classes.txt --clip models/mini-clip -o model.zip --method prototypes --seed 7",
            "airml adapt photos --classes classes.txt --clip clip-vit-base-patch32 --diffusion stable-diffusion-v1-4 --domain 'Flowers:' -o model.zip",
            "airml adapt photos --classes classes.txt --clip models/mini-clip -o model.zip --method air --synthetic generated"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                Processor.Use(parsed.GetValue(threads));
                var request = new Request(
                    parsed.GetRequiredValue(images),
                    parsed.GetRequiredValue(output),
                    parsed.GetValue(seed),
                    parsed.GetValue(json),
                    parsed.GetValue(skip),
                    parsed.GetValue(CommandLine.Verbose)
                );
                var how = plan.Read(parsed) with { Labels = parsed.GetValue(labels), Labelled = parsed.GetValue(labelled) };
                how = how with { Diffusion = synthesis.Read(parsed, how, request.Output) };
                Run(request, how with { Method = plan.MethodOf(parsed, how) }, cancellation);
                return 0;
            }
        );
        return command;
    }

    private static void Run(Request request, AdaptPlan plan, CancellationToken cancellation)
    {
        if (plan.Labels && ((plan.Labelled ?? plan.Synthetic) != null || plan.Diffusion != null))
        {
            throw new UsageException(
                "--labels learns from the folders of the images alone; it takes none of --labelled, --synthetic and --diffusion"
            );
        }

        SavedModel.CheckTarget(request.Output);
        var rows = Photos.Open(request.Images, plan.Labels, request.SkipUnreadable, cancellation);
        if (plan.Labels)
        {
            LabelledImages.MatchLabels(rows, [.. plan.ClassNames], request.Images);
        }

        var known =
            (plan.IsRecipe || plan.Synthetic != null || plan.Diffusion != null) && !plan.Labels
                ? AdaptRows.Beside(plan, request.SkipUnreadable, cancellation)
                : [];
        if (plan.Labelled != null)
        {
            plan = plan with { Unseen = AdaptRows.Unseen(plan, known) };
        }

        var clock = Stopwatch.StartNew();
        var ml = new MLContext(request.Seed);
        Terminal.Listen(ml, request.Verbose);
        Terminal.Work(
            "Adapting",
            rows.Count,
            step =>
            {
                // The chain first: its stages draw their seeds from the context, whatever is made after them.
                var chain = AdaptChain.ForImages(ml, plan, step, cancellation);
                var photos = ml.Data.LoadFromEnumerable(Terminal.Counted(rows, step, cancellation));
                var view =
                    known.Count == 0
                        ? photos
                        : ml.Data.LoadFromEnumerable(Terminal.Counted([.. rows.Select(AdaptRow.Real), .. known], step, cancellation));
                var model = chain.Fit(plan.Labels || known.Count > 0 ? LabelledImages.WithKeys(ml, view, plan.ClassNames) : view);
                SavedModel.Save(ml, model, photos.Schema, request.Output);
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
                    classes = plan.ClassNames,
                    seconds,
                }
            );
        }
        else
        {
            Console.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{request.Output}: {plan.ClassNames.Count} classes, adapted to {rows.Count} images in {seconds:0.0} s"
                )
            );
        }
    }

    private sealed record Request(string Images, string Output, int Seed, bool Json, bool SkipUnreadable, bool Verbose);
}
