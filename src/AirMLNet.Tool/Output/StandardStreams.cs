using System.Runtime.InteropServices;

namespace AirMLNet.Tool.Output;

/// <summary>Standard output and error that the shell has closed, with <c>>&amp;-</c> or in some services: the system gives their numbers to
/// files that the program opens, which cannot be written to.</summary>
internal static class StandardStreams
{
    private const int Output = 1,
        Error = 2;

    /// <summary>Whether results can be written; where notes cannot, nobody sees them from now on.</summary>
    public static bool CanWrite()
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        if (Write(Error, [], 0) < 0)
        {
            Console.SetError(TextWriter.Null);
        }

        return Write(Output, [], 0) >= 0;
    }

    [DllImport("libc", EntryPoint = "write")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(int descriptor, byte[] bytes, nint count);
}
