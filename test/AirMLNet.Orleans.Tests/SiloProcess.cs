using System.Diagnostics;

namespace AirMLNet.Cluster.Tests;

/// <summary>A silo in a process of its own: the sample program, as a user starts it.</summary>
internal sealed class SiloProcess : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly List<(string Text, TimeSpan At)> _lines = [];
    private readonly Stopwatch _clock;

    public SiloProcess(string redis, string cluster, Stopwatch clock)
    {
        _clock = clock;
        var ports = RedisServer.FreePorts(2);
        Port = ports[0];
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Cluster.dll"),
            .. new[] { "silo", "--redis", redis, "--cluster", cluster, "--threads", "1", "--address", "127.0.0.1" },
            .. new[] { "--silo-port", $"{ports[0]}", "--gateway-port", $"{ports[1]}" },
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Port { get; }

    /// <summary>The lines that hold a text, with the time at which they were read.</summary>
    public IReadOnlyList<(string Text, TimeSpan At)> Lines(string part)
    {
        lock (_lines)
        {
            return [.. _lines.Where(l => l.Text.Contains(part, StringComparison.Ordinal))];
        }
    }

    /// <summary>Waits until so many lines hold a text.</summary>
    public SiloProcess Says(string part, int times = 1)
    {
        var end = _clock.Elapsed + Longest;
        lock (_lines)
        {
            while (_lines.Count(l => l.Text.Contains(part, StringComparison.Ordinal)) < times)
            {
                if (_process.HasExited || _clock.Elapsed > end)
                {
                    Assert.Fail($"The silo {(_process.HasExited ? "ended" : "is slow")} before '{part}':\n{this}");
                }

                Monitor.Wait(_lines, end - _clock.Elapsed + TimeSpan.FromMilliseconds(1));
            }
        }

        return this;
    }

    /// <summary>kill −9.</summary>
    public TimeSpan Kill()
    {
        _process.Kill();
        _process.WaitForExit();
        return _clock.Elapsed;
    }

    public override string ToString()
    {
        lock (_lines)
        {
            return string.Join('\n', _lines.Select(l => l.Text));
        }
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Hear(string? line)
    {
        lock (_lines)
        {
            if (line is not null)
            {
                _lines.Add((line, _clock.Elapsed));
            }

            Monitor.PulseAll(_lines);
        }
    }
}
