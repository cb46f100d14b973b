using System.Diagnostics;
using AirMLNet.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AirMLNet.Cluster.Tests;

/// <summary>Silos, a Redis, a client and a folder for one test.</summary>
internal sealed class TestCluster : IDisposable
{
    private readonly RedisServer _redis;
    private readonly List<SiloProcess> _silos = [];
    private IHost? _client;

    public TestCluster()
    {
        _redis = new();
        Deadline = new(TimeSpan.FromSeconds(150));
    }

    public TemporaryFolder Folder { get; } = new();

    public Stopwatch Clock { get; } = Stopwatch.StartNew();

    /// <summary>A test that waits for ever is a failed one.</summary>
    public CancellationTokenSource Deadline { get; }

    public AirCluster Cluster { get; private set; } = null!;

    /// <summary>Starts silos side by side, and waits until they are ready.</summary>
    public SiloProcess[] Start(int count)
    {
        SiloProcess[] silos = [.. Enumerable.Range(0, count).Select(_ => new SiloProcess(_redis.Address, "test", Clock))];
        _silos.AddRange(silos);
        Array.ForEach(silos, s => s.Says("ready, on cpu"));
        return silos;
    }

    public async Task ConnectAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.UseOrleansClient(client => client.UseAirMLNet(new AirClusterOptions { Redis = _redis.Address, Cluster = "test" }));
        _client = builder.Build();
        await _client.StartAsync(Deadline.Token);
        Cluster = new(_client.Services.GetRequiredService<IClusterClient>());
    }

    /// <summary>The silo of an address that a status names.</summary>
    public SiloProcess ByAddress(string address) => _silos.Single(s => address.Contains($":{s.Port}@", StringComparison.Ordinal));

    /// <summary>When silos said lines that hold a text, after a moment.</summary>
    public IEnumerable<TimeSpan> Lines(string part, TimeSpan after) =>
        _silos.SelectMany(s => s.Lines(part)).Select(l => l.At).Where(at => at > after);

    public override string ToString() => string.Join("\n--\n", _silos);

    public void Dispose()
    {
        _client?.Dispose();
        _silos.ForEach(s => s.Dispose());
        _redis.Dispose();
        Folder.Dispose();
        Deadline.Dispose();
    }
}
