using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AirMLNet.Testing;

namespace AirMLNet.Cluster.Tests;

/// <summary>A Redis of the tests' own on the loopback interface, in memory.</summary>
internal sealed class RedisServer : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Process _process;

    /// <summary>Starts it. A test of a machine without Redis is inconclusive.</summary>
    public RedisServer()
    {
        var port = FreePorts(1)[0];
        Address = $"127.0.0.1:{port}";
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true };
        foreach (var argument in new[] { "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--dir", _folder.Path })
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            _folder.Dispose();
            Assert.Inconclusive("There is no redis-server on this machine; eng/setup.sh --redis installs it on Debian and Ubuntu.");
            throw;
        }

        var said = "";
        while (!said.Contains("Ready to accept connections", StringComparison.Ordinal))
        {
            said = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"redis-server ended: {said}");
        }

        _ = _process.StandardOutput.ReadToEndAsync();
    }

    public string Address { get; }

    /// <summary>Ports that nothing listens on.</summary>
    public static int[] FreePorts(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        Array.ForEach(listeners, l => l.Start());
        int[] ports = [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        Array.ForEach(listeners, l => l.Stop());
        return ports;
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }
}
