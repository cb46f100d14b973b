using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using AirMLNet.Files;

namespace AirMLNet.Hub;

/// <summary>Requests to one server: token, proxy, redirects, waiting and trying again.</summary>
internal sealed class HubConnection : IDisposable
{
    private const int LargestListing = 64 << 20;
    private const int MostRedirects = 10;
    private readonly HttpClient _client;
    private readonly HubOptions _options;

    public HubConnection(HubOptions options)
    {
        _options = options;
        // Redirects are followed here: the handler drops the token also where one server leads on to itself, as hubs do.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = options.Patience };
        if (options.Proxy is { } proxy)
        {
            var account = proxy.UserInfo.Split(':', 2);
            handler.Proxy = new WebProxy(proxy)
            {
                Credentials =
                    proxy.UserInfo.Length == 0
                        ? null
                        : new NetworkCredential(
                            Uri.UnescapeDataString(account[0]),
                            Uri.UnescapeDataString(account.ElementAtOrDefault(1) ?? "")
                        ),
            };
        }

        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("AirMLNet", "1.0"));
        // Sizes and hashes are those of the files as they are.
        _client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    /// <summary>Opens a path of the server from a byte on, wherever it leads on to.</summary>
    /// <param name="path">Below the endpoint.</param>
    /// <param name="what">What is fetched, for messages.</param>
    /// <param name="from">The first byte.</param>
    /// <param name="tag">Of which content the rest is wanted, or else all of it; null for any.</param>
    /// <exception cref="HubException">It leads to where nothing is fetched from.</exception>
    public async Task<HttpResponseMessage> OpenAsync(string path, string what, long from = 0, EntityTagHeaderValue? tag = null)
    {
        var address = new Uri(_options.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendAsync(address, from, tag).ConfigureAwait(false);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
            {
                return response;
            }

            using (response)
            {
                address =
                    redirects < MostRedirects
                        ? Next(address, response, what)
                        : throw new HubException($"{what}: {address.Authority} leads on more than {MostRedirects} times.");
            }
        }
    }

    /// <summary>Reads what comes next; a connection on which nothing comes is an error.</summary>
    public async Task<int> ReadAsync(Stream stream, byte[] buffer)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_options.CancellationToken);
        patience.CancelAfter(_options.Patience);
        try
        {
            return await stream.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_options.CancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException($"nothing came for {_options.Patience.TotalSeconds:0.#} s");
        }
    }

    /// <summary>A document of the server, the list of files.</summary>
    public async Task<byte[]> DocumentAsync(string path, string what)
    {
        byte[] content = [];
        await RetryAsync(
                what,
                async () =>
                {
                    using var response = await OpenAsync(path, what).ConfigureAwait(false);
                    Check(response, what);
                    using var memory = new MemoryStream();
                    await using var stream = await response.Content.ReadAsStreamAsync(_options.CancellationToken).ConfigureAwait(false);
                    var buffer = new byte[81920];
                    for (int read; (read = await ReadAsync(stream, buffer).ConfigureAwait(false)) > 0; )
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
        return content;
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
                // Trying again makes no certificate valid.
                if (e.InnerException is AuthenticationException)
                {
                    throw new HubException(
                        $"{what}: {_options.Endpoint} is not to be trusted: {Reason(e)}. Have the system trust its certificate, or name "
                            + "another server.",
                        e
                    );
                }

                if (++failures >= _options.Attempts)
                {
                    throw new HubException($"{what}: given up after {failures} attempts: {Reason(e)}", e);
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
        var status = (int)response.StatusCode;
        var server = response.RequestMessage!.RequestUri!;
        // Others that say "well" have nothing to give, or not yet.
        if (status is 200 or 203 or 206)
        {
            if (response.Content.Headers.ContentEncoding.FirstOrDefault(e => e is not "identity") is { } packing)
            {
                throw new HubException(
                    $"{what}: {server.Authority} sends it packed ({Line(packing)}), though it was asked not to; try another server."
                );
            }

            return;
        }

        if (status is 202 or 408 or 429 or >= 500)
        {
            throw new RetryException($"the server answers {status} ({server.Authority})", After(response.Headers.RetryAfter));
        }

        throw new HubException(
            status switch
            {
                407 => $"{what}: the proxy wants a name and a password (407); write them into its address, "
                    + "http://NAME:PASSWORD@HOST:PORT.",
                _ when server.Authority != _options.Endpoint.Authority =>
                    $"{what}: {server.Authority}, which {_options.Endpoint} leads on to, answers {status}; try again later, or name "
                        + "another server.",
                401 or 403 => $"{what}: access is denied ({status}); the model is private, gated or does not exist. "
                    + (_options.Token is null ? "Set HF_TOKEN to a token that may read it." : "The token may not read it."),
                404 => $"{what}: not found on {_options.Endpoint}; check the name and the revision '{Line(_options.Revision)}'.",
                _ => $"{what}: the server answers {status} ({server.Authority}).",
            }
        );
    }

    public void Dispose() => _client.Dispose();

    /// <summary>A stranger's text on one short line, without what would steer a terminal.</summary>
    public static string Line(string text)
    {
        var line = StrangersText.Line(text);
        return line.Length <= 200 ? line : line[..200] + "…";
    }

    private async Task<HttpResponseMessage> SendAsync(Uri address, long from, EntityTagHeaderValue? tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (_options.Token is { } token && IsOwn(address))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (from > 0)
        {
            request.Headers.Range = new RangeHeaderValue(from, null);
            request.Headers.IfRange = tag is null ? null : new RangeConditionHeaderValue(tag);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_options.CancellationToken);
        patience.CancelAfter(_options.Patience);
        try
        {
            return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_options.CancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException($"no answer within {_options.Patience.TotalSeconds:0.#} s ({address.Authority})");
        }
    }

    /// <summary>
    /// Whether an address is the endpoint's own server, which alone gets the token; also where it leads on from http to https.
    /// </summary>
    private bool IsOwn(Uri address) =>
        address.IdnHost.Equals(_options.Endpoint.IdnHost, StringComparison.OrdinalIgnoreCase)
        && (
            (address.Scheme == _options.Endpoint.Scheme && address.Port == _options.Endpoint.Port)
            || (address.Scheme == "https" && address.IsDefaultPort && _options.Endpoint.IsDefaultPort)
        );

    private static Uri Next(Uri address, HttpResponseMessage response, string what)
    {
        var to = response.Headers.Location;
        if (to is null || !Uri.TryCreate(address, to, out var next) || next.Scheme is not ("http" or "https"))
        {
            throw new HubException($"{what}: {address.Authority} answers {(int)response.StatusCode} without an address to go on to.");
        }

        return address.Scheme == "https" && next.Scheme == "http"
            ? throw new HubException(
                $"{what}: {address.Authority} leads on from https to http ({next.Authority}), which anyone may change."
            )
            : next;
    }

    // What is wrong with a connection, .NET often says within, and around it only that it said so there.
    private string Reason(Exception e)
    {
        while (
            e.InnerException is { } inner
            && e is not HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError }
        )
        {
            e = inner;
        }

        var reason = e.Message.TrimEnd('.');
        return reason.Contains(_options.Endpoint.Host, StringComparison.OrdinalIgnoreCase) || e is { InnerException: not null }
            ? reason
            : $"{reason} ({_options.Endpoint.Authority})";
    }

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
