using System.CommandLine;
using AirMLNet.Arrow;
using AirMLNet.Clip;
using AirMLNet.Data;
using AirMLNet.Embedding;
using AirMLNet.Features;
using AirMLNet.Files;
using AirMLNet.MultiLabel;
using AirMLNet.Pipeline;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml embed IMAGES</c>: the CLIP features of a folder of images, in a file.</summary>
internal static class EmbedCommand
{
    /// <summary>The formats of a table of features.</summary>
    public static IReadOnlyList<FeatureFormat> Formats { get; } = [.. FeatureTable.Formats, .. ArrowFeatures.Formats];

    public static Command Build()
    {
        var images = SharedOptions.Images("Folder with the images, searched with its sub-folders");
        var clip = SharedOptions.Clip();
        var output = new Option<string>("--output", "-o")
        {
            Description = "File to write: .safetensors, .parquet, .arrow, .idv, .npy or .csv",
            HelpName = "FILE",
            Required = true,
        };
        var shard = new ShardOption("'airml merge', or --merge 16, joins the parts");
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
        var dense = new Option<bool>("--dense")
        {
            Description =
                "Write a feature of every place too, in float16, into a folder that a multi-label trainer takes as its cache; -o names the "
                + "folder",
        };
        var skip = SharedOptions.SkipUnreadable();
        var compute = new ComputeOptions();
        var command = new Command("embed", "Write the CLIP features of a folder of images; goes on where it was interrupted")
        {
            images,
            clip,
            output,
            merge,
            chunk,
            batch,
            precision,
            activation,
            megapixels,
            dense,
            skip,
        };
        shard.AddTo(command);
        compute.AddTo(command);
        ExamplesHelpAction.Add(
            command,
            "airml embed photos --clip models/mini-clip -o features.safetensors",
            "airml embed photos --clip models/mini-clip -o features.npy --shard 3/16",
            "airml embed photos --clip models/mini-clip -o features.npy --merge 16",
            "airml embed photos --clip models/mini-clip --dense -o cache --shard 1/4"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var device = compute.Apply(parsed);
                var part = shard.Read(parsed);
                var joined = parsed.GetValue(merge);
                if (joined is not null && shard.IsGiven(parsed))
                {
                    throw new UsageException("--shard and --merge exclude each other: a run does a part, or joins all of them");
                }

                if (parsed.GetValue(dense))
                {
                    SharedOptions.Refuse(parsed, [merge], "joins files of features; 'airml merge' joins the folders of --dense");
                    SharedOptions.Refuse(
                        parsed,
                        [chunk, batch, precision, activation, megapixels, skip],
                        "is for a file of features; --dense has parts, sizes and numbers of its own"
                    );
                    return Dense(
                        (parsed.GetRequiredValue(images), parsed.GetRequiredValue(clip), parsed.GetRequiredValue(output)),
                        part,
                        device,
                        cancellation
                    );
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
                                Formats = Formats,
                                ChunkSize = parsed.GetValue(chunk),
                                Shard = joined is { } number ? new(1, number) : part,
                                SkipUnreadable = parsed.GetValue(skip),
                                Warn = Terminal.Warn,
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

    private static int Dense(
        (string Images, string Clip, string Output) place,
        Shard shard,
        DeviceChoice device,
        CancellationToken cancellation
    )
    {
        string[] files = [.. ImageFolder.Open(place.Images, labelsFromSubfolders: false).Entries.Select(e => e.Path)];
        using var model = BackboneLease.Take(place.Clip, device.Resolve(Terminal.Warn), new ClipExecution());
        var cache = DenseFeatureCache.Open(place.Output, new DenseImages(new DenseEncoder(model.Backbone, DensePositions.None), files));
        Terminal.Note($"{place.Output}: {cache.Description}");
        var made = Terminal.Work(
            "Encoding",
            1,
            step => cache.Make(shard, cancellation, (done, total) => step.Report(done, total, "encoding images"))
        );
        Console.Out.WriteLine($"{place.Output}: {made} parts made now, {cache.Missing.Count} of {cache.Parts} missing");
        return 0;
    }
}
