using System.ClientModel;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace AirMLNet.Captions;

/// <summary>What is to be done about a call that failed.</summary>
internal enum FailureKind
{
    /// <summary>Ask again later.</summary>
    Transient,

    /// <summary>This image is not taken; the others may be.</summary>
    Refused,

    /// <summary>Nothing will be answered: a wrong address, model or key.</summary>
    Fatal,
}

/// <summary>A failed call, understood.</summary>
/// <param name="Kind">What is to be done.</param>
/// <param name="Wait">How long the server wants to be left alone; null where it does not say.</param>
/// <param name="Reason">For messages.</param>
internal sealed record CaptionFailure(FailureKind Kind, TimeSpan? Wait, string Reason)
{
    /// <summary>Reads an exception of a chat client.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="now">For servers that name a time of day.</param>
    public static CaptionFailure Of(Exception e, DateTimeOffset now) =>
        e switch
        {
            AggregateException { InnerException: { } inner } => Of(inner, now),
            ChatServerException server => new(
                server.IsRefusal ? FailureKind.Refused
                    : server.Status == 0 ? FailureKind.Transient
                    : KindOf((HttpStatusCode)server.Status),
                RetryAfter(server.RetryAfter, now),
                First(e.Message)
            ),
            ClientResultException { Status: 0 } => new(FailureKind.Transient, null, First(e.Message)),
            ClientResultException { Status: var status } c => new(
                KindOf((HttpStatusCode)status),
                c.GetRawResponse()?.Headers.TryGetValue("Retry-After", out var after) == true ? RetryAfter(after, now) : null,
                $"HTTP {status}: {First(c.Message)}"
            ),
            HttpRequestException { StatusCode: { } code } => new(KindOf(code), null, $"HTTP {(int)code}: {First(e.Message)}"),
            HttpRequestException or IOException or TimeoutException => new(FailureKind.Transient, null, First(e.Message)),
            // An answer that is cut off, no JSON, or without what an answer has: clients end in any of these.
            JsonException
            or FormatException
            or InvalidOperationException
            or KeyNotFoundException
            or ArgumentException
            or NullReferenceException
            or IndexOutOfRangeException
            or InvalidCastException
            or OverflowException => new(FailureKind.Transient, null, $"the answer cannot be read ({First(e.Message)})"),
            _ => new(FailureKind.Fatal, null, First(e.Message)),
        };

    // Thirty years: what a server says may be more than a time span holds.
    private const double MostSeconds = 1e9;

    /// <summary>Seconds, or a date.</summary>
    internal static TimeSpan? RetryAfter(string? value, DateTimeOffset now) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds >= 0
            ? TimeSpan.FromSeconds(Math.Min(seconds, MostSeconds))
        : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date > now ? date - now
                : TimeSpan.Zero
        : null;

    private static FailureKind KindOf(HttpStatusCode code) =>
        code is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)code >= 500 ? FailureKind.Transient
        : code
            is HttpStatusCode.BadRequest
                or HttpStatusCode.RequestEntityTooLarge
                or HttpStatusCode.UnsupportedMediaType
                or HttpStatusCode.UnprocessableEntity
            ? FailureKind.Refused
        : FailureKind.Fatal;

    private static string First(string message)
    {
        var line = message.Trim().ReplaceLineEndings(" ");
        return line.Length <= 300 ? line : line[..300] + "…";
    }
}
