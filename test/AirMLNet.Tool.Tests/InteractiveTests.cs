using System.Diagnostics;
using System.Runtime.InteropServices;
using AirMLNet.Tests;
using AirMLNet.Tests.Training;

namespace AirMLNet.Tool.Tests;

/// <summary>What only someone at a terminal sees: Ctrl-C and progress bars.</summary>
[TestClass]
public sealed partial class InteractiveTests
{
    private const int Interrupt = 2; // SIGINT

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Ctrl_C_ends_a_training_with_one_line_and_leaves_no_half_model()
    {
        using var folder = new TemporaryFolder();
        var data = TinyCifar10.Create(folder["data"]);
        var output = folder["model"];
        using var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            RedirectStandardError = true,
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "airml.dll"), "train", "mini-clip", "--data", data, "-o", output,
                "--photos", "1000", "--batch", "8", "--epochs", "1000", "--keep-patches", "4",
            },
        })!;

        // Steps are told from the hundredth on.
        Assert.StartsWith("step 100 of 125000", process.StandardError.ReadLine());
        Assert.AreEqual(0, Kill(process.Id, Interrupt));
        var rest = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.AreEqual(130, process.ExitCode, rest);
        Assert.AreEqual("airml: cancelled", rest.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.IsFalse(File.Exists(Path.Combine(output, "model.safetensors")));
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void On_a_terminal_long_work_shows_a_bar_that_fills()
    {
        using var folder = new TemporaryFolder();
        var images = TinyData.Images(folder["images"]);
        var classes = TinyData.Classes(folder["classes.txt"]);
        var clip = TinyClip.Create(folder["clip"]);
        var model = folder["model.zip"];
        var command = $"dotnet '{Path.Combine(AppContext.BaseDirectory, "airml.dll")}' adapt '{images}' --classes '{classes}' --clip '{clip}' --method zero-shot -o '{model}'";
        // util-linux's script gives the command a pseudo-terminal.
        var start = new ProcessStartInfo("script") { RedirectStandardOutput = true, RedirectStandardInput = true, ArgumentList = { "-qec", command, "/dev/null" } };
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

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
