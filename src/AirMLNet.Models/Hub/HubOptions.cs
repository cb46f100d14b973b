using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Hub;

/// <summary>Options of <see cref="ModelDownload"/>. Values are checked when they are set.</summary>
public sealed record HubOptions
{
    /// <summary>Where models are when nothing else is said.</summary>
    public static readonly Uri DefaultEndpoint = new("https://huggingface.co");

    /// <summary>The server, in http or https.</summary>
    public Uri Endpoint
    {
        get;
        init =>
            field = value is { IsAbsoluteUri: true, Scheme: "http" or "https" }
                ? value
                : throw new ArgumentException(
                    $"Endpoint = {value}; expected an address that starts with http:// or https://.",
                    nameof(Endpoint)
                );
    } = DefaultEndpoint;

    /// <summary>Branch, tag or commit.</summary>
    public string Revision
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    } = "main";

    /// <summary>Sent as bearer token to the endpoint, and to no server that it redirects to; null for none.</summary>
    public string? Token
    {
        get;
        init => field = OptionCheck.NullOrNotBlank(value);
    }

    /// <summary>The proxy; null takes the one of HTTPS_PROXY, HTTP_PROXY and NO_PROXY.</summary>
    public Uri? Proxy { get; init; }

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
}
