using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AirMLNet.Files;
using Microsoft.Extensions.AI;

namespace AirMLNet.Captions;

/// <summary>
/// A server that speaks OpenAI's protocol, as far as captions need it. Servers differ in all but the text (reasons for the end, roles,
/// counts, dates), so nothing else of an answer is looked at; what they send in the place of one is said in their own words.
/// </summary>
internal sealed class ChatServer : IChatClient
{
    // Answers have some kilobytes; what goes on for longer is no answer, and would fill the memory.
    private const int LargestAnswer = 8 << 20;
    private const int ShortestSecret = 4;

    // Redirects are not followed: images and key would go to a server that nobody named.
    private static readonly HttpClient Http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.All,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly Uri _address;
    private readonly string? _key;
    private readonly ChatClientMetadata _metadata;

    /// <param name="server">Its address, such as <c>http://localhost:8000/v1</c>.</param>
    /// <param name="model">The model's name there.</param>
    /// <param name="key">The key; null where the server asks for none.</param>
    /// <exception cref="ArgumentException">The key has characters that none has, or the address is none.</exception>
    public ChatServer(Uri server, string model, string? key)
    {
        if (key is not null && (key.Length == 0 || key.Any(c => c is <= ' ' or > '~')))
        {
            throw new ArgumentException("The server's key is empty or has blanks or letters that no key has.", nameof(key));
        }

        if (server is not { IsAbsoluteUri: true, Scheme: "http" or "https", UserInfo: "" })
        {
            throw new ArgumentException(
                "The server's address is to start with http:// or https://, and to have no name or password in it.",
                nameof(server)
            );
        }

        // What follows a question mark stays: some servers want a version there.
        _address = new UriBuilder(server) { Path = server.AbsolutePath.TrimEnd('/') + "/chat/completions", Fragment = "" }.Uri;
        _key = key;
        _metadata = new ChatClientMetadata("openai", server, model);
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _address)
        {
            Content = new StringContent(Question(messages, options).ToJsonString(), Encoding.UTF8, "application/json"),
        };
        if (_key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _key);
        }

        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            .ConfigureAwait(false);
        var answer = await ReadAsync(response, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            var after = response.Headers.TryGetValues("Retry-After", out var values) ? values.FirstOrDefault() : null;
            throw new ChatServerException((int)response.StatusCode, $"HTTP {(int)response.StatusCode}: {Said(response, answer)}", after);
        }

        return new ChatResponse(new ChatMessage(ChatRole.Assistant, Text(answer, options?.MaxOutputTokens)));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var response = await GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        foreach (var update in response.ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? _metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    /// <summary>Frees nothing: connections are shared.</summary>
    public void Dispose() { }

    private JsonObject Question(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        // The service takes the limit by its new name only, and other servers know only the old one.
        var limit = _address.Host.EndsWith("openai.com", StringComparison.OrdinalIgnoreCase) ? "max_completion_tokens" : "max_tokens";
        return new JsonObject
        {
            ["model"] = options?.ModelId ?? _metadata.DefaultModelId,
            ["messages"] = new JsonArray([.. messages.Select(Message)]),
            ["temperature"] = options?.Temperature,
            [limit] = options?.MaxOutputTokens,
        };
    }

    // Words alone as servers without eyes take them.
    private static JsonObject Message(ChatMessage message) =>
        new()
        {
            ["role"] = message.Role.Value,
            ["content"] = message.Contents is [TextContent text] ? text.Text : new JsonArray([.. message.Contents.Select(Part)]),
        };

    private static JsonObject Part(AIContent content) =>
        content switch
        {
            TextContent text => new() { ["type"] = "text", ["text"] = text.Text },
            DataContent data => new()
            {
                ["type"] = "image_url",
                ["image_url"] = new JsonObject { ["url"] = data.Uri },
            },
            _ => throw new NotSupportedException($"{content.GetType().Name} is neither text nor image."),
        };

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var answer = new MemoryStream();
        var buffer = new byte[1 << 16];
        try
        {
            for (int read; (read = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0; )
            {
                answer.Write(buffer, 0, read);
                if (answer.Length > LargestAnswer)
                {
                    throw Unreadable($"it has more than {LargestAnswer} bytes");
                }
            }
        }
        catch (InvalidDataException)
        {
            throw Unreadable("it is packed in a way that is damaged");
        }

        return answer.ToArray();
    }

    /// <summary>The text of an answer.</summary>
    private string Text(byte[] answer, int? tokens)
    {
        try
        {
            using var json = JsonDocument.Parse(WithoutMark(answer));
            var root = json.RootElement;
            if (Member(root, "choices") is not { ValueKind: JsonValueKind.Array } choices || choices.GetArrayLength() == 0)
            {
                // Some servers say "well" and mean an error.
                throw Error(root) is { } error
                    ? new ChatServerException(Code(root), $"the server answers: {Clean(error)}")
                    : Unreadable("it has no choices");
            }

            if (Member(choices[0], "message") is not { ValueKind: JsonValueKind.Object } message)
            {
                throw Unreadable("it has no message");
            }

            var text = ContentOf(message);
            var end = Word(choices[0], "finish_reason");
            return text.Trim().Length > 0 && end != "content_filter" ? text
                : end == "content_filter" ? throw Refused("the server's filter keeps the answer back")
                : Word(message, "refusal") is { Length: > 0 } refusal ? throw Refused($"declined: {Clean(refusal)}")
                : end == "length"
                    ? throw Refused(
                        $"the model has come to no answer within {tokens} tokens: it thinks for longer. Have the server switch its "
                            + $"thinking off, or raise {nameof(ChatCaptionerOptions)}.{nameof(ChatCaptionerOptions.MaxTokens)}"
                    )
                : Member(message, "content") is null ? throw Unreadable("its message has no content")
                : text;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Unreadable(
                IsPage(answer) ? "it is a web page"
                : answer.AsSpan().StartsWith("data:"u8) ? "it comes in pieces, which were not asked for"
                : e.Message
            );
        }
    }

    // A text, or a list of parts, of which those that are text are the answer.
    private static string ContentOf(JsonElement message) =>
        Member(message, "content") switch
        {
            { ValueKind: JsonValueKind.String } text => text.GetString()!,
            { ValueKind: JsonValueKind.Array } parts => string.Concat(
                parts.EnumerateArray().Where(p => Word(p, "type") is "text" or "output_text").Select(p => Word(p, "text"))
            ),
            _ => "",
        };

    /// <summary>What an answer that is an error says.</summary>
    private string Said(HttpResponseMessage response, byte[] answer)
    {
        if ((int)response.StatusCode is >= 300 and < 400)
        {
            return $"{_address.Authority} leads on to {Clean(response.Headers.Location?.ToString() ?? "nowhere")}; name that address";
        }

        string? said;
        try
        {
            using var json = JsonDocument.Parse(WithoutMark(answer));
            said = Error(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            said = IsPage(answer) ? null : Encoding.UTF8.GetString(answer);
        }

        var reason = string.IsNullOrWhiteSpace(said) ? response.ReasonPhrase ?? "" : said;
        return Clean(reason) + (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed ? $" ({Hint})" : "");
    }

    private string Hint =>
        $"asked at {_address.GetLeftPart(UriPartial.Path)}"
        + (_address.AbsolutePath.Contains("/v1/", StringComparison.Ordinal) ? "" : "; addresses of such servers mostly end in /v1");

    private static string? Error(JsonElement root) =>
        Member(root, "error") is { ValueKind: JsonValueKind.Object } error
            ? Word(error, "message") ?? error.GetRawText()
            : Word(root, "error") ?? Word(root, "message") ?? Word(root, "detail") ?? Member(root, "detail")?.GetRawText();

    private static int Code(JsonElement root) =>
        Member(root, "error") is { } error
        && Member(error, "code") is { ValueKind: JsonValueKind.Number } code
        && code.TryGetInt32(out var n)
            ? n
            : 0;

    private static JsonElement? Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value : null;

    private static string? Word(JsonElement parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static ReadOnlyMemory<byte> WithoutMark(byte[] bytes) =>
        bytes.AsMemory(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0);

    private static bool IsPage(byte[] bytes) =>
        Encoding.Latin1.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 64))).TrimStart() is ['<', ..];

    private static ChatServerException Refused(string reason) => new(0, reason) { IsRefusal = true };

    private ChatServerException Unreadable(string why) => new(0, $"the answer cannot be read: {why} ({Hint})");

    // A server may repeat the key that it does not like.
    private string Clean(string said)
    {
        var line = StrangersText.Line(said);
        return _key is { Length: >= ShortestSecret } ? line.Replace(_key, "…", StringComparison.Ordinal) : line;
    }
}

/// <summary>A server that speaks OpenAI's protocol gives no answer.</summary>
/// <param name="status">Its status, or the code of the error that it sends with a good one; 0 where there is none.</param>
/// <param name="message">What is wrong, in its words.</param>
/// <param name="retryAfter">When it wants to be asked again, as it says it.</param>
internal sealed class ChatServerException(int status, string message, string? retryAfter = null) : Exception(message)
{
    public int Status { get; } = status;

    public string? RetryAfter { get; } = retryAfter;

    /// <summary>Whether this question has no answer, and others may have.</summary>
    public bool IsRefusal { get; init; }
}
