using System.Diagnostics;
using System.Globalization;

namespace AirMLNet.Benchmarks;

/// <summary>The Python process that a benchmark compares with, asked to do one thing at a time.</summary>
internal sealed class PythonPeer : IDisposable
{
    private readonly Process _process;

    private PythonPeer(Process process) => _process = process;

    /// <summary>Starts a script; null, with a line on the console, where no Python with PyTorch and Pillow is found.</summary>
    /// <param name="script">A path.</param>
    /// <param name="threads">How many OpenBLAS takes: <c>torch.set_num_threads</c> does not tell it.</param>
    public static PythonPeer? Start(string script, int threads)
    {
        foreach (var python in new[] { Environment.GetEnvironmentVariable("AIRML_BENCH_PYTHON"), "/usr/bin/python3", "python3" })
        {
            if (python is null || !Imports(python))
            {
                continue;
            }

            var start = new ProcessStartInfo(python, ["-u", script]) { RedirectStandardInput = true, RedirectStandardOutput = true };
            start.Environment["OPENBLAS_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
            return new(Process.Start(start)!);
        }

        Console.WriteLine("not run: no Python with torch, numpy and PIL was found (AIRML_BENCH_PYTHON names one)");
        return null;
    }

    /// <summary>Sends a command and waits for its line.</summary>
    public string Ask(params string[] words)
    {
        _process.StandardInput.WriteLine(string.Join('\t', words));
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"The peer ended at '{words[0]}'.");
    }

    /// <summary>Sends a command that answers with seconds.</summary>
    public double Seconds(params string[] words) => double.Parse(Ask(words), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _process.StandardInput.Close();
        // A peer that fails in the middle may wait for somebody to read what it says.
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }

    private static bool Imports(string python)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(python, ["-c", "import torch, numpy, PIL"]) { RedirectStandardError = true }
            )!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
