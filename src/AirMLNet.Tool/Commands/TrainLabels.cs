using System.CommandLine;
using System.Globalization;
using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.MultiLabel;
using AirMLNet.Recipes;
using AirMLNet.Reports;
using AirMLNet.Synthesis;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml train labels CAPTIONS</c>: captions in, a model that names all that is in an image out.</summary>
internal static class TrainLabels
{
    private static readonly string[] Methods =
    [
        .. MultiLabelRecipe.All.Where(recipe => recipe.Images != RecipeImages.Real).Select(recipe => recipe.Name),
    ];

    public static Command Build()
    {
        var captions = new Argument<string>("CAPTIONS")
        {
            Description =
                "File of captions: COCO's (.json), localized narratives (.jsonl), .csv with a column \"caption\", or a caption a line",
        };
        var nouns = new NounArguments();
        var clip = SharedOptions.Clip();
        var diffusion = new Option<string?>("--diffusion")
        {
            Description = "Diffusion model that makes images of the captions",
            HelpName = "FOLDER",
            CustomParser = SharedOptions.ModelFolder,
        };
        var method = new Option<string?>("--method")
        {
            Description = "What is learned (default: t2i-pal with --diffusion, else tai-dpt)",
            HelpName = "METHOD",
        };
        method.AcceptOnlyFromAmong(Methods);
        var output = new Option<string>("--output", "-o") { Description = "File to write the model to", Required = true };
        var work = new Option<string?>("--work")
        {
            Description = "Folder for images and their features; an interrupted run goes on there (default: beside the output)",
            HelpName = "FOLDER",
        };
        var images = SharedOptions.Number(
            "--images-per-caption",
            "Images to generate of each caption",
            MultiLabelRecipe.ImagesPerCaption,
            1,
            1000
        );
        var sampling = SharedOptions.Optional("--sampling-steps", "Denoising steps of an image (default: 50)", 1, 1000);
        var epochs = SharedOptions.Optional("--epochs", "Epochs (default: the method's)", 1, 100_000);
        var batch = SharedOptions.Optional("--batch", "Captions in a step (default: the method's)", 1, 65_536);
        var rate = SharedOptions.Optional("--lr", "Learning rate of the prompts (default: the method's)", 1e-9, 10.0);
        var one = new Option<bool>("--one-per-image") { Description = "Use one caption of each image, drawn" };
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var json = SharedOptions.Json();
        var compute = new ComputeOptions();
        var command = new Command("labels", "Learn to name all that is in an image from captions (T2I-PAL, TaI-DPT), and save the model")
        {
            captions,
            clip,
            diffusion,
            method,
            output,
            work,
            images,
            sampling,
            epochs,
            batch,
            rate,
            one,
            seed,
            json,
        };
        nouns.AddTo(command);
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml train labels captions_train2014.json --nouns coco --clip clip-vit-base-patch32 --method tai-dpt -o model.zip",
            "airml train labels captions.txt --classes classes.txt --clip models/mini-clip --diffusion models/mini-diffusion -o model.zip"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var target = parsed.GetRequiredValue(output);
                SavedModel.CheckTarget(target);
                var given = parsed.GetValue(diffusion);
                var recipe = MultiLabelRecipe.Named(parsed.GetValue(method) ?? (given is null ? "tai-dpt" : "t2i-pal"));
                if (recipe.Images == RecipeImages.Synthetic != given is not null)
                {
                    throw new UsageException(
                        given is null
                            ? $"--method {recipe.Name} generates images; --diffusion must name a model"
                            : $"--method {recipe.Name} generates no images; leave --diffusion out"
                    );
                }
                if (given is null)
                {
                    SharedOptions.Refuse(parsed, [images, sampling, work], "says how images are generated; it needs --diffusion");
                }
                var s = recipe.Settings;
                if (s.Prompt == MultiLabelPrompt.ZeroShot)
                {
                    SharedOptions.Refuse(
                        parsed,
                        [epochs, batch, rate, one],
                        $"is for methods that learn; nothing is learned by {recipe.Name}"
                    );
                }

                recipe = recipe with
                {
                    Settings = s with
                    {
                        Epochs = parsed.GetValue(epochs) ?? s.Epochs,
                        WarmUpEpochs = Math.Min(s.WarmUpLength, (parsed.GetValue(epochs) ?? s.Epochs) - 1),
                        BatchSize = parsed.GetValue(batch) ?? s.BatchSize,
                        LearningRate = parsed.GetValue(rate) ?? s.LearningRate,
                    },
                };
                var place = parsed.GetValue(work) ?? target + ".work";
                var ml = compute.Apply(parsed).Context(parsed.GetValue(seed));
                Terminal.Listen(ml, parsed.GetValue(SharedOptions.Verbose));
                var rows = ml.Data.LoadCaptions(parsed.GetRequiredValue(captions), parsed.GetValue(one), parsed.GetValue(seed));
                var names = nouns.Read(parsed);
                var count = rows.GetRowCount() ?? 0;
                if (recipe.Settings.Prompt != MultiLabelPrompt.ZeroShot)
                {
                    // The stages would leave these out too, and need not look at them again.
                    var first = FirstWithAClass(rows, names, parsed.GetRequiredValue(captions));
                    rows = ml.Data.LoadFromEnumerable(
                        ml.Data.CreateEnumerable<CaptionRow>(rows, reuseRowObject: false).Skip(first).ToArray()
                    );
                }

                var clock = System.Diagnostics.Stopwatch.StartNew();
                Terminal.Work(
                    "Learning",
                    1,
                    step =>
                    {
                        var task = new MultiLabelTask
                        {
                            ClipFolder = parsed.GetRequiredValue(clip),
                            Nouns = names,
                            FeatureCacheFolder = given is null ? null : Path.Combine(place, "features"),
                            Progress = Terminal.Progress(step),
                            CancellationToken = cancellation,
                            Synthesis = given is null
                                ? null
                                : new DiffusionSynthesisOptions
                                {
                                    DiffusionFolder = given,
                                    ClipFolder = parsed.GetRequiredValue(clip),
                                    ClassNames = ["-", "--"], // the recipe's
                                    WorkFolder = place,
                                    ImagesPerCaption = parsed.GetValue(images),
                                    Generation = new()
                                    {
                                        Steps = parsed.GetValue(sampling) ?? new AirMLNet.Diffusion.StableDiffusionOptions().Steps,
                                    },
                                },
                        };
                        var model = recipe.Stages(ml, task).Fit(rows);
                        using var last = model.LastTransformer;
                        var schema = ml.Data.LoadFromEnumerable(Array.Empty<ImageRow>()).Schema;
                        var card = Card(recipe, parsed.GetValue(seed), count, clock);
                        SavedModel.Save(ml, last, schema, target, card);
                        return last;
                    }
                );
                var seconds = clock.Elapsed.TotalSeconds;
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(
                        new
                        {
                            model = target,
                            method = recipe.Name,
                            seconds,
                        }
                    );
                }
                else
                {
                    Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{target}: {recipe.Name} in {seconds:0.0} s"));
                }
                return 0;
            }
        );
        return command;
    }

    // Without this the stages would only say that there is nothing left.
    private static int FirstWithAClass(IDataView rows, NounFilterOptions nouns, string file)
    {
        var table = nouns.Table();
        var count = 0;
        foreach (var caption in rows.GetColumn<string>(nameof(CaptionRow.Caption)))
        {
            if (table.Labels(caption).Any(label => label > 0))
            {
                return count;
            }

            count++;
        }

        throw new InvalidDataException($"None of the {count} captions in '{file}' names a class.");
    }

    private static AdaptationCard Card(MultiLabelRecipe recipe, int seed, long captions, System.Diagnostics.Stopwatch clock) =>
        new()
        {
            Recipe = recipe.Name,
            Title = recipe.Description,
            Seed = seed,
            Captions = (int)captions,
            Seconds = clock.Elapsed.TotalSeconds,
            Finished = DateTime.UtcNow,
            Versions = AdaptationCard.CurrentVersions(),
        };
}
