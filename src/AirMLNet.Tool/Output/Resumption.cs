using System.CommandLine;

namespace AirMLNet.Tool.Output;

/// <summary>How to go on after Ctrl-C, by command.</summary>
internal static class Resumption
{
    private static readonly Dictionary<string, string> Ways = new()
    {
        ["adapt"] = "no model was written; the same command starts again, and with --diffusion keeps the images and checkpoints it has",
        ["experiment"] = "the same command goes on after the last finished run",
        ["synthesize"] = "the same command makes the images that are missing",
        ["lora"] = "the same command goes on from the last checkpoint",
        ["labels"] = Again,
        ["embed"] = "the same command goes on after the last finished chunk",
        ["merge"] = "the same command copies what is missing",
        ["captions"] = "the texts that were written are kept; the same command asks for the others",
        ["pull"] = "the same command fetches what is missing",
        ["predict"] = Again,
        ["evaluate"] = Again,
        ["compare"] = Again,
        ["report"] = Again,
        ["verify"] = Again,
    };

    private const string Again = "nothing was written; the same command starts again";

    /// <summary>The sentence for a command; null for one that takes no time.</summary>
    public static string? Of(Command command) => Ways.GetValueOrDefault(command.Name);
}
