using System.CommandLine;
using AirMLNet.Files;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary><c>--shard I/N</c>: one part of a command's work, for many machines.</summary>
internal sealed class ShardOption
{
    private readonly Option<string?> _option;

    /// <param name="joined">How the parts come together, for the help text.</param>
    public ShardOption(string joined) =>
        _option = new("--shard")
        {
            Description =
                "Do one part of the work only, such as 3/16; auto/16 takes the part from JOB_COMPLETION_INDEX (Kubernetes) or "
                + $"SLURM_ARRAY_TASK_ID (Slurm). {joined}",
            HelpName = "I/N",
        };

    public void AddTo(Command command) => command.Options.Add(_option);

    /// <summary>Whether it was given.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_option) is not null;

    /// <summary>The part; all of the work where none is named.</summary>
    /// <exception cref="UsageException">There is no such part.</exception>
    public Shard Read(ParseResult parsed)
    {
        if (parsed.GetValue(_option) is not { } text)
        {
            return Shard.Whole;
        }

        try
        {
            return Shard.Parse(text, Environment.GetEnvironmentVariable);
        }
        catch (FormatException e)
        {
            throw new UsageException($"--shard: {e.Message}");
        }
    }
}
