using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace AirMLNet.Samples.Tests;

/// <summary>A sample that runs as a program of its own until it is told to end, and whose output is waited for.</summary>
internal sealed partial class SampleProcess : IDisposable
{
    private const int Interrupt = 2; // SIGINT
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Channel<string> _output = Channel.CreateUnbounded<string>(),
        _errors = Channel.CreateUnbounded<string>();

    private SampleProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Pass(_output, e.Data);
        process.ErrorDataReceived += (_, e) => Pass(_errors, e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static SampleProcess Start(string sample, params string[] arguments)
    {
        // A shell starts what it puts into the background with interrupts ignored, and what that starts inherits it.
        string[] command = ["--default-signal=INT", "dotnet", Path.Combine(AppContext.BaseDirectory, sample + ".dll"), .. arguments];
        return new(Process.Start(new ProcessStartInfo("env", command) { RedirectStandardOutput = true, RedirectStandardError = true })!);
    }

    /// <summary>The next line of standard output.</summary>
    public Task<string> Line() => Next(_output);

    /// <summary>The next line of standard output that contains a text.</summary>
    public Task<string> Line(string part) => Next(_output, part);

    /// <summary>The next line of standard error that contains a text.</summary>
    public Task<string> ErrorLine(string part) => Next(_errors, part);

    /// <summary>Ends the program as Ctrl-C does, and gives its exit code.</summary>
    public async Task<int> Stop()
    {
        Assert.AreEqual(0, Kill(_process.Id, Interrupt));
        return await ExitCode();
    }

    /// <summary>Waits until the program has ended by itself.</summary>
    public async Task<int> ExitCode()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>What was not waited for yet; the program has ended.</summary>
    public async Task<(string[] Output, string[] Errors)> Rest() =>
        (
            await _output.Reader.ReadAllAsync().ToArrayAsync().AsTask().WaitAsync(Patience),
            await _errors.Reader.ReadAllAsync().ToArrayAsync().AsTask().WaitAsync(Patience)
        );

    public void Dispose()
    {
        _process.Kill(); // one that has ended is left alone
        _process.Dispose();
    }

    private static async Task<string> Next(Channel<string> lines, string part = "")
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var line = await lines.Reader.ReadAsync(patience.Token);
            if (line.Contains(part, StringComparison.Ordinal))
            {
                return line;
            }
        }
    }

    private static void Pass(Channel<string> lines, string? line)
    {
        if (line is null)
        {
            lines.Writer.Complete();
        }
        else
        {
            lines.Writer.TryWrite(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
