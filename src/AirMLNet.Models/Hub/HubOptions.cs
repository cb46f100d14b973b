using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Hub;

/// <summary>Options of <see cref="ModelDownload"/>. Values are checked when they are set.</summary>
public sealed record HubOptions
{
    /// <summary>Where models are when nothing else is said.</summary>
    public static readonly Uri DefaultEndpoint = new("https://huggingface.co");

    /// <summary>The server, in http or https; a path is where on it the hub begins.</summary>
    public Uri Endpoint
    {
        get;
        init => field = Server(value);
    } = DefaultEndpoint;

    /// <summary>Branch, tag or commit.</summary>
    public string Revision
    {
        get;
        init =>
            field =
                // An address would lead past them.
                OptionCheck.NotBlank(value)
                    is not ("." or "..")
                    ? value
                    : throw new ArgumentException($"Revision = '{value}'; expected a branch, a tag or a commit.", nameof(Revision));
    } = "main";

    /// <summary>
    /// Sent as bearer token to the endpoint, also where it redirects to itself, and to no other server that it redirects to; null for none.
    /// </summary>
    [JsonIgnore]
    public string? Token
    {
        get;
        init =>
            field =
                value is null || (value.Length > 0 && value.All(c => c is > ' ' and <= '~'))
                    ? value
                    : throw new ArgumentException("The token is empty or has blanks or letters that no token has.", nameof(Token));
    }

    /// <summary>The proxy, with a name and a password before an @ where it wants them; null takes the one of HTTPS_PROXY, HTTP_PROXY
    /// and NO_PROXY.</summary>
    [JsonIgnore]
    public Uri? Proxy
    {
        get;
        init =>
            field = value is null or { IsAbsoluteUri: true, Scheme: "http" or "https" or "socks4" or "socks4a" or "socks5" }
                ? value
                : throw new ArgumentException("The proxy's address is to start with http://, https:// or socks5://.", nameof(Proxy));
    }

    /// <summary>Failures in a row, without a byte gained, after which a file is given up; 1..100.</summary>
    public int Attempts
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100);
    } = 6;

    /// <summary>Time without a byte after which a connection is given up and opened again.</summary>
    public TimeSpan Patience
    {
        get;
        init =>
            field =
                value > TimeSpan.Zero
                    ? value
                    : throw new ArgumentOutOfRangeException(nameof(Patience), value, $"Patience = {value}; expected more than 0.");
    } = TimeSpan.FromSeconds(60);

    /// <summary>The longest wait between two attempts, also where a server asks for more.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Receives a report as bytes arrive, which are the unit; the activity is the name of the file.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Stops the download; what is there stays, and the next run goes on from it.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Waits between attempts.</summary>
    internal Func<TimeSpan, CancellationToken, Task> Wait { get; init; } = Task.Delay;

    /// <summary>Free bytes on the disk of a folder.</summary>
    internal Func<string, long> FreeSpace { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Server and revision; neither token nor proxy, which would be in logs then.</summary>
    public override string ToString() => $"{nameof(HubOptions)} {{ Endpoint = {Endpoint}, Revision = {Revision} }}";

    // Messages name the endpoint, and must not name a password.
    private static Uri Server(Uri value) =>
        value is not { IsAbsoluteUri: true, Scheme: "http" or "https" }
            ? throw new ArgumentException(
                $"Endpoint = {value}; expected an address that starts with http:// or https://.",
                nameof(Endpoint)
            )
        : value.UserInfo.Length > 0
            ? throw new ArgumentException(
                "Endpoint has a name or password in its address, which is not sent; use a token.",
                nameof(Endpoint)
            )
        : value.Query.Length + value.Fragment.Length > 0
            ? throw new ArgumentException(
                $"Endpoint = {value.GetLeftPart(UriPartial.Path)} with a ? or # behind it; expected the address alone.",
                nameof(Endpoint)
            )
        : value;
}
