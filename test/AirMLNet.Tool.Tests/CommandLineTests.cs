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
    [DataRow("adapt photos --classes c --clip m -o o --selection best", "best", "deferred")]
    public void WrongUsageIsOneLineAndExitCode2(string line, string part, string hint) =>
        ToolProcess.Run(line.Split(' ')).Failed(2, part, hint);

    // An option that the method never reads would be taken without a word.
    [TestMethod]
    [DataRow("--method zero-shot --epochs 3", "--epochs changes nothing for zero-shot; it is for coop, vpt, fpl")]
    [DataRow("--method zero-shot --prompt visual", "--prompt changes nothing for zero-shot")]
    [DataRow("--method fpl --rounds 5", "--rounds changes nothing for fpl; it is for ifpl, grip")]
    [DataRow("--method grip --per-class 3", "--per-class changes nothing for grip; it is for fpl, ifpl, prototypes")]
    [DataRow("--method grip --lambda 0.3", "--lambda changes nothing for grip; it is for prototypes, air-grip")]
    [DataRow("--method prototypes --beta 1", "--beta changes nothing for prototypes; it is for air-grip")]
    [DataRow("--method prototypes --representatives 4", "--representatives changes nothing for prototypes")]
    [DataRow("--method grip --prototypes-at-test", "--prototypes-at-test changes nothing for grip")]
    [DataRow("--method cpl --selection exact", "--selection changes nothing for cpl; it is for fpl")]
    [DataRow("--method flyp-pl --gradient-clip 1", "--gradient-clip changes nothing for flyp-pl")]
    [DataRow("--method flyp-pl --prompt text", "--prompt changes nothing for flyp-pl")]
    [DataRow("--method reclip --most-steps 4", "--most-steps changes nothing for reclip; it is for latteclip, flyp-pl, flyp-oracle")]
    [DataRow("--method flyp-pl --no-mixer", "--no-mixer changes nothing for flyp-pl; it is for latteclip")]
    [DataRow("--method latteclip --fixed-labels", "--fixed-labels changes nothing for latteclip; it is for flyp-pl")]
    [DataRow("--method latteclip --mix class --group-size 3", "--group-size is of the texts about groups, which --mix leaves out")]
    [DataRow("--method latteclip --mix ,", "--mix has ''; expected class, image and group")]
    [DataRow("--method fpl --base grip", "--base says what --method air builds on; --method fpl says it itself")]
    [DataRow("--labels --method vpt --prompt text", "--method vpt learns visual prompts; coop learns words")]
    [DataRow("--labels --per-class 3", "--per-class changes nothing for coop")]
    [DataRow("--fallback-to-cpu", "--fallback-to-cpu is for --gpu")]
    public void AnOptionThatChangesNothing_IsRefused(string options, string expected) =>
        ToolProcess.Run([.. "adapt photos --classes c --clip m -o o".Split(' '), .. options.Split(' ')]).Failed(2, expected);

    [TestMethod]
    [DataRow("compare photos --test t --classes c --clip m --methods zero-shot --lr 1", "--lr changes nothing for zero-shot")]
    [DataRow(
        "compare photos --test t --classes c --clip m --methods fpl,zero-shot --rounds 2",
        "--rounds changes nothing for fpl, zero-shot"
    )]
    [DataRow("synthesize --diffusion d --prompt p -o o --domain x", "--domain says what comes before class names")]
    [DataRow("synthesize --diffusion d --prompt p -o o --lora-weight 2", "--lora-weight is the weight of a LoRA; it needs --lora")]
    [DataRow("synthesize --diffusion d --prompt p -o o --guidance 1 --negative n", "--negative is a part of guidance")]
    [DataRow("train lora photos --diffusion d --prompt p -o o --data-set DTD", "--data-set says what comes before class names")]
    [DataRow("train labels c.txt --clip m -o o --sampling-steps 3", "--sampling-steps says how images are generated; it needs --diffusion")]
    [DataRow("train labels c.txt --clip m -o o --method zs-dense --epochs 3", "nothing is learned by zs-dense")]
    [DataRow("embed photos --clip m -o o --dense --merge 4", "--merge joins files of features; 'airml merge' joins the folders")]
    [DataRow("embed photos --clip m -o o --dense --skip-unreadable", "--skip-unreadable is for a file of features")]
    public void SoItIs_InOtherCommands(string line, string expected) => ToolProcess.Run(line.Split(' ')).Failed(2, expected);

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
