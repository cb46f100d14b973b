using System.Diagnostics;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>What the command line says before any work begins.</summary>
[TestClass]
public sealed class CommandLineTests
{
    [TestMethod]
    [DataRow("adapt")]
    [DataRow("predict")]
    [DataRow("evaluate")]
    [DataRow("compare")]
    [DataRow("train", "lora")]
    [DataRow("verify")]
    [DataRow("synthesize")]
    public void EveryCommandExplainsItselfWithAnExample(params string[] command)
    {
        var help = ToolProcess.Run([.. command, "--help"]).Succeeded();
        Assert.Contains("Usage:", help);
        Assert.Contains("Examples:\n  airml " + string.Join(' ', command), help);
    }

    [TestMethod]
    public void WithoutArgumentsTheHelpListsTheCommands()
    {
        var help = ToolProcess.Run().Succeeded();
        foreach (var command in new[] { "adapt", "predict", "evaluate", "compare", "train", "verify", "synthesize" })
        {
            Assert.Contains($"\n  {command} ", help);
        }
    }

    [TestMethod]
    [DataRow("conquer", "'conquer'", "airml --help")]
    [DataRow("adapt photos -o model.zip", "--classes", "airml adapt --help")]
    [DataRow("predict model.zip photos --top 0", "--top is '0'", "1 to 1000")]
    [DataRow("predict model.zip photos --top many", "--top is 'many'", "whole number")]
    [DataRow("adapt photos --classes c --clip m -o o --method magic", "magic", "zero-shot")]
    [DataRow("adapt photos --classes c --clip m -o o --lambda -1", "--lambda is '-1'", "0 to 100")]
    [DataRow("adapt photos --classes c --clip m -o o --share 0", "--share is '0'", "1E-06 to 1")]
    [DataRow("adapt photos --classes c --clip m -o o --method zero-shot --epochs 3", "--epochs is for methods that learn", "zero-shot")]
    [DataRow("adapt photos --classes c --clip m -o o --method zero-shot --prompt visual", "--prompt is for methods", "zero-shot")]
    [DataRow("compare photos --test t --classes c --clip m --methods zero-shot --lr 1", "--lr is for methods that learn", "zero-shot")]
    [DataRow("adapt photos --classes c --clip m -o o --method cpl --selection exact", "--selection exact", "sets of candidate labels")]
    [DataRow("adapt photos --classes c --clip m -o o --selection best", "best", "deferred")]
    public void WrongUsageIsOneLineAndExitCode2(string line, string part, string hint) =>
        ToolProcess.Run(line.Split(' ')).Failed(2, part, hint);

    [TestMethod]
    [DataRow("--proxy", "socks9://me:hidden@proxy:1")]
    [DataRow("--endpoint", "ftp://me:hidden@hub")]
    public void AnAddressWithAPasswordIsNotRepeated(string option, string address)
    {
        var result = ToolProcess.Run("pull", "a/b", option, address);
        result.Failed(2, option, "expected an address that starts with");
        Assert.DoesNotContain("hidden", result.Error);
    }

    /// <summary>File names and servers could steer a terminal.</summary>
    [TestMethod]
    public void MessagesHoldNoControlCharacters()
    {
        using var folder = new TemporaryFolder();
        var result = ToolProcess.Run("predict", "model\u001b[2J.zip", folder, "--verbose");
        Assert.Contains("airml: There is no model 'model\ufffd[2J.zip'", result.Error);
        Assert.DoesNotContain("\u001b", result.Error);
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void ACurrentFolderThatWasDeleted_IsOneLine()
    {
        using var folder = new TemporaryFolder();
        var airml = Path.Combine(AppContext.BaseDirectory, "airml.dll");
        var line = $"mkdir gone; cd gone; rmdir ../gone; exec dotnet '{airml}' predict {TestData.Path("saved/prototypes.zip")} .";
        using var shell = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", line]) { WorkingDirectory = folder.Path, RedirectStandardError = true }
        )!;
        var said = shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        Assert.AreEqual(1, shell.ExitCode, said);
        Assert.AreEqual("airml: the current folder is not there any more; change to one that is", said.TrimEnd());
    }
}
