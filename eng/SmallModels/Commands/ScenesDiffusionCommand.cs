using System.CommandLine;
using AirMLNet.Tool.Commands;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models scenes-diffusion</c>.</summary>
internal static class ScenesDiffusionCommand
{
    public static Command Build()
    {
        var drawings = new Option<string>("--train-drawings")
        {
            Description = "Folder of the drawings of training scenes",
            Required = true,
        };
        var scenes = SharedOptions.Optional("--scenes", "Scenes to learn from", 64, 45_000);
        var vaeSteps = SharedOptions.Optional("--vae-steps", "Steps of the autoencoder", 1, 10_000_000);
        var steps = SharedOptions.Optional("--steps", "Steps of the UNet", 1, 10_000_000);
        return TrainingCommand.Build(
            "scenes-diffusion",
            "fit only",
            [drawings, scenes, vaeSteps, steps],
            ["small-models scenes-diffusion"],
            given =>
            {
                var options = new MiniDiffusionOptions
                {
                    DataFolder = given.Data,
                    JudgeFolder = "-",
                    OutputFolder = given.Output,
                    Photos = 20_000,
                    VaeSteps = 2000,
                    BatchSize = 32,
                    Steps = 5000,
                    Seed = given.Seed,
                    Threads = given.Threads,
                    CancellationToken = given.Cancellation,
                    Progress = given.Progress,
                };
                options = options with
                {
                    Photos = given.Parsed.GetValue(scenes) ?? options.Photos,
                    VaeSteps = given.Parsed.GetValue(vaeSteps) ?? options.VaeSteps,
                    Steps = given.Parsed.GetValue(steps) ?? options.Steps,
                };
                using var photos = Cifar10.Open(given.Data);
                var folder = given.Parsed.GetRequiredValue(drawings);
                using var data = MiniDiffusionData.OfScenes(
                    new MiniScenes(photos, folder, folder, MiniDiffusionForm.Scenes.Vae.SampleSize),
                    options
                );
                return new MiniDiffusionTrainer(options, MiniDiffusionForm.Scenes).Fit(data);
            },
            seconds => $"{seconds}"
        );
    }
}
