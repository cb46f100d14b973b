using AirMLNet.Files;

namespace AirMLNet.Data;

/// <summary>An image file and, where known, its class.</summary>
/// <param name="Path">Path of the file, beginning with the folder as it was given.</param>
/// <param name="Label">Name of the class, or null.</param>
internal sealed record ImageEntry(string Path, string? Label);

/// <summary>The image files of a folder and its subfolders, in ordinal order of their paths.</summary>
internal sealed record ImageFolder
{
    private static readonly HashSet<string> Extensions = new(
        [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".gif", ".tif", ".tiff"],
        StringComparer.OrdinalIgnoreCase
    );

    private ImageFolder(string folder, IReadOnlyList<ImageEntry> entries)
    {
        Folder = folder;
        Entries = entries;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>At least one image.</summary>
    internal IReadOnlyList<ImageEntry> Entries { get; }

    /// <summary>
    /// Lists PNG, JPEG, BMP, WebP, GIF and TIFF files, each real file once whatever links lead to it; hidden files and folders are left
    /// out.
    /// </summary>
    /// <param name="folder">The folder to search, with all its subfolders.</param>
    /// <param name="labelsFromSubfolders">Takes the name of the first subfolder on the way to an image as its class.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// The folder holds no images, or an image lies outside every subfolder although these are the classes.
    /// </exception>
    public static ImageFolder Open(string folder, bool labelsFromSubfolders)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException(
                File.Exists(folder) ? $"{folder}: a folder of images was expected, not a file." : $"{folder}: the folder does not exist."
            );
        }

        List<string> found = [];
        Walk(folder, RealPath(new DirectoryInfo(folder)), [], found);
        string[] files = [.. Once(found.Order(StringComparer.Ordinal))];
        if (files.Length == 0)
        {
            throw new InvalidDataException(
                $"{folder}: no images; files ending in {string.Join(", ", Extensions.Order(StringComparer.Ordinal))} were expected."
            );
        }

        return new ImageFolder(
            folder,
            [.. files.Select(file => new ImageEntry(file, labelsFromSubfolders ? LabelOf(folder, file) : null))]
        );
    }

    /// <summary>Whether a file is listed, by its ending.</summary>
    internal static bool IsImage(string file) => Extensions.Contains(Path.GetExtension(file));

    // A link may lead to a folder that is above it, or that was there before: each real folder is gone through once.
    private static void Walk(string folder, string real, HashSet<string> seen, List<string> found)
    {
        if (!seen.Add(real))
        {
            return;
        }
        var options = new EnumerationOptions
        {
            AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
            IgnoreInaccessible = true,
        };
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", options).OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            var path = Path.Combine(folder, entry.Name);
            if (entry is FileInfo || !Directory.Exists(path))
            {
                // A folder whose name is not UTF-8 cannot be opened: it is named as an image that cannot be read.
                if (IsImage(path) || (entry is DirectoryInfo && path.Contains('\ufffd')))
                {
                    found.Add(path);
                }
            }
            else
            {
                var isLink = entry.LinkTarget is not null;
                Walk(path, isLink ? RealPath((DirectoryInfo)entry) : Path.Combine(real, entry.Name), seen, found);
            }
        }
    }

    // Of a file and links to it the first; a link that leads nowhere stays, to be named as unreadable.
    private static IEnumerable<string> Once(IEnumerable<string> files)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        Dictionary<string, string> folders = new(StringComparer.Ordinal);
        foreach (var file in files)
        {
            var folder = Path.GetDirectoryName(file)!;
            if (!folders.TryGetValue(folder, out var real))
            {
                folders[folder] = real = RealPath(new DirectoryInfo(folder.Length == 0 ? "." : folder));
            }
            var info = new FileInfo(file);
            var target = info.LinkTarget is null ? Path.Combine(real, info.Name) : RealPath(info);
            if (seen.Add(target))
            {
                yield return file;
            }
        }
    }

    /// <summary>The full path with all links on the way followed; as far as they lead.</summary>
    private static string RealPath(FileSystemInfo entry)
    {
        var full = Path.TrimEndingDirectorySeparator(entry.FullName);
        try
        {
            var parent = Path.GetDirectoryName(full);
            var own = entry.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full;
            return own != full ? RealPath(new DirectoryInfo(own))
                : parent is null ? full
                : Path.Combine(RealPath(new DirectoryInfo(parent)), Path.GetFileName(full));
        }
        catch (IOException) // a link that leads nowhere, or in a circle
        {
            return full;
        }
    }

    private static string LabelOf(string folder, string file)
    {
        var relative = Path.GetRelativePath(folder, file);
        var end = relative.IndexOf(Path.DirectorySeparatorChar);
        return end > 0
            ? UnicodeForms.Compose(relative[..end]) // macOS writes names decomposed
            : throw new InvalidDataException($"{file}: lies in no subfolder of {folder}, whose names are the classes.");
    }
}
