using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AirMLNet.Tool.Output;

/// <summary>The end of a program after Ctrl-C, while LibTorch may be loading or computing in other threads.</summary>
internal static class CancelledProcess
{
    /// <summary>
    /// Ends the process at once. Leaving Main would run LibTorch's destructors beside the threads that still compute, which has crashed, and
    /// would wait for a library that is being loaded.
    /// </summary>
    /// <param name="code">The exit code.</param>
    public static void End(int code)
    {
        Console.Out.Flush();
        Console.Error.Flush();
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write("\u001b[?25h"); // the bar has hidden the cursor
        }

        if (OperatingSystem.IsWindows())
        {
            using var process = Process.GetCurrentProcess();
            _ = TerminateProcess(process.SafeHandle, (uint)code);
        }
        else
        {
            ExitNow(code);
        }
    }

    [DllImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void ExitNow(int code);

    [DllImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern bool TerminateProcess(SafeHandle process, uint code);
}
