using System.CommandLine;
using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Embedding;
using AirMLNet.Features;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml embed IMAGES</c>: the CLIP features of a folder of images, in a file.</summary>
internal static class EmbedCommand
{
    public static Command Build()
    {
        var images = SharedOptions.Images("Folder with the images, searched with its sub-folders");
        var clip = SharedOptions.Clip();
        var output = new Option<string>("--output", "-o")
        {
            Description = "File to write: .safetensors, .idv, .npy or .csv",
            HelpName = "FILE",
            Required = true,
        };
        var shard = new Option<string?>("--shard")
        {
            Description = "Do one part of the work only, such as 3/16; the parts are joined with --merge 16",
            HelpName = "I/N",
        };
        var merge = SharedOptions.Optional<int>("--merge", "Join the files of this many shards instead of encoding", 1, 100_000);
        var chunk = SharedOptions.Number("--chunk", "Images kept on disk together; an interruption loses at most so many", 256, 1, 100_000);
        var batch = SharedOptions.Optional<int>(
            "--batch",
            "Images encoded at a time (default: as many as memory allows, up to 64)",
            1,
            4096
        );
        var precision = new Option<ClipPrecision>("--precision")
        {
            Description = "Numbers to compute in",
            DefaultValueFactory = _ => ClipPrecision.Float32,
        };
        var activation = new Option<ClipActivation?>("--activation")
        {
            Description = "Activation of the model's blocks, where the model's own configuration is wrong",
        };
        var megapixels = SharedOptions.Number("--max-megapixels", "Largest image that is decoded, in millions of pixels", 100, 1, 2000);
        var skip = SharedOptions.SkipUnreadable();
        var compute = new ComputeOptions();
        var command = new Command("embed", "Write the CLIP features of a folder of images; goes on where it was interrupted")
        {
            images,
            clip,
            output,
            shard,
            merge,
            chunk,
            batch,
            precision,
            activation,
            megapixels,
            skip,
        };
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml embed photos --clip models/mini-clip -o features.safetensors",
            "airml embed photos --clip models/mini-clip -o features.npy --shard 3/16",
            "airml embed photos --clip models/mini-clip -o features.npy --merge 16"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var device = compute.Apply(parsed);
                var (part, parts) = Shard(parsed.GetValue(shard));
                var joined = parsed.GetValue(merge);
                if (joined is not null && parts > 1)
                {
                    throw new UsageException("--shard and --merge exclude each other: a run does a part, or joins all of them");
                }

                return Terminal.Work(
                    joined is null ? "Encoding" : "Joining",
                    1,
                    step =>
                    {
                        var encoder = new ImageFolderEncoder(
                            device.Context(seed: 1),
                            new ImageFolderEncoderOptions
                            {
                                Images = parsed.GetRequiredValue(images),
                                Output = parsed.GetRequiredValue(output),
                                ChunkSize = parsed.GetValue(chunk),
                                Shard = part,
                                Shards = joined ?? parts,
                                SkipUnreadable = parsed.GetValue(skip),
                                Warn = reason => Terminal.Warn($"left out: {reason}"),
                                Progress = Terminal.Progress(step),
                                CancellationToken = cancellation,
                                Clip = new ClipFeatureOptions
                                {
                                    ClipFolder = parsed.GetRequiredValue(clip),
                                    BatchSize = parsed.GetValue(batch) ?? 0,
                                    Precision = parsed.GetValue(precision),
                                    MaxMegapixels = parsed.GetValue(megapixels),
                                    Activation = parsed.GetValue(activation),
                                },
                            }
                        );
                        var count = joined is null ? encoder.Run() : encoder.Merge();
                        Console.Out.WriteLine($"{(joined is null ? encoder.Target : parsed.GetRequiredValue(output))}: {count} features");
                        return 0;
                    }
                );
            }
        );
        return command;
    }

    private static (int Part, int Parts) Shard(string? text)
    {
        if (text is null)
        {
            return (1, 1);
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return
            slash > 0
            && int.TryParse(text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out var part)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var parts)
            && part >= 1
            && part <= parts
            && parts <= 100_000
            ? (part, parts)
            : throw new UsageException($"--shard is '{text}'; expected a part and their number, such as 3/16");
    }
}
