using System.CommandLine;
using AirMLNet.Embedding;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml merge PARTS -o OUTPUT</c>: checks and joins what shards on many machines wrote.</summary>
internal static class MergeCommand
{
    public static Command Build()
    {
        var parts = new Argument<string[]>("PARTS")
        {
            Description =
                "What the shards wrote: the .safetensors files of 'airml embed --shard', or folders: of 'embed --dense', of 'synthesize', "
                + "runs of 'experiment', texts of 'adapt --texts-only'",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "File (.safetensors, .parquet, .arrow, .idv, .npy or .csv) or folder to write; the parts stay",
            HelpName = "PATH",
            Required = true,
        };
        var command = new Command("merge", "Check and join what shards on many machines wrote") { parts, output };
        ExamplesHelpAction.Add(
            command,
            "airml merge features.shard-*.safetensors -o features.npy",
            "airml merge machine-1/synthetic machine-2/synthetic -o synthetic",
            "airml merge node-*/experiments/runs -o artifacts/experiments/runs"
        );
        command.Does(
            (parsed, cancellation) =>
            {
                var (given, target) = (parsed.GetRequiredValue(parts), parsed.GetRequiredValue(output));
                if (Array.Find(given, p => !File.Exists(p) && !Directory.Exists(p)) is { } absent)
                {
                    throw new FileNotFoundException($"{absent} is not there.");
                }

                if (given.All(Directory.Exists))
                {
                    var result = FolderMerge.Join(given, target, cancellation);
                    Console.Out.WriteLine($"{target}: {result.Files} {result.What}, {result.Copied} of them copied now");
                    return 0;
                }

                if (Array.Find(given, Directory.Exists) is { } folder)
                {
                    throw new UsageException($"{folder} is a folder, but {given.First(File.Exists)} a file; expected one kind");
                }

                var files = FeatureMerge.InOrder(given);
                var count = FeatureMerge.Join(target, FeatureMerge.Agreed(files), files, EmbedCommand.Formats);
                Console.Out.WriteLine($"{target}: {count} features of {files.Length} shards");
                return 0;
            }
        );
        return command;
    }
}
