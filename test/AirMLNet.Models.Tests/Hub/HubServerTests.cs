using System.Text;
using AirMLNet.Hub;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Hub;

/// <summary>What tests of downloads share: a server with a model, a folder, and waits that are noted and over at once.</summary>
public abstract class HubServerTests
{
    private protected const string Weights = "model.safetensors";
    private protected static readonly byte[] Large = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7 >> 3))];

    private protected List<TimeSpan> Waits { get; } = [];

    private protected TemporaryFolder Root { get; } = new();

    private protected string Model => Root["model"];

    [TestCleanup]
    public void Delete() => Root.Dispose();

    private protected static MisbehavingServer Server() =>
        new MisbehavingServer().With("config.json", Encoding.UTF8.GetBytes("{}")).With(Weights, Large);

    /// <summary>Answers requests for a file with head and body in the place of the file.</summary>
    private protected static void Answer(MisbehavingServer server, string file, string status, string headers, byte[] body, int times = 99)
    {
        var left = times;
        server.Spoil = async (request, stream, cancellation) =>
        {
            if (!request.Path.EndsWith(file, StringComparison.Ordinal) || left-- <= 0)
            {
                return false;
            }

            await MisbehavingServer.HeadAsync(stream, status, headers, cancellation);
            await stream.WriteAsync(body, cancellation);
            return true;
        };
    }

    /// <summary>The list of a server that states neither sizes nor hashes.</summary>
    private protected static void StateNothing(MisbehavingServer server) =>
        server.Listing = $$"""{ "sha": "c0ffee", "siblings": [ { "rfilename": "config.json" }, { "rfilename": "{{Weights}}" } ] }""";

    private protected HubOptions Options(Uri endpoint) =>
        new()
        {
            Endpoint = endpoint,
            Patience = TimeSpan.FromSeconds(30),
            Wait = (time, _) =>
            {
                Waits.Add(time);
                return Task.CompletedTask;
            },
        };

    private protected Task<IReadOnlyList<string>> Pull(MisbehavingServer server, Func<HubOptions, HubOptions>? change = null) =>
        ModelDownload.RunAsync("owner/model", Model, (change ?? (o => o))(Options(server.Address)));

    private protected async Task<string> Refused(MisbehavingServer server, Func<HubOptions, HubOptions>? change = null) =>
        (await Assert.ThrowsExactlyAsync<HubException>(() => Pull(server, change))).Message;
}
