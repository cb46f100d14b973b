using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;
using Microsoft.ML.Data;
using Spectre.Console;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml evaluate MODEL IMAGES</c>: how often the model is right, with labels from sub-folder names.</summary>
internal static class EvaluateCommand
{
    public static Command Build()
    {
        var model = SharedOptions.Model();
        var images = SharedOptions.Images("Folder with one sub-folder of images per class");
        var json = SharedOptions.Json();
        var skip = SharedOptions.SkipUnreadable();
        var compute = new ComputeOptions(features: true);
        var command = new Command("evaluate", "Measure an adapted model on labelled images") { model, images, json, skip };
        compute.AddTo(command);
        ExamplesHelpAction.Add(command, "airml evaluate model.zip labelled-photos", "airml evaluate model.zip labelled-photos --json");
        command.Does(
            (parsed, cancellation) =>
            {
                var ml = compute.Apply(parsed).Context(seed: 1);
                var fitted = SavedModel.Load(ml, parsed.GetRequiredValue(model));
                var folder = parsed.GetRequiredValue(images);
                var rows = Photos.Open(folder, labels: true, parsed.GetValue(skip), cancellation);
                var (names, metrics) = Terminal.Work(
                    "Classifying",
                    rows.Count,
                    step =>
                    {
                        var view = fitted.Transform(ml.Data.LoadFromEnumerable(Terminal.Counted(rows, step, cancellation)));
                        var classNames = ScoredImages.ClassNames(view.Schema);
                        ImageLabels.MatchLabels(rows, classNames, folder);
                        return (classNames, ImageLabels.Of(ml, view, classNames));
                    }
                );
                Write(names, metrics, rows.Count, parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    private static void Write(string[] names, MulticlassClassificationMetrics metrics, int images, bool json)
    {
        var confusion = metrics.ConfusionMatrix;
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    images,
                    accuracy = metrics.MicroAccuracy,
                    macroAccuracy = metrics.MacroAccuracy,
                    logLoss = metrics.LogLoss,
                    classes = names,
                    // Row: true class; column: predicted class.
                    confusion = confusion.Counts,
                    recall = confusion.PerClassRecall.Select(Finite),
                    precision = confusion.PerClassPrecision.Select(Finite),
                }
            );
            return;
        }

        var table = new Table().AddColumn("true class");
        foreach (var name in names)
        {
            table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned());
        }

        table.AddColumn(new TableColumn("recall").RightAligned());
        for (var c = 0; c < names.Length; c++)
        {
            var cells = confusion.Counts[c].Select(count => count.ToString("0", CultureInfo.InvariantCulture));
            table.AddRow([Markup.Escape(names[c]), .. cells, Percent(confusion.PerClassRecall[c])]);
        }

        Terminal.Write(table);
        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{images} images: accuracy {Percent(metrics.MicroAccuracy)}, macro accuracy {Percent(metrics.MacroAccuracy)}, log-loss "
                    + $"{metrics.LogLoss:0.000}"
            )
        );
    }

    private static string Percent(double value) =>
        double.IsFinite(value) ? (100 * value).ToString("0.00", CultureInfo.InvariantCulture) + " %" : "-";

    // JSON has no NaN, which a class without images gives.
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
