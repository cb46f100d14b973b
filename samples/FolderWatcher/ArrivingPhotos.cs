using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FolderWatcher;

/// <summary>The photos that appear in a folder or its sub-folders, or change there, each when it has stopped growing.</summary>
internal sealed class ArrivingPhotos : IDisposable
{
    // A file that was the same twice, this long apart, is looked at; one that then still is no image is given up after the second time.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200),
        GiveUp = TimeSpan.FromSeconds(3);

    private static readonly HashSet<string> Endings = new(
        [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"],
        StringComparer.OrdinalIgnoreCase
    );

    private readonly FileSystemWatcher _watcher;
    private readonly ConcurrentQueue<string> _news = new();
    private readonly Dictionary<string, Waiting> _waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Stamp> _known;

    /// <exception cref="ArgumentException">The folder does not exist.</exception>
    public ArrivingPhotos(string folder)
    {
        _watcher = new FileSystemWatcher(folder)
        {
            IncludeSubdirectories = true,
            NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
        };
        _watcher.Created += (_, e) => _news.Enqueue(e.FullPath);
        _watcher.Changed += (_, e) => _news.Enqueue(e.FullPath);
        _watcher.Renamed += (_, e) => _news.Enqueue(e.FullPath);
        // More happened than the system could tell: everything is looked through.
        _watcher.Error += (_, _) => _news.Enqueue(folder);
        _watcher.EnableRaisingEvents = true;
        // After the watching has begun, so that no photo falls between.
        _known = PhotosIn(folder)
            .Select(path => (path, Stamp.Of(path)))
            .Where(p => p.Item2 is not null)
            .ToDictionary(p => p.path, p => p.Item2!);
    }

    /// <summary>
    /// Photos that have not changed for a moment. One for which <see cref="Done"/> is not called comes once more with
    /// <c>Last</c>, when it has not changed for longer.
    /// </summary>
    /// <exception cref="OperationCanceledException">The end was asked for: there is no other.</exception>
    public async IAsyncEnumerable<(string Path, bool Last)> ReadAll([EnumeratorCancellation] CancellationToken end)
    {
        while (true)
        {
            TakeNews();
            foreach (var (path, photo) in _waiting.ToArray())
            {
                end.ThrowIfCancellationRequested();
                if (Stamp.Of(path) is not { } stamp)
                {
                    _waiting.Remove(path); // it was deleted, or has another name now
                }
                else if (stamp != photo.Stamp)
                {
                    _waiting[path] = new(stamp, Stopwatch.GetTimestamp(), Tried: false);
                }
                else if (Stopwatch.GetElapsedTime(photo.Since) is var quiet && quiet > (photo.Tried ? GiveUp : Pause))
                {
                    _waiting[path] = photo with { Tried = true };
                    yield return (path, photo.Tried);
                    if (photo.Tried)
                    {
                        Done(path);
                    }
                }
            }

            await Task.Delay(Pause / 2, end);
        }
    }

    /// <summary>The photo is not wanted again until it changes.</summary>
    public void Done(string path)
    {
        if (_waiting.Remove(path, out var photo))
        {
            _known[path] = photo.Stamp;
        }
    }

    public void Dispose() => _watcher.Dispose();

    private void TakeNews()
    {
        while (_news.TryDequeue(out var path))
        {
            // A folder that was moved here brings its files without a word of them.
            foreach (
                var photo in Directory.Exists(path) ? PhotosIn(path)
                : IsPhoto(path) ? [path]
                : []
            )
            {
                if (Stamp.Of(photo) is { } stamp && !stamp.Equals(_known.GetValueOrDefault(photo)))
                {
                    _waiting.TryAdd(photo, new(stamp, Stopwatch.GetTimestamp(), Tried: false));
                }
            }
        }
    }

    private static IEnumerable<string> PhotosIn(string folder) =>
        Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true }).Where(IsPhoto);

    private static bool IsPhoto(string path) => Endings.Contains(Path.GetExtension(path));

    private sealed record Waiting(Stamp Stamp, long Since, bool Tried);

    /// <summary>By what a file that has changed is told.</summary>
    private sealed record Stamp(long Length, DateTime Written)
    {
        public static Stamp? Of(string path)
        {
            var file = new FileInfo(path);
            return file.Exists ? new(file.Length, file.LastWriteTimeUtc) : null;
        }
    }
}
