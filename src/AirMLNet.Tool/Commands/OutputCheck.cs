using System.CommandLine;
using System.CommandLine.Parsing;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary>What is made must not take the place of what it is made of.</summary>
internal static class OutputCheck
{
    // Folders that are read as a whole: each file of theirs is part of what is made.
    private static readonly string[] Models = ["--clip", "--diffusion", "--captioner"];

    /// <summary>Refuses an <c>--output</c> that is an image, a file that another option or argument names, or a model's; and arguments
    /// that are empty.</summary>
    /// <exception cref="UsageException">It is; the message names both.</exception>
    public static void NotAnInput(ParseResult parsed)
    {
        SymbolResult[] given = [.. parsed.CommandResult.Children];
        if (given.OfType<ArgumentResult>().FirstOrDefault(a => a.Tokens.Any(t => t.Value.Length == 0)) is { } empty)
        {
            throw new UsageException($"{empty.Argument.Name} is empty; expected a path");
        }
        var output = given.OfType<OptionResult>().FirstOrDefault(o => o.Option.Name == "--output");
        if (output?.Tokens is not [{ Value: var path }] || !File.Exists(path))
        {
            return;
        }
        if (ImageFolder.IsImage(path))
        {
            throw new UsageException($"--output is '{path}', which is an image; it would be lost");
        }
        foreach (var model in given.OfType<OptionResult>().Where(o => Models.Contains(o.Option.Name) && o.Tokens.Count == 1))
        {
            var folder = model.GetValueOrDefault<string>();
            if (Directory.Exists(folder) && IsWithin(RealFile.FullPath(path), RealFile.FullPath(folder)))
            {
                throw new UsageException($"--output is '{path}', a file of {model.Option.Name}, the model '{folder}'; it would be lost");
            }
        }
        foreach (var other in given.Where(g => g != output))
        {
            if (other.Tokens.Any(t => File.Exists(t.Value) && RealFile.FullPath(t.Value) == RealFile.FullPath(path)))
            {
                var name = other switch
                {
                    OptionResult option => option.Option.Name,
                    ArgumentResult argument => argument.Argument.Name,
                    _ => "another option",
                };
                throw new UsageException($"--output is '{path}', which is {name} too; it would be lost");
            }
        }
    }

    private static bool IsWithin(string file, string folder) =>
        file.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
