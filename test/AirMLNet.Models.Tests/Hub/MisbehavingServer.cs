using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace AirMLNet.Tests.Hub;

/// <summary>A request as the server saw it.</summary>
internal sealed record SeenRequest(string Path, long From, string? Authorization, string? Proxy = null);

/// <summary>A model server on the loopback interface whose answers a test can spoil.</summary>
internal sealed class MisbehavingServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);
    private readonly List<SeenRequest> _seen = [];

    public MisbehavingServer()
    {
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Asked first for every request; true when it has answered.</summary>
    public Func<SeenRequest, Stream, CancellationToken, Task<bool>> Spoil { get; set; } = (_, _, _) => Task.FromResult(false);

    /// <summary>Replaces the listing of the files.</summary>
    public string? Listing { get; set; }

    public IReadOnlyList<SeenRequest> Seen
    {
        get
        {
            lock (_seen)
            {
                return [.. _seen];
            }
        }
    }

    public IEnumerable<SeenRequest> Downloads(string file) => Seen.Where(r => r.Path.EndsWith("/" + file, StringComparison.Ordinal));

    public MisbehavingServer With(string name, byte[] content)
    {
        _files[name] = content;
        return this;
    }

    public static Task HeadAsync(Stream stream, string status, string headers, CancellationToken cancellation) =>
        stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n"), cancellation).AsTask();

    public byte[] Content(string path) => _files[path[(path.IndexOf("/c0ffee/", StringComparison.Ordinal) + 8)..]];

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            _ = Task.Run(() => AnswerAsync(client));
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                var path = (await reader.ReadLineAsync(_stop.Token) ?? " ").Split(' ')[1];
                long from = 0;
                string? authorization = null,
                    proxy = null;
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
                {
                    if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                    {
                        from = long.Parse(line["Range: bytes=".Length..].TrimEnd('-'));
                    }

                    if (line.StartsWith("Authorization: ", StringComparison.OrdinalIgnoreCase))
                    {
                        authorization = line["Authorization: ".Length..];
                    }

                    if (line.StartsWith("Proxy-Authorization: ", StringComparison.OrdinalIgnoreCase))
                    {
                        proxy = line["Proxy-Authorization: ".Length..];
                    }
                }
                var request = new SeenRequest(path, from, authorization, proxy);
                lock (_seen)
                {
                    _seen.Add(request);
                }

                if (!await Spoil(request, stream, _stop.Token))
                {
                    await HonestAsync(request, stream);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException) { }
        }
    }

    public async Task HonestAsync(SeenRequest request, Stream stream)
    {
        if (request.Path.Contains("/api/", StringComparison.Ordinal))
        {
            var json = Encoding.UTF8.GetBytes(Listing ?? ListingOf(_files));
            await HeadAsync(stream, "200 OK", $"Content-Length: {json.Length}\r\n", _stop.Token);
            await stream.WriteAsync(json, _stop.Token);
            return;
        }
        var content = Content(request.Path);
        var rest = content[(int)request.From..];
        var range = request.From > 0 ? $"Content-Range: bytes {request.From}-{content.Length - 1}/{content.Length}\r\n" : "";
        await HeadAsync(
            stream,
            request.From > 0 ? "206 Partial Content" : "200 OK",
            $"Content-Length: {rest.Length}\r\n{range}",
            _stop.Token
        );
        await stream.WriteAsync(rest, _stop.Token);
    }

    /// <summary>The list of the files as it is sent where none was set.</summary>
    public string HonestListing => ListingOf(_files);

    private static string ListingOf(Dictionary<string, byte[]> files) =>
        $$"""
        { "id": "owner/model", "sha": "c0ffee", "siblings": [ {{string.Join(", ", files.Select(f => f.Key.EndsWith(".safetensors", StringComparison.Ordinal)
            ? $$"""{ "rfilename": "{{f.Key}}", "size": {{f.Value.Length}}, "blobId": "pointer", "lfs": { "sha256": "{{Convert.ToHexStringLower(SHA256.HashData(f.Value))}}", "size": {{f.Value.Length}} } }"""
            : $$"""{ "rfilename": "{{f.Key}}", "size": {{f.Value.Length}}, "blobId": "{{Git(f.Value)}}" }"""))}} ] }
        """;

    private static string Git(byte[] content) =>
        Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
}
