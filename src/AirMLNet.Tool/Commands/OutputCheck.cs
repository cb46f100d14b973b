using System.CommandLine;
using System.CommandLine.Parsing;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary>What is made must not take the place of what it is made of.</summary>
internal static class OutputCheck
{
    /// <summary>Refuses an <c>--output</c> that is an image, or a file that another option or argument names.</summary>
    /// <exception cref="UsageException">It is; the message names both.</exception>
    public static void NotAnInput(ParseResult parsed)
    {
        SymbolResult[] given = [.. parsed.CommandResult.Children];
        var output = given.OfType<OptionResult>().FirstOrDefault(o => o.Option.Name == "--output");
        if (output?.Tokens is not [{ Value: var path }] || !File.Exists(path))
        {
            return;
        }
        if (ImageFolder.IsImage(path))
        {
            throw new UsageException($"--output is '{path}', which is an image; it would be lost");
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
}
