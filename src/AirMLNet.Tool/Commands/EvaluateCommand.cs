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
    private const int MostColumns = 20; // classes side by side

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
                        if (ScoredImages.IsOfManyLabels(view.Schema))
                        {
                            throw new InvalidDataException(
                                "The model gives any number of labels, which folders cannot say; 'airml report --labels FILE' measures it"
                            );
                        }

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

        Terminal.Write(names.Length <= MostColumns ? Confusions(names, confusion) : Mistakes(names, confusion));
        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{images} images: accuracy {Percent(metrics.MicroAccuracy)}, macro accuracy {Percent(metrics.MacroAccuracy)}, log-loss "
                    + $"{metrics.LogLoss:0.000}"
            )
        );
    }

    /// <summary>A column for each class.</summary>
    private static Table Confusions(string[] names, ConfusionMatrix confusion)
    {
        var table = new Table().AddColumn("true class");
        foreach (var name in names)
        {
            table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned());
        }

        table.AddColumn(new TableColumn("recall").RightAligned());
        for (var c = 0; c < names.Length; c++)
        {
            table.AddRow([Markup.Escape(names[c]), .. confusion.Counts[c].Select(Whole), Percent(confusion.PerClassRecall[c])]);
        }

        return table;
    }

    /// <summary>A row for each class that has images, for more classes than a page is wide.</summary>
    private static Table Mistakes(string[] names, ConfusionMatrix confusion)
    {
        var table = new Table().AddColumns("true class", "images", "recall", "most often taken for");
        for (var c = 0; c < names.Length; c++)
        {
            var counts = confusion.Counts[c];
            if (counts.Sum() is > 0 and var all)
            {
                var wrong = Enumerable.Range(0, names.Length).Where(k => k != c).MaxBy(k => counts[k]);
                var taken = counts[wrong] > 0 ? $"{Markup.Escape(names[wrong])} ({Whole(counts[wrong])})" : "-";
                table.AddRow(Markup.Escape(names[c]), Whole(all), Percent(confusion.PerClassRecall[c]), taken);
            }
        }

        return table;
    }

    private static string Whole(double count) => count.ToString("0", CultureInfo.InvariantCulture);

    private static string Percent(double value) =>
        double.IsFinite(value) ? (100 * value).ToString("0.00", CultureInfo.InvariantCulture) + " %" : "-";

    // JSON has no NaN, which a class without images gives.
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
