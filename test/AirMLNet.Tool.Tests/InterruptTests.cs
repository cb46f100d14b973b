using System.Diagnostics;
using System.Runtime.InteropServices;
using AirMLNet.Testing;

namespace AirMLNet.Tool.Tests;

/// <summary>Ctrl-C; how long it takes under load, <c>eng/interrupt.sh</c> measures.</summary>
[TestClass]
public sealed partial class InterruptTests
{
    private const int Interrupt = 2; // SIGINT

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Ctrl_C_in_the_middle_of_a_long_product_ends_with_one_line_and_no_crash()
    {
        using var folder = new TemporaryFolder();
        // So many images at a time that a step, which nothing can stop, takes a second.
        string[] synthesize = ["synthesize", "--diffusion", TinyModels.Diffusion, "--prompt", "a ship", "-n", "1024", "--batch", "1024"];
        using var process = Process.Start(
            new ProcessStartInfo(
                "env", // a shell starts what it puts into the background with interrupts ignored, and what that starts inherits it
                ["--default-signal=INT", "dotnet", Path.Combine(AppContext.BaseDirectory, "airml.dll"), .. synthesize, "-o", folder["out"]]
            )
            {
                RedirectStandardError = true,
            }
        )!;

        try
        {
            // Written before the first step.
            Assert.IsTrue(SpinWait.SpinUntil(() => File.Exists(folder["out/synthesis.json"]), TimeSpan.FromMinutes(2)));
            Thread.Sleep(500);
            Assert.AreEqual(0, Kill(process.Id, Interrupt));
            var said = process.StandardError.ReadToEnd();
            process.WaitForExit();

            Assert.AreEqual(130, process.ExitCode, said);
            Assert.AreEqual("airml: cancelled; the same command makes the images that are missing", said.TrimEnd());
        }
        finally
        {
            process.Kill(); // one that has ended is left alone
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
