using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Images;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Opens a folder of images and makes sure, before any long work, that they can be read.</summary>
internal static class Photos
{
    /// <summary>All images of a folder, or a shard's.</summary>
    public static IReadOnlyList<ImageRow> Open(
        string folder,
        bool labels,
        bool skipUnreadable,
        CancellationToken cancellation,
        Shard? shard = null
    )
    {
        var images = ImageFolder.Open(folder, labels);
        var entries = images.Entries;
        WarnOfOthers(images.Others);
        ImageEntry[] own = [.. entries.Take((shard ?? Shard.Whole).RangeOf(entries.Count))];
        return own.Length > 0
            ? Readable(own, folder, skipUnreadable, cancellation)
            : throw new InvalidDataException(
                $"Part {shard} of the {entries.Count} images in '{folder}' is none; expected at most as many parts."
            );
    }

    /// <summary>The images to adapt to: of a data set's folder the training images alone, which a note says.</summary>
    public static IReadOnlyList<ImageRow> Pool(string folder, bool labels, bool skipUnreadable, CancellationToken cancellation)
    {
        var pool = PoolFolder.Open(folder, labels);
        if (pool.Note is { } note)
        {
            Terminal.Note(note);
        }

        WarnOfOthers(pool.Others);

        return Readable(pool.Entries, folder, skipUnreadable, cancellation);
    }

    private static void WarnOfOthers(string? others)
    {
        if (others is not null)
        {
            Terminal.Warn(others);
        }
    }

    private static List<ImageRow> Readable(
        IReadOnlyList<ImageEntry> entries,
        string folder,
        bool skipUnreadable,
        CancellationToken cancellation
    )
    {
        var reasons = Terminal.Work(
            "Checking images",
            entries.Count,
            step => Check(entries.Select(e => e.Path).ToArray(), step, cancellation)
        );
        var unreadable = reasons.Count(reason => reason != null);
        if (unreadable > 0 && !skipUnreadable)
        {
            var more = unreadable > 1 ? $", and {unreadable - 1} more" : "";
            throw new InvalidDataException(
                $"{reasons.First(reason => reason != null)!.TrimEnd('.')}{more}; --skip-unreadable leaves such images out"
            );
        }

        if (unreadable == entries.Count)
        {
            throw new InvalidDataException($"None of the {entries.Count} images in '{folder}' can be read; the first: {reasons[0]}");
        }

        var rows = new List<ImageRow>(entries.Count);
        for (var i = 0; i < entries.Count; i++)
        {
            if (reasons[i] is { } reason)
            {
                Terminal.Warn($"left out: {reason}");
            }
            else
            {
                rows.Add(new ImageRow { ImagePath = entries[i].Path, Label = entries[i].Label ?? "" });
            }
        }

        return rows;
    }

    /// <summary>For each image null, or why it cannot be read.</summary>
    private static string?[] Check(string[] paths, IStep step, CancellationToken cancellation)
    {
        var reasons = new string?[paths.Length];
        var done = 0;
        Parallel.For(
            0,
            paths.Length,
            new ParallelOptions { CancellationToken = cancellation },
            i =>
            {
                try
                {
                    ImageFile.Load(paths[i]);
                }
                catch (IOException exception)
                {
                    reasons[i] = exception.Message;
                }

                var now = Interlocked.Increment(ref done);
                if (now % 64 == 0 || now == paths.Length)
                {
                    step.Report(now, paths.Length);
                }
            }
        );
        return reasons;
    }
}
