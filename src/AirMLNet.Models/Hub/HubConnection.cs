using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace AirMLNet.Hub;

/// <summary>Requests to one server: token, proxy, redirects, waiting and trying again.</summary>
internal sealed class HubConnection : IDisposable
{
    private const int LargestListing = 64 << 20;
    private readonly HttpClient _client;
    private readonly HubOptions _options;

    public HubConnection(HubOptions options)
    {
        _options = options;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = true,
            MaxAutomaticRedirections = 10,
            ConnectTimeout = options.Patience,
        };
        if (options.Proxy is { } proxy)
        {
            handler.Proxy = new WebProxy(proxy);
        }

        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("AirMLNet", "1.0"));
    }

    /// <summary>Opens a path of the server from a byte on. The handler drops the token when it follows a redirect.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, long from, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_options.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path));
        if (_options.Token is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (from > 0)
        {
            request.Headers.Range = new RangeHeaderValue(from, null);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(_options.Patience);
        try
        {
            return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException($"no answer within {_options.Patience.TotalSeconds:0.#} s");
        }
    }

    /// <summary>Reads what comes next; a connection on which nothing comes is an error.</summary>
    public async Task<int> ReadAsync(Stream stream, byte[] buffer, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(_options.Patience);
        try
        {
            return await stream.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException($"nothing came for {_options.Patience.TotalSeconds:0.#} s");
        }
    }

    /// <summary>A JSON document of the server.</summary>
    public async Task<JsonDocument> JsonAsync(string path, string what)
    {
        byte[] content = [];
        await RetryAsync(
                what,
                async () =>
                {
                    using var response = await OpenAsync(path, 0, _options.CancellationToken).ConfigureAwait(false);
                    Check(response, what);
                    using var memory = new MemoryStream();
                    await using var stream = await response.Content.ReadAsStreamAsync(_options.CancellationToken).ConfigureAwait(false);
                    var buffer = new byte[81920];
                    for (int read; (read = await ReadAsync(stream, buffer, _options.CancellationToken).ConfigureAwait(false)) > 0; )
                    {
                        memory.Write(buffer, 0, read);
                        if (memory.Length > LargestListing)
                        {
                            throw new HubException($"{what}: the list of files is longer than {LargestListing} bytes.");
                        }
                    }

                    content = memory.ToArray();
                    return false;
                }
            )
            .ConfigureAwait(false);
        try
        {
            return JsonDocument.Parse(content);
        }
        catch (JsonException e)
        {
            throw new HubException($"{what}: {_options.Endpoint} answered with something other than JSON; is it a model server?", e);
        }
    }

    /// <summary>Tries until it works, waiting longer each time; an attempt that gained something starts the count anew.</summary>
    /// <param name="what">What is fetched, for messages.</param>
    /// <param name="attempt">Throws on failure, or gives true to be called again at once, having gained something.</param>
    public async Task RetryAsync(string what, Func<Task<bool>> attempt)
    {
        for (var failures = 0; ; )
        {
            TimeSpan? asked = null;
            try
            {
                if (!await attempt().ConfigureAwait(false))
                {
                    return;
                }

                failures = 0;
                continue;
            }
            catch (RetryException e)
            {
                asked = e.After;
                if (++failures >= _options.Attempts)
                {
                    throw new HubException($"{what}: given up after {failures} attempts: {e.Message}", e);
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException and not HubException)
            {
                if (++failures >= _options.Attempts)
                {
                    throw new HubException($"{what}: given up after {failures} attempts: {e.Message}", e);
                }
            }

            var wait = asked ?? TimeSpan.FromSeconds(Math.Pow(2, failures - 1));
            await _options
                .Wait(wait < _options.LongestWait ? wait : _options.LongestWait, _options.CancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Turns an answer that is none into an exception: one to try again after, or a final one.</summary>
    public void Check(HttpResponseMessage response, string what)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var status = (int)response.StatusCode;
        if (status is 408 or 429 or >= 500)
        {
            throw new RetryException($"the server answers {status}", After(response.Headers.RetryAfter));
        }

        throw new HubException(
            status switch
            {
                401 or 403 => $"{what}: access is denied ({status}); the model is private, gated or does not exist. "
                    + (_options.Token is null ? "Set HF_TOKEN to a token that may read it." : "The token may not read it."),
                404 => $"{what}: not found on {_options.Endpoint}; check the name and the revision '{_options.Revision}'.",
                _ => $"{what}: the server answers {status}.",
            }
        );
    }

    public void Dispose() => _client.Dispose();

    private static TimeSpan? After(RetryConditionHeaderValue? header) =>
        header switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - DateTimeOffset.UtcNow is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
            _ => null,
        };
}

/// <summary>An attempt failed in a way that may pass.</summary>
internal sealed class RetryException(string message, TimeSpan? after) : Exception(message)
{
    /// <summary>How long the server asks to wait; null when it does not say.</summary>
    public TimeSpan? After { get; } = after;
}
