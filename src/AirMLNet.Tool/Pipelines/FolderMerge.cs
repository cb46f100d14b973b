using System.Text.Json.Nodes;
using AirMLNet.Files;
using AirMLNet.MultiLabel;
using AirMLNet.Synthesis;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Joins folders whose files are there when they are whole, and are the same whoever made them.</summary>
internal static class FolderMerge
{
    /// <summary>What a join did.</summary>
    /// <param name="Files">Files of all parts together.</param>
    /// <param name="Copied">How many of them were not in the target.</param>
    /// <param name="What">What they are.</param>
    public sealed record Result(int Files, int Copied, string What);

    /// <summary>Copies what the target lacks; everything is checked before the first file is copied.</summary>
    /// <param name="parts">The folders.</param>
    /// <param name="target">Created if missing; may hold some of it.</param>
    /// <param name="cancellation">Checked before each file.</param>
    /// <exception cref="InvalidDataException">The folders were made otherwise, or two hold different files of one name.</exception>
    /// <exception cref="FileNotFoundException">Something that a shard should have made is in none of them.</exception>
    public static Result Join(IReadOnlyList<string> parts, string target, CancellationToken cancellation)
    {
        string[] folders = [.. parts, .. Directory.Exists(target) ? [target] : Array.Empty<string>()];
        var manifest = Manifest(folders);
        SortedDictionary<string, string> files = new(StringComparer.Ordinal);
        foreach (var folder in folders)
        {
            foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(f => IsWork(f, manifest.Name)))
            {
                cancellation.ThrowIfCancellationRequested();
                var name = Path.GetRelativePath(folder, file);
                if (!files.TryAdd(name, file) && !SameBytes(files[name], file) && !FolderKind.IsSameRun(files[name], file))
                {
                    throw new InvalidDataException($"{files[name]} and {file} differ; expected what two runs of the same work write.");
                }
            }
        }

        if (files.Count == 0)
        {
            throw new FileNotFoundException($"There is nothing in {string.Join(", ", parts)}.");
        }

        manifest.Check(files.Keys);
        var copied = 0;
        foreach (var (name, file) in files)
        {
            cancellation.ThrowIfCancellationRequested();
            var to = Path.Combine(target, name);
            if (!File.Exists(to))
            {
                AtomicFile.Write(
                    to,
                    stream =>
                    {
                        using var from = File.OpenRead(file);
                        from.CopyTo(stream);
                    }
                );
                copied++;
            }
        }

        if (manifest.Text is { } text)
        {
            AtomicFile.WriteText(Path.Combine(target, manifest.Name!), text);
        }

        return new(files.Count, copied, manifest.What);
    }

    private static bool IsWork(string file, string? manifest) =>
        Path.GetFileName(file) is var name
        && name != manifest
        && name != ImageSynthesizer.ContactSheetName
        && !name.EndsWith(".tmp", StringComparison.Ordinal)
        && !name.EndsWith(".lock", StringComparison.Ordinal);

    /// <summary>What the folders say of themselves, all alike.</summary>
    private static FolderManifest Manifest(string[] folders)
    {
        foreach (var name in new[] { ImageSynthesizer.Manifest, DenseFeatureCache.Manifest })
        {
            string[] with = [.. folders.Where(f => File.Exists(Path.Combine(f, name)))];
            if (with.Length == 0)
            {
                continue;
            }

            // The target may be empty still.
            if (folders.FirstOrDefault(f => !with.Contains(f) && Directory.EnumerateFileSystemEntries(f).Any()) is { } other)
            {
                throw new InvalidDataException($"{other} has no {name}, but {with[0]} has: these are two kinds of folders.");
            }

            var first = ConfigFile.Open(Path.Combine(with[0], name)).Root;
            foreach (var folder in with)
            {
                var now = ConfigFile.Open(Path.Combine(folder, name)).Root;
                var different = first
                    .Select(p => p.Key)
                    .Union(now.Select(p => p.Key))
                    .Where(key => !JsonNode.DeepEquals(first[key], now[key]))
                    .ToList();
                if (different.Count > 0)
                {
                    throw new InvalidDataException($"{folder} was made with another {string.Join(", ", different)} than {with[0]}.");
                }
            }

            return FolderManifest.Of(name, first);
        }

        return new(null, null, FolderKind.Of(folders), _ => { });
    }

    private static bool SameBytes(string one, string other)
    {
        using var a = File.OpenRead(one);
        using var b = File.OpenRead(other);
        if (a.Length != b.Length)
        {
            return false;
        }

        byte[] left = new byte[65_536],
            right = new byte[left.Length];
        while (a.ReadAtLeast(left, left.Length, throwOnEndOfStream: false) is > 0 and var count)
        {
            b.ReadExactly(right, 0, count);
            if (!left.AsSpan(0, count).SequenceEqual(right.AsSpan(0, count)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The file that says what a folder holds.</summary>
    /// <param name="Name">Its name; null where there is none.</param>
    /// <param name="Text">Its content.</param>
    /// <param name="What">What the other files are.</param>
    /// <param name="Check">Throws where one of their names is missing.</param>
    private sealed record FolderManifest(string? Name, string? Text, string What, Action<ICollection<string>> Check)
    {
        public static FolderManifest Of(string name, JsonObject root) =>
            name == ImageSynthesizer.Manifest
                ? new(name, ConfigFile.Write(root), "images", files => CheckImages(root, files))
                : new(name, ConfigFile.Write(root), "parts", files => CheckParts(root, files));

        private static void CheckImages(JsonObject root, ICollection<string> files)
        {
            if (root[ImageSynthesizer.ImagesKey]?.GetValue<int>() is not { } each || root["prompts"] is not JsonArray prompts)
            {
                return; // written before the number was
            }

            var folders = files
                .Where(f => f.StartsWith(ImageSynthesizer.ImagesFolder, StringComparison.Ordinal))
                .Where(f => f.EndsWith(ImageSynthesizer.ImageEnding, StringComparison.Ordinal))
                .ToLookup(f => Path.GetDirectoryName(f)!, StringComparer.Ordinal);
            if (folders.Count > prompts.Count)
            {
                var foreign = folders.FirstOrDefault(f => !ImageSynthesizer.IsFolderOf(f.Key, prompts)) ?? folders.Last();
                throw new InvalidDataException(
                    $"{foreign.First()} lies in none of the folders of the {prompts.Count} prompts that {ImageSynthesizer.Manifest} names."
                );
            }

            var there = folders.Sum(folder => folder.Count(f => ImageSynthesizer.NumberOf(f) < each));
            if (there < each * prompts.Count)
            {
                throw new FileNotFoundException(
                    $"{prompts.Count} prompts have {each} images each, but of these {each * prompts.Count} only {there} "
                        + "are there: a shard is missing."
                );
            }
        }

        private static void CheckParts(JsonObject root, ICollection<string> files)
        {
            var (rows, size) = (root["rows"]?.GetValue<long>() ?? 0, root["partRows"]?.GetValue<long>() ?? 1);
            var parts = (rows + size - 1) / size;
            if (files.Count < parts)
            {
                throw new FileNotFoundException($"Of {parts} parts only {files.Count} are there: a shard is missing.");
            }
        }
    }
}
