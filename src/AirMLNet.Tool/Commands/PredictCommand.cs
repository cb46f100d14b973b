using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml predict MODEL IMAGES</c>: a class and its probability for every image.</summary>
internal static class PredictCommand
{
    public static Command Build()
    {
        var model = SharedOptions.Model();
        var images = SharedOptions.Images("Folder with the images to classify, searched with its sub-folders");
        var top = SharedOptions.Number("--top", "Classes to show per image, best first", 3, 1, 1000);
        var json = new Option<bool>("--json") { Description = "Write one JSON object a line" };
        var skip = SharedOptions.SkipUnreadable();
        var shard = new ShardOption("The lines of all parts, one part after the other, are those of one run");
        var compute = new ComputeOptions(features: true);
        var command = new Command("predict", "Classify images with an adapted model") { model, images, top, json, skip };
        shard.AddTo(command);
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml predict model.zip new-photos",
            "airml predict model.zip new-photos --top 1 --json > predictions.jsonl"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var ml = compute.Apply(parsed).Context(seed: 1);
                var fitted = SavedModel.Load(ml, parsed.GetRequiredValue(model));
                var rows = Photos.Open(
                    parsed.GetRequiredValue(images),
                    labels: false,
                    parsed.GetValue(skip),
                    cancellation,
                    shard.Read(parsed)
                );
                // Everything is scored before the first line is written, so that a failure leaves no half result.
                var (names, scored) = Terminal.Work(
                    "Classifying",
                    rows.Count,
                    step =>
                    {
                        var view = fitted.Transform(ml.Data.LoadFromEnumerable(Terminal.Counted(rows, step, cancellation)));
                        return (ScoredImages.ClassNames(view.Schema), ScoredImages.Read(view).ToList());
                    }
                );
                Write(names, scored, parsed.GetValue(top), parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    private static void Write(string[] names, List<ScoredImage> scored, int top, bool json)
    {
        foreach (var image in scored)
        {
            var best = Enumerable.Range(0, names.Length).OrderByDescending(c => image.Score[c]).Take(top);
            if (json)
            {
                Terminal.WriteJsonLine(
                    new
                    {
                        image = image.ImagePath,
                        label = image.PredictedLabel,
                        scores = best.Select(c => new { label = names[c], score = image.Score[c] }),
                    }
                );
            }
            else
            {
                var classes = best.Select(c =>
                    string.Create(CultureInfo.InvariantCulture, $"{TabSeparated.Field(names[c])}\t{image.Score[c]:0.0000}")
                );
                Console.Out.WriteLine($"{TabSeparated.Field(image.ImagePath)}\t{string.Join('\t', classes)}");
            }
        }
    }
}
