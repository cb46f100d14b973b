using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AirMLNet.Tool.Output;

/// <summary>
/// Ctrl-C, or an end that the system asks for: the work is told and stops at its next clean point. What cannot stop soon, such as one
/// large tensor product or a library that is being loaded, ends with the process: files have their final names only when they are whole,
/// so nothing half-done is left under one.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.7);

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action _say;
    private int _ended;

    /// <summary>Listens from now on.</summary>
    /// <param name="say">Writes the last line.</param>
    public Interruption(Action say)
    {
        _say = say;
        // In the first seconds, on a busy machine, compiling what follows a signal would take longer than all the rest.
        const BindingFlags own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        foreach (var method in typeof(Interruption).GetMethods(own))
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
        }

        // Found now: later the loader may be busy with LibTorch, and would let it wait for seconds.
        var end = OperatingSystem.IsWindows() ? nameof(TerminateProcess) : nameof(ExitNow);
        Marshal.Prelink(typeof(Interruption).GetMethod(end, BindingFlags.Static | BindingFlags.NonPublic)!);
        RuntimeHelpers.PrepareDelegate(say);
        Console.Error.Flush();
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupted),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupted),
        ];
    }

    /// <summary>Cancelled by the signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Says that the work was cancelled, and ends the process at once; the second of two callers waits for that.</summary>
    /// <remarks>
    /// Leaving Main would run LibTorch's destructors beside the threads that still compute, which has crashed, and would wait for a library
    /// that is being loaded.
    /// </remarks>
    [DoesNotReturn]
    public void End()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            Thread.Sleep(Timeout.Infinite);
        }

        _say();
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write("\u001b[?25h"); // the bar has hidden the cursor
        }

        Console.Out.Flush();
        Console.Error.Flush();
        if (OperatingSystem.IsWindows())
        {
            using var process = Process.GetCurrentProcess();
            _ = TerminateProcess(process.SafeHandle, ExitCode.Cancelled);
        }
        else
        {
            ExitNow(ExitCode.Cancelled);
        }

        throw new UnreachableException();
    }

    /// <summary>The work is done: a signal that came just before no longer counts.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            Thread.Sleep(Timeout.Infinite); // the process is ending
        }

        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void Interrupted(PosixSignalContext context)
    {
        context.Cancel = true;
        new Thread(EndSoon) { IsBackground = true }.Start();
        _source.Cancel();
    }

    private void EndSoon()
    {
        Thread.Sleep(Patience);
        End();
    }

    [DllImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void ExitNow(int code);

    [DllImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern bool TerminateProcess(SafeHandle process, uint code);
}
