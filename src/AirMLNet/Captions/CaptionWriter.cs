using System.Globalization;
using AirMLNet.Optimisation;

namespace AirMLNet.Captions;

/// <summary>A caption that a language model wrote.</summary>
/// <param name="Number">From 1, of those that were wanted.</param>
/// <param name="Text">The caption.</param>
/// <param name="Classes">The classes it was asked to name, and does.</param>
internal sealed record WrittenCaption(int Number, string Text, IReadOnlyList<string> Classes);

/// <summary>What was written.</summary>
/// <param name="Captions">In the order of their numbers.</param>
/// <param name="Refused">Those that are not taken, and why.</param>
/// <param name="Made">Texts that were asked for now.</param>
internal sealed record WrittenCaptions(
    IReadOnlyList<WrittenCaption> Captions,
    IReadOnlyList<(string Name, string Reason)> Refused,
    int Made
);

/// <summary>
/// Has a language model write captions about drawn classes (T2I-PAL doubles its captions so: its Tables X, XI and XIII). One that does not
/// name all its classes is asked for anew, and in the end left out: its labels, which are read from it, would be others.
/// </summary>
/// <param name="chat">The model.</param>
/// <param name="options">Which captions.</param>
internal sealed class CaptionWriter(ChatCaptioner chat, WriteCaptionsOptions options)
{
    private const int Stream = 27;

    /// <exception cref="CaptionException">The server does not answer, or no caption can be used; what is there is kept.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public async Task<WrittenCaptions> RunAsync()
    {
        var table = options.Nouns.Table();
        var names = table.ClassNames;
        if (options.MostClasses > names.Count)
        {
            throw new ArgumentException($"{nameof(options.MostClasses)} = {options.MostClasses}; there are {names.Count} classes.");
        }

        var drawn = Enumerable.Range(0, options.Count).Select(i => Draw(i, names.Count)).ToArray();
        var texts = new string?[options.Count];
        var reasons = new string[options.Count];
        var job = new CaptionJob(
            new Words(chat),
            new()
            {
                Folder = options.WorkFolder,
                Parallel = options.ParallelCalls,
                Progress = options.Progress,
                Warn = options.Warn,
                CancellationToken = options.CancellationToken,
            }
        );
        var made = 0;
        int[] open = [.. Enumerable.Range(0, options.Count)];
        for (var attempt = 0; attempt < options.Attempts && open.Length > 0; attempt++)
        {
            var result = await job.RunAsync([.. open.Select(i => Item(i, attempt, [.. drawn[i].Select(c => names[c])]))])
                .ConfigureAwait(false);
            made += result.Made;
            var without = result.Missing.ToDictionary(m => m.Name, m => m.Reason, StringComparer.Ordinal);
            for (var j = 0; j < open.Length; j++)
            {
                var (i, text) = (open[j], result.Texts[j]);
                var labels = table.Labels(text);
                string[] left = [.. drawn[i].Where(c => labels[c] == 0).Select(c => names[c])];
                (texts[i], reasons[i]) =
                    text.Length == 0 ? (null, without.GetValueOrDefault(NameOf(i), "there is no text"))
                    : left.Length > 0 ? (null, $"'{text}' does not name {string.Join(", ", left)}")
                    : (text, "");
            }

            open = [.. open.Where(i => texts[i] is null)];
        }

        return open.Length < options.Count
            ? new(
                [
                    .. Enumerable
                        .Range(0, options.Count)
                        .Where(i => texts[i] is not null)
                        .Select(i => new WrittenCaption(i + 1, texts[i]!, [.. drawn[i].Select(c => names[c])])),
                ],
                [.. open.Select(i => (NameOf(i), reasons[i]))],
                made
            )
            : throw new CaptionException($"Not one of {options.Count} captions can be used; {NameOf(open[0])}: {reasons[open[0]]}.");
    }

    private static string NameOf(int caption) => string.Create(CultureInfo.InvariantCulture, $"caption {caption + 1}");

    private int[] Draw(int caption, int classes)
    {
        var random = SeededRandom.Create(options.Seed, Stream, caption);
        var order = Enumerable.Range(0, classes).ToArray();
        random.Shuffle(order);
        return order[..random.Next(1, options.MostClasses + 1)];
    }

    private CaptionItem Item(int caption, int attempt, string[] classes)
    {
        var named = classes.Length == 1 ? classes[0] : $"{string.Join(", ", classes[..^1])} and {classes[^1]}";
        // Equal questions are to have different answers: the number is part of what a text is kept under.
        return new(
            new CaptionRequest(
                NameOf(caption),
                CaptionKind.Image,
                options.Prompt.Replace("{}", named, StringComparison.Ordinal),
                () => throw new InvalidOperationException("There is no image: the words are all.")
            ),
            string.Create(CultureInfo.InvariantCulture, $"words {options.Seed} {caption} {attempt}")
        );
    }

    /// <summary>Asks without an image.</summary>
    private sealed class Words(ChatCaptioner chat) : ICaptioner
    {
        public string? Identity => chat.Identity;

        public Task<string> DescribeAsync(CaptionRequest request, CancellationToken cancellation = default) =>
            chat.WriteAsync(request.Prompt, cancellation);
    }
}
