using System.Text.RegularExpressions;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>docs/commands.md holds the help of every command, as the command prints it; AIRML_UPDATE=1 makes the test write it.</summary>
[TestClass]
public sealed partial class HelpTextTests
{
    private static readonly string Page = Path.GetFullPath(Path.Combine(TestData.Root, "..", "..", "docs", "commands.md"));

    [TestMethod]
    public void TheHelpInTheDocs_IsThatOfTheCommands()
    {
        var text = File.ReadAllText(Page);
        var printed = Block().Replace(text, block => Section(block.Groups[1].Value));
        if (printed != text && Environment.GetEnvironmentVariable("AIRML_UPDATE") == "1")
        {
            File.WriteAllText(Page, printed);
            return;
        }

        var (there, wanted) = (text.Split('\n'), printed.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(there.Length, wanted.Length)).FirstOrDefault(i => At(there, i) != At(wanted, i));
        if (printed != text)
        {
            Assert.Fail(
                $"{Page}:{line + 1} is\n{At(there, line)}\nand the command prints\n{At(wanted, line)}\n(AIRML_UPDATE=1 writes the page)"
            );
        }
    }

    [TestMethod]
    public void TheDocs_LeaveNoCommandOut()
    {
        var documented = Block().Matches(File.ReadAllText(Page)).Select(block => block.Groups[1].Value).ToArray();
        CollectionAssert.AllItemsAreUnique(documented);
        CollectionAssert.AreEquivalent(Commands("airml").ToArray(), documented);
    }

    /// <summary>A command and all below it, by what their help lists.</summary>
    private static IEnumerable<string> Commands(string command)
    {
        var help = Help(command);
        var list = help.IndexOf("\nCommands:\n", StringComparison.Ordinal);
        return list < 0
            ? [command]
            : help[(list + "\nCommands:\n".Length)..]
                .Split('\n')
                .TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal))
                .SelectMany(line => Commands($"{command} {line.Trim().Split(' ')[0]}"))
                .Prepend(command);
    }

    private static string Section(string command) =>
        $"<!-- help {command} -->\n```text\n{Help(command).TrimEnd('\n')}\n```\n<!-- /help -->";

    private static string Help(string command) => ToolProcess.Run([.. command.Split(' ').Skip(1), "--help"]).Succeeded();

    private static string At(string[] lines, int i) => i < lines.Length ? lines[i] : "(nothing)";

    [GeneratedRegex("<!-- help (airml[a-z ]*) -->.*?<!-- /help -->", RegexOptions.Singleline)]
    private static partial Regex Block();
}
