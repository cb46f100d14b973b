using System.Diagnostics;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>What only someone at a terminal sees: progress bars.</summary>
[TestClass]
public sealed class InteractiveTests
{
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void On_a_terminal_long_work_shows_a_bar_that_fills()
    {
        using var folder = new TemporaryFolder();
        var images = TinyData.Images(folder["images"]);
        var classes = TinyData.Classes(folder["classes.txt"]);
        var clip = TinyModels.Clip;
        var model = folder["model.zip"];
        var command =
            $"dotnet '{Path.Combine(AppContext.BaseDirectory, "airml.dll")}' adapt '{images}' --classes '{classes}' --clip '{clip}' "
            + $"--method zero-shot -o '{model}'";
        // util-linux's script gives the command a pseudo-terminal.
        var start = new ProcessStartInfo("script")
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            ArgumentList = { "-qec", command, "/dev/null" },
        };
        start.Environment["TERM"] = "xterm-256color";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var screen = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.AreEqual(0, process.ExitCode, screen);
        Assert.Contains("100%", screen);
        Assert.Contains("\u2501", screen); // the bar
        Assert.IsTrue(File.Exists(model));
    }
}
