using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace AirMLNet.Tool.Output;

/// <summary>The usual help, followed by the examples of the command.</summary>
internal sealed class ExamplesHelpAction(HelpAction standard) : SynchronousCommandLineAction
{
    private static readonly Dictionary<string, string[]> Examples = new()
    {
        ["airml"] =
        [
            "airml adapt photos --classes classes.txt --clip models/mini-clip -o model.zip",
            "airml predict model.zip new-photos",
            "airml evaluate model.zip labelled-photos",
        ],
    };

    /// <summary>Remembers what to show at the end of a command's help.</summary>
    public static void Add(Command command, params string[] examples) => Examples[command.Name] = examples;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var code = standard.Invoke(parseResult);
        var command = parseResult.CommandResult.Command;
        if (Examples.TryGetValue(command is RootCommand ? "airml" : command.Name, out var examples))
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in examples)
            {
                output.WriteLine("  " + example);
            }

            output.WriteLine();
        }

        return code;
    }
}
