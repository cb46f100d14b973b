using System.CommandLine;
using AirMLNet.Reports;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml report MODEL IMAGES -o FILE</c>: what the model does on photos, as a page for people.</summary>
internal static class ReportCommand
{
    public static Command Build()
    {
        var model = SharedOptions.Model();
        var images = SharedOptions.Images("Folder with photos; sub-folders that are named after classes say what their photos show");
        var output = new Option<string>("--output", "-o")
        {
            Description = "HTML file to write",
            HelpName = "FILE",
            Required = true,
        };
        var work = new Option<string?>("--work")
        {
            Description = "Folder of synthetic images, or the --work folder of 'airml adapt', to show beside the photos",
            HelpName = "FOLDER",
        };
        var diffusion = new Option<string?>("--diffusion")
        {
            Description =
                "Diffusion model that made the images of --work: makes six of each class again without LoRA, to show beside them; they are "
                + "kept in the folder",
            HelpName = "FOLDER",
            CustomParser = SharedOptions.ModelFolder,
        };
        var captions = new Option<string?>("--captions")
        {
            Description =
                "Texts to show beside the labels, as 'airml adapt --captions' reads them (default: those kept of the model's fit)",
            HelpName = "PATH",
        };
        var labels = new Option<string?>("--labels")
        {
            Description = "CSV file with the columns image and labels (a;b;c), for a model of 'airml train labels'",
            HelpName = "FILE",
        };
        var pictures = SharedOptions.Number("--pictures", "Photos in each group, such as the least sure ones", 12, 1, 500);
        var heat = SharedOptions.Number("--heat-maps", "Photos that get heat maps", 6, 0, 100);
        var map = SharedOptions.Number("--map", "Most photos in the map of embeddings; 0 for no map", 400, 0, 2000);
        var json = SharedOptions.Json();
        var skip = SharedOptions.SkipUnreadable();
        var compute = new ComputeOptions();
        var command = new Command("report", "Show what an adapted model does on photos, as one HTML file for people")
        {
            model,
            images,
            output,
            work,
            diffusion,
            captions,
            labels,
            pictures,
            heat,
            map,
            json,
            skip,
        };
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml report model.zip photos -o report.html",
            "airml report model.zip labelled-photos -o report.html --work work",
            "airml report model.zip labelled-photos -o report.html --work work --diffusion models/mini-diffusion",
            "airml report many.zip photos --labels labels.csv -o report.html"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var ml = compute.Apply(parsed).Context(seed: 1);
                Terminal.Listen(ml, parsed.GetValue(SharedOptions.Verbose));
                var file = parsed.GetRequiredValue(model);
                var folder = parsed.GetRequiredValue(images);
                var target = parsed.GetRequiredValue(output);
                if (parsed.GetValue(diffusion) is not null && parsed.GetValue(work) is null)
                {
                    throw new UsageException("--diffusion makes images of --work again without LoRA; it needs --work");
                }

                SavedModel.CheckTarget(target);
                var fitted = SavedModel.Load(ml, file);
                var rows = Photos.Open(folder, labels: false, parsed.GetValue(skip), cancellation);
                var report = Terminal.Work(
                    "Reporting",
                    rows.Count,
                    step =>
                        AdaptationReport.Create(
                            ml,
                            fitted,
                            folder,
                            [.. rows.Select(r => r.ImagePath)],
                            new()
                            {
                                WorkFolder = parsed.GetValue(work),
                                DiffusionFolder = parsed.GetValue(diffusion),
                                Captions = parsed.GetValue(captions),
                                LabelFile = parsed.GetValue(labels),
                                Pictures = parsed.GetValue(pictures),
                                HeatMaps = parsed.GetValue(heat),
                                Embedded = parsed.GetValue(map),
                                Progress = Terminal.Progress(step, p => p.Activity),
                                CancellationToken = cancellation,
                            },
                            new ReportOrigin(file)
                        )
                );
                report.Save(target);
                Say(report, target, parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    private static void Say(AdaptationReport report, string target, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    report = target,
                    images = report.Photos,
                    labelled = report.LabelledPhotos,
                    accuracy = report.Accuracy,
                    meanAveragePrecision = report.MeanAveragePrecision,
                    zeroShotAccuracy = report.ZeroShotAccuracy,
                    zeroShotAgreement = report.ZeroShotAgreement,
                }
            );
            return;
        }

        var right =
            report.LabelledPhotos == 0 ? "no labels"
            : report.MeanAveragePrecision is { } precision ? $"mean average precision {Html.Percent(precision)} of {report.LabelledPhotos}"
            : $"accuracy {Html.Text(report.Figures.Accuracy)}";
        Console.Out.WriteLine($"{target}: {report.Photos} photos, {right}");
    }
}
