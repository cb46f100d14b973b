using System.Globalization;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Options;

namespace AirMLNet.Captions;

/// <summary>Options of a <see cref="CaptionJob"/>.</summary>
internal sealed record CaptionJobOptions
{
    /// <summary>Where texts are kept.</summary>
    public required string Folder
    {
        get;
        init => field = OptionCheck.NotBlank(value);
    }

    /// <summary>Calls at a time, 1..256.</summary>
    public int Parallel
    {
        get;
        init => field = OptionCheck.Range(value, 1, 256);
    } = 4;

    /// <summary>How often a call that failed in passing is made again, 0..100.</summary>
    public int Retries
    {
        get;
        init => field = OptionCheck.Range(value, 0, 100);
    } = 6;

    /// <summary>How long an answer may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Hears of long waits.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>The clock that waits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Hears after each text how many are there and how many there will be.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }

    public CancellationToken CancellationToken { get; init; }
}

/// <summary>What a job did.</summary>
/// <param name="Texts">A text for each item; empty where there is none.</param>
/// <param name="Made">How many were asked for now.</param>
/// <param name="Missing">The names of the items without a text, and why.</param>
internal sealed record CaptionResult(IReadOnlyList<string> Texts, int Made, IReadOnlyList<(string Name, string Reason)> Missing);

/// <summary>
/// Has images described. Each text is on disk when it is there, and is not asked for again; calls are made some at a time, and repeated
/// where a server is busy.
/// </summary>
internal sealed class CaptionJob(ICaptioner captioner, CaptionJobOptions options)
{
    /// <summary>Calls that <see cref="EstimateAsync"/> times.</summary>
    public const int Timed = 8;

