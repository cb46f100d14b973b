using System.Diagnostics;
using System.Runtime.InteropServices;
using AirMLNet.Testing;

namespace AirMLNet.SmallModels.Tests;

/// <summary>Ctrl-C in the middle of a training.</summary>
[TestClass]
public sealed partial class InterruptTests
{
    private const int Interrupt = 2; // SIGINT

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Ctrl_C_ends_a_training_with_one_line_and_leaves_no_half_model()
    {
        using var folder = new TemporaryFolder();
        var data = TinyCifar10.Create(folder["data"]);
        var output = folder["model"];
        using var process = Process.Start(
            // A shell starts what it puts into the background with interrupts ignored, and what that starts inherits it.
            new ProcessStartInfo("env")
            {
                RedirectStandardError = true,
                ArgumentList =
                {
                    "--default-signal=INT",
                    "dotnet",
                    Path.Combine(AppContext.BaseDirectory, "small-models.dll"),
                    "mini-clip",
                    "--data",
                    data,
                    "-o",
                    output,
                    "--photos",
                    "1000",
                    "--batch",
                    "8",
                    "--epochs",
                    "1000",
                    "--keep-patches",
                    "4",
                },
            }
        )!;

        try
        {
            // Steps are told from the hundredth on.
            Assert.StartsWith("both towers: step 100 of 125000", process.StandardError.ReadLine());
            Assert.AreEqual(0, Kill(process.Id, Interrupt));
            var rest = process.StandardError.ReadToEnd();
            process.WaitForExit();

            Assert.AreEqual(130, process.ExitCode, rest);
            Assert.AreEqual("small-models: cancelled", rest.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
            Assert.IsFalse(File.Exists(Path.Combine(output, "model.safetensors")));
        }
        finally
        {
            process.Kill(); // one that has ended is left alone; one that trains on would take a processor for days
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
