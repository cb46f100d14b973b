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

    // What archives of macOS and disk stations of Synology add: parts and small copies of the photos beside them.
    private static readonly HashSet<string> NotPhotos = new(["__MACOSX", "@eaDir"], StringComparer.Ordinal);

    /// <summary>The picture of all images of a folder that images are generated into, and the file there that says how they were made.
    /// </summary>
    internal const string ContactSheetName = "contact-sheet.png",
        SynthesisManifest = "synthesis.json";

    private static readonly EnumerationOptions Shown = new()
    {
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
        IgnoreInaccessible = true,
    };

    // Photos of phones and cameras, and other pictures, that no one reads here.
    private static readonly HashSet<string> OtherExtensions = new(
        [
            .. new[] { ".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".tga", ".ico", ".pgm", ".ppm", ".exr" },
            .. new[] { ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2" },
        ],
        StringComparer.OrdinalIgnoreCase
    );

    private ImageFolder(string folder, IReadOnlyList<ImageEntry> entries, string? others)
    {
        Folder = folder;
        Entries = entries;
        Others = others;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>A sentence about pictures that are of kinds that are not read, and so are left out; null where there are none.</summary>
    internal string? Others { get; }

    /// <summary>At least one image.</summary>
    internal IReadOnlyList<ImageEntry> Entries { get; }

    /// <summary>
    /// Lists PNG, JPEG, BMP, WebP, GIF and TIFF files, each real file once whatever links lead to it; hidden files and folders, and those
    /// called <c>__MACOSX</c> and <c>@eaDir</c>, are left out, and so is the contact sheet of generated images.
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
        SortedDictionary<string, int> others = new(StringComparer.Ordinal);
        Walk(folder, RealPath(new DirectoryInfo(folder)), [], found, others);
        string[] files = [.. Once(found.Order(StringComparer.Ordinal))];
        var counts = string.Join(" and ", others.Select(o => $"{o.Value} ending in {o.Key}"));
        if (files.Length == 0)
        {
            throw new InvalidDataException(
                $"{folder}: no images; files ending in {string.Join(", ", Extensions.Order(StringComparer.Ordinal))} were expected"
                    + (others.Count == 0 ? "." : $", and {counts} are there; save them as JPEG or PNG.")
            );
        }

        return new ImageFolder(
            folder,
            [.. files.Select(file => new ImageEntry(file, labelsFromSubfolders ? LabelOf(folder, file) : null))],
            others.Count == 0 ? null : $"{folder}: files that are not read are left out, {counts}; save them as JPEG or PNG"
        );
    }

    /// <summary>The names of the sub-folders that are searched.</summary>
    internal static IEnumerable<string> Subfolders(string folder) =>
        new DirectoryInfo(folder).EnumerateDirectories("*", Shown).Select(d => d.Name).Where(name => !NotPhotos.Contains(name));

    /// <summary>What an image of a folder is called: its path from the folder on, with slashes on every system.</summary>
    internal static string NameOf(string folder, string file) =>
        Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/');

    /// <summary>Whether a file is listed, by its ending.</summary>
    internal static bool IsImage(string file) => Extensions.Contains(Path.GetExtension(file));

    // By the name alone somebody's own photo would be left out.
    private static bool IsContactSheet(string path) =>
        Path.GetFileName(path) == ContactSheetName && File.Exists(Path.Combine(Path.GetDirectoryName(path)!, SynthesisManifest));

    // A link may lead to a folder that is above it, or that was there before: each real folder is gone through once.
    private static void Walk(string folder, string real, HashSet<string> seen, List<string> found, SortedDictionary<string, int> others)
    {
        if (!seen.Add(real))
        {
            return;
        }
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", Shown).OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            var path = Path.Combine(folder, entry.Name);
            if (entry is FileInfo || !Directory.Exists(path))
            {
                // A folder whose name is not UTF-8 cannot be opened: it is named as an image that cannot be read.
                if (IsContactSheet(path))
                {
                    continue;
                }
                if (IsImage(path) || (entry is DirectoryInfo && path.Contains('\ufffd')))
                {
                    found.Add(path);
                }
                else if (Path.GetExtension(path).ToLowerInvariant() is var ending && OtherExtensions.Contains(ending))
                {
                    others[ending] = others.GetValueOrDefault(ending) + 1;
                }
            }
            else
            {
                if (NotPhotos.Contains(entry.Name))
                {
                    continue;
                }
                var isLink = entry.LinkTarget is not null;
                Walk(path, isLink ? RealPath((DirectoryInfo)entry) : Path.Combine(real, entry.Name), seen, found, others);
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
