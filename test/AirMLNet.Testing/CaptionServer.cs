using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using AirMLNet.Images;

namespace AirMLNet.Testing;

/// <summary>
/// A server that speaks OpenAI's protocol on the loopback interface: it decodes the picture that it is sent and says what colour it sees,
/// so that a wrong pairing of images and texts shows. A test can spoil its answers.
/// </summary>
public sealed class CaptionServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(JsonNode Body, string? Authorization)> _seen = [];
    private int _requests;

    public CaptionServer()
    {
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1");

    /// <summary>Asked first, with the number of the request from 0: status, headers and body; null for an honest answer.</summary>
    public Func<int, RgbImage, (string Status, string Headers, string Body)?> Spoil { get; set; } = (_, _) => null;

    /// <summary>As <see cref="Spoil"/>, of words without a picture.</summary>
    public Func<string, (string Status, string Headers, string Body)?> SpoilWords { get; set; } = _ => null;

    /// <summary>What is answered to words without a picture.</summary>
    public Func<string, string> Write { get; set; } = prompt => prompt;

    public Action<int> BeforeAnswer { get; set; } = _ => { };

    /// <summary>Whether requests are kept for <see cref="Seen"/>; not where there are hundreds of thousands.</summary>
    public bool Remembers { get; init; } = true;

    public IReadOnlyList<(JsonNode Body, string? Authorization)> Seen
    {
        get
        {
            lock (_seen)
            {
                return [.. _seen];
            }
        }
    }

    public static string Drop => "drop";

    public static string Stall => "stall";

    /// <summary>What an honest answer says of a picture.</summary>
    public static string Describe(RgbImage image, string prompt)
    {
        var sums = new long[3];
        for (var i = 0; i < image.Pixels.Length; i++)
        {
            sums[i % 3] += image.Pixels[i];
        }
        return $"mean {string.Join(' ', sums.Select(s => s * 3 / image.Pixels.Length))}, {image.Width} by {image.Height}: {prompt}";
    }

    public static string Answer(string text) =>
        new JsonObject
        {
            ["id"] = "1",
            ["object"] = "chat.completion",
            ["created"] = 1,
            ["model"] = "eyes",
            ["choices"] = new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["finish_reason"] = "stop",
                    ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
                }
            ),
        }.ToJsonString();

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
                var (body, authorization) = await RequestAsync(stream);
                int number;
                lock (_seen)
                {
                    number = _requests++;
                    if (Remembers)
                    {
                        _seen.Add((body, authorization));
                    }
                }

                BeforeAnswer(number);
                var (status, headers, answer) = Answer(number, body["messages"]![0]!["content"]!);
                if (status == Drop)
                {
                    return;
                }

                if (status == Stall)
                {
                    await Task.Delay(Timeout.Infinite, _stop.Token);
                }

                var bytes = Encoding.UTF8.GetBytes(answer);
                var head =
                    $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {bytes.Length}\r\n{headers}"
                    + "Connection: close\r\n\r\n";
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head), _stop.Token);
                await stream.WriteAsync(bytes, _stop.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException) { }
        }
    }

    private (string Status, string Headers, string Body) Answer(int number, JsonNode content)
    {
        var parts = content as JsonArray ?? new JsonArray(new JsonObject { ["type"] = "text", ["text"] = (string)content! });
        var prompt = (string)parts.First(c => (string?)c!["type"] == "text")!["text"]!;
        if (parts.FirstOrDefault(c => (string?)c!["type"] == "image_url") is not { } picture)
        {
            return SpoilWords(prompt) ?? ("200 OK", "", Answer(Write(prompt)));
        }

        var url = (string)picture["image_url"]!["url"]!;
        var image = ImageFile.Decode(Convert.FromBase64String(url["data:image/png;base64,".Length..]), "the request's image");
        return Spoil(number, image) ?? ("200 OK", "", Answer(Describe(image, prompt)));
    }

    private async Task<(JsonNode Body, string? Authorization)> RequestAsync(NetworkStream stream)
    {
        int? length = null;
        string? authorization = null;
        while (await LineAsync(stream) is { Length: > 0 } line)
        {
            if (line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(line["Content-Length: ".Length..], CultureInfo.InvariantCulture);
            }

            if (line.StartsWith("Authorization: ", StringComparison.OrdinalIgnoreCase))
            {
                authorization = line["Authorization: ".Length..];
            }
        }

        using var body = new MemoryStream();
        if (length is { } all)
        {
            await ReadAsync(stream, body, all);
        }
        else
        {
            while (int.Parse(await LineAsync(stream), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and var chunk)
            {
                await ReadAsync(stream, body, chunk);
                await LineAsync(stream);
            }
        }
        return (JsonNode.Parse(body.ToArray())!, authorization);
    }

    private async Task ReadAsync(NetworkStream stream, MemoryStream body, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, _stop.Token);
        body.Write(bytes);
    }

    private async Task<string> LineAsync(NetworkStream stream)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one, _stop.Token) == 1 && one[0] != (byte)'\n')
        {
            if (one[0] != (byte)'\r')
            {
                line.Append((char)one[0]);
            }
        }
        return line.ToString();
    }
}

/// <summary>A clock on which some waits are over at once and the others never; it notes them all.</summary>
internal sealed class InstantTime(Func<TimeSpan, bool>? over = null) : TimeProvider
{
    private readonly List<TimeSpan> _waits = [];

    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (_waits)
            {
                return [.. _waits];
            }
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_waits)
        {
            _waits.Add(dueTime);
        }

        if ((over ?? (wait => wait < TimeSpan.FromMinutes(5)))(dueTime))
        {
            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }

        return new Never();
    }

    private sealed class Never : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() { }

        public ValueTask DisposeAsync() => default;
    }
}