    private const int RefusedInARow = 8;
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1),
        LongestWait = TimeSpan.FromSeconds(60),
        SilentWait = TimeSpan.FromSeconds(10),
        LongestAsked = TimeSpan.FromHours(1);

    // Some thousand tokens: what is longer is a model that does not end, or a page of a proxy.
    private const int LongestText = 10_000;
    private const string ThoughtStart = "<think>",
        ThoughtEnd = "</think>";

    // How language models begin when they decline.
    private static readonly string[] Refusals =
    [
        "i'm sorry",
        "i am sorry",
        "sorry,",
        "i cannot",
        "i can't",
        "i'm unable",
        "i am unable",
        "i'm not able",
        "as an ai",
    ];

    private readonly Lock _gate = new();
    private DateTimeOffset _said = DateTimeOffset.MinValue;

    private readonly CaptionStore? _store = captioner.Identity is { } identity ? new(options.Folder, identity) : null;

    /// <summary>The job of a stage.</summary>
    /// <param name="options">Captioner, folder, and how it is asked.</param>
    /// <param name="stage">The stage, for reports.</param>
    /// <param name="checkAlive">Called after each text; throws where the work is to end.</param>
    /// <param name="warn">Hears of long waits.</param>
    public static CaptionJob Of(CaptionSynthesisOptions options, string stage, Action checkAlive, Action<string>? warn = null) =>
        new(
            options.Captioner!,
            new CaptionJobOptions
            {
                Folder = options.WorkFolder,
                Parallel = options.ParallelCalls,
                Retries = options.Retries,
                Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
                Time = options.Time,
                Warn = warn is null ? null : text => warn($"{stage}: {text}."),
                Progress = new DirectProgress(p =>
                {
                    checkAlive();
                    options.Progress?.Report(p with { Source = stage });
                }),
                CancellationToken = options.CancellationToken,
            }
        );

    /// <summary>What the text of an item is kept under; null where texts are not kept.</summary>
    public string? KeyOf(CaptionItem item) => Path.GetFileNameWithoutExtension(_store?.FileOf(item));

    /// <summary>Describes the images.</summary>
    /// <exception cref="CaptionException">The server does not answer, or refuses everything; what is there is kept.</exception>
    /// <exception cref="IOException">A text cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public async Task<CaptionResult> RunAsync(IReadOnlyList<CaptionItem> items)
    {
        var texts = new string?[items.Count];
        var reasons = new string?[items.Count];
        int done = 0,
            made = 0,
            refused = 0;
        for (var i = 0; i < items.Count; i++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            texts[i] = _store?.Find(items[i]);
            done += texts[i] is null ? 0 : 1;
        }

        Report(done, items.Count);

        // Equal images with equal questions are asked about once.
        var missing = Enumerable
            .Range(0, items.Count)
            .Where(i => texts[i] is null)
            .GroupBy(i => _store?.FileOf(items[i]) ?? $"{i}", StringComparer.Ordinal)
            .Select(g => g.ToArray())
            .ToArray();
        await Parallel
            .ForEachAsync(
                missing,
                new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = options.CancellationToken },
                async (same, cancellation) =>
                {
                    var item = items[same[0]];
                    var (text, reason) = await AskAsync(item, cancellation).ConfigureAwait(false);
                    if (reason is null)
                    {
                        _store?.Keep(item, text);
                        Interlocked.Increment(ref made);
                    }
                    else if (Interlocked.Increment(ref refused) >= RefusedInARow && Volatile.Read(ref made) == 0)
                    {
                        throw new CaptionException($"The first {RefusedInARow} images were refused, {item.Request.Name} with: {reason}");
                    }

                    foreach (var i in same)
                    {
                        (texts[i], reasons[i]) = (text, reason);
                    }

                    Report(Interlocked.Add(ref done, same.Length), items.Count);
                }
            )
            .ConfigureAwait(false);
        List<(string, string)> without = [];
        for (var i = 0; i < items.Count; i++)
        {
            texts[i] = Usable(texts[i] ?? "", out var why);
            if ((reasons[i] ?? why) is { } reason)
            {
                without.Add((items[i].Request.Name, reason));
            }
        }
        return new([.. texts.Select(t => t!)], made, without);
    }

    /// <summary>Times a few calls, whose texts are kept, and says how long all that are missing will take; null where none is.</summary>
    public async Task<CaptionEstimate?> EstimateAsync(IReadOnlyList<CaptionItem> items)
    {
        var missing = items.Where(i => _store?.Find(i) is null).DistinctBy(i => _store?.FileOf(i) ?? i.Request.Name).ToList();
        if (missing.Count == 0)
        {
            return null;
        }

        var start = options.Time.GetTimestamp();
        var timed = missing.Take(Timed).ToList();
        await RunAsync(timed).ConfigureAwait(false);
        var each = options.Time.GetElapsedTime(start) / timed.Count;
        return new(timed.Count, missing.Count - timed.Count, each, each * (missing.Count - timed.Count));
    }

    /// <summary>A text as it is used: without a thought, on one line, and empty where the model declined.</summary>
    /// <param name="text">What the model said.</param>
    /// <param name="why">Why it is empty; null where it is not.</param>
    internal static string Usable(string text, out string? why)
    {
        var line = Plain(text);
        var plain = line.Replace('’', '\'');
        why =
            line.Length == 0 ? "the answer is empty"
            : Refusals.Any(r => plain.StartsWith(r, StringComparison.OrdinalIgnoreCase)) ? $"declined: {line}"
            : null;
        return why is null ? line : "";
    }

    /// <summary>An answer on one line, without the thought that a reasoning model begins with; templates may have opened it.</summary>
    private static string Plain(string answer)
    {
        var end = answer.LastIndexOf(ThoughtEnd, StringComparison.OrdinalIgnoreCase);
        var text = StrangersText.Line((end < 0 ? answer : answer[(end + ThoughtEnd.Length)..]).ReplaceLineEndings(" "));
        // A thought that was cut off has nothing after it.
        return text.StartsWith(ThoughtStart, StringComparison.OrdinalIgnoreCase) ? "" : text;
    }

    /// <returns>The text, or why the image was refused.</returns>
    private async Task<(string Text, string? Refused)> AskAsync(CaptionItem item, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var timeout = new CancellationTokenSource(options.Timeout, options.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
            CaptionFailure failure;
            Exception cause;
            try
            {
                // A client that does not listen to its token is not waited for.
                var text = await captioner.DescribeAsync(item.Request, either.Token).WaitAsync(either.Token).ConfigureAwait(false);
                text = Plain(text);
                if (text.Length <= LongestText)
                {
                    return (text, null);
                }

                var length = string.Create(CultureInfo.InvariantCulture, $"the answer has {text.Length} characters");
                failure = new(FailureKind.Transient, null, $"{length}, which is no caption");
                cause = new InvalidDataException(failure.Reason);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                throw;
            }
            catch (OperationCanceledException e)
            {
                failure = new(FailureKind.Transient, null, $"no answer within {options.Timeout.TotalSeconds:0} s");
                cause = e;
            }
            catch (Exception e) when (e is not (UnreadableImageException or OutOfMemoryException))
            {
                failure = CaptionFailure.Of(e, options.Time.GetUtcNow());
                cause = e;
            }

            if (failure.Kind == FailureKind.Refused)
            {
                return ("", failure.Reason);
            }

            if (failure.Kind == FailureKind.Fatal || attempt >= options.Retries)
            {
                throw new CaptionException(
                    $"{item.Request.Name} could not be described"
                        + (attempt == 0 ? "" : $" in {attempt + 1} attempts")
                        + $": {failure.Reason}. Texts that were written are kept in {options.Folder}; another run goes on from there.",
                    cause
                );
            }

            var wait = failure.Wait ?? Wait(attempt);
            if (wait > LongestAsked)
            {
                throw new CaptionException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{item.Request.Name} could not be described: {failure.Reason}. The server asks to wait for "
                            + $"{wait.TotalSeconds:0} s ({wait.TotalHours:0.0} hours), which is longer than an hour. Texts that were "
                            + $"written are kept in {options.Folder}; another run goes on from there."
                    ),
                    cause
                );
            }

            Say(failure, wait);
            await Task.Delay(wait, options.Time, cancellation).ConfigureAwait(false);
        }
    }

    // Calls at a time wait for the same server: it is said again only where the wait goes on for longer than was said.
    private void Say(CaptionFailure failure, TimeSpan wait)
    {
        if (options.Warn is null || wait <= SilentWait)
        {
            return;
        }

        var until = options.Time.GetUtcNow() + wait;
        lock (_gate)
        {
            if (until - _said <= SilentWait)
            {
                return;
            }

            _said = until;
        }

        options.Warn(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{failure.Reason}; asking again in {wait.TotalSeconds:0} s{(failure.Wait is null ? "" : ", as the server wants")}"
            )
        );
    }

    private void Report(int done, int all) => options.Progress?.Report(new(nameof(CaptionJob), "writing texts", done, all));

    private static TimeSpan Wait(int attempt)
    {
        var wait = FirstWait * Math.Pow(2, Math.Min(attempt, 10));
        return wait < LongestWait ? wait : LongestWait;
    }
}

/// <summary>How long texts will take.</summary>
/// <param name="Timed">Calls that were timed.</param>
/// <param name="Left">Texts that are still missing.</param>
/// <param name="Each">Time per text, with as many calls at a time as the job makes.</param>
/// <param name="Time">Time for those that are missing.</param>
internal sealed record CaptionEstimate(int Timed, int Left, TimeSpan Each, TimeSpan Time);
