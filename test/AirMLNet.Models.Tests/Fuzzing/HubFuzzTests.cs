using System.Text;
using AirMLNet.Hub;
using AirMLNet.Testing;
using AirMLNet.Tests.Hub;

namespace AirMLNet.Tests.Fuzzing;

/// <summary>
/// Damaged answers of a model server, lists, heads and contents, are taken or refused with <see cref="HubException"/>, and nothing is
/// written outside the folder (eng/fuzz.sh; docs/fuzz.md).
/// </summary>
[TestClass]
public sealed class HubFuzzTests
{
    private static readonly string[] Statuses =
    [
        "200 OK",
        "206 Partial Content",
        "204 No Content",
        "302 Found",
        "404 Not Found",
        "416 Range Not Satisfiable",
        "429 Too Many Requests",
        "500 X",
        "999 ?",
        "-1",
        "",
    ];

    private static readonly byte[] Head =
    [
        .. "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/2\r\n"u8,
        .. "Retry-After: 1\r\nLocation: /x\r\nConnection: close\r\n\r\n{}"u8,
    ];

    private readonly TemporaryFolder _root = new();

    public TestContext TestContext { get; set; } = null!;

    [TestCleanup]
    public void Delete() => _root.Dispose();

    [TestMethod]
    public void HubAnswers_are_taken_or_refused()
    {
        using var server = new MisbehavingServer()
            .With("config.json", "{}"u8.ToArray())
            .With("model.safetensors", [.. Enumerable.Range(0, 500).Select(i => (byte)i)]);
        var mutator = new StructuredMutator(6);
        var list = Encoding.UTF8.GetBytes(server.HonestListing);
        var (damaged, status, hit) = (Array.Empty<byte>(), "", 0);
        server.Spoil = async (request, stream, cancellation) =>
        {
            var isList = request.Path.Contains("/api/", StringComparison.Ordinal);
            if (isList != (hit == 0))
            {
                return false;
            }

            if (hit == 2)
            {
                await stream.WriteAsync(damaged, cancellation); // with its own head
                return true;
            }

            await MisbehavingServer.HeadAsync(stream, status, $"Content-Length: {damaged.Length}\r\n", cancellation);
            await stream.WriteAsync(damaged, cancellation);
            return true;
        };
        Report(
            FuzzRun.Run(
                "hub",
                () =>
                {
                    hit = mutator.Once(2) ? 0 : 1 + (mutator.Once(2) ? 0 : 1);
                    status = mutator.Once(4) ? mutator.Pick(Statuses) : Statuses[0];
                    damaged = hit switch
                    {
                        0 => mutator.Json(list),
                        1 => mutator.Bytes(server.Content("/c0ffee/" + mutator.Pick(["config.json", "model.safetensors"]))),
                        _ => mutator.Lines(Head),
                    };
                    return damaged;
                },
                _ => Pull(server)
            )
        );
    }

    private bool Pull(MisbehavingServer server)
    {
        var folder = _root["in/model"];
        try
        {
            ModelDownload
                .RunAsync(
                    "owner/model",
                    folder,
                    new HubOptions
                    {
                        Endpoint = server.Address,
                        Attempts = 2,
                        Patience = TimeSpan.FromSeconds(4),
                        Wait = (_, _) => Task.CompletedTask,
                    }
                )
                .GetAwaiter()
                .GetResult();
            return true;
        }
        catch (HubException e)
        {
            return e.Message.Length == 0 ? throw new InvalidOperationException("an error without a message", e) : false;
        }
        finally
        {
            if (Directory.EnumerateFileSystemEntries(_root.Path).Any(p => Path.GetFileName(p) != "in"))
            {
                throw new InvalidOperationException("a file lies outside the folder");
            }

            if (Directory.Exists(_root["in"]))
            {
                Directory.Delete(_root["in"], recursive: true);
            }
        }
    }

    private void Report(string line)
    {
        TestContext.WriteLine(line);
        Assert.Contains(" read, ", line);
    }
}
