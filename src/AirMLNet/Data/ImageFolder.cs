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

    /// <summary>Lists PNG, JPEG, BMP, WebP, GIF and TIFF files; hidden files and folders are left out.</summary>
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

        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
        };
        string[] files = [.. Directory.EnumerateFiles(folder, "*", options).Where(IsImage).Order(StringComparer.Ordinal)];
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

    private static string LabelOf(string folder, string file)
    {
        var relative = Path.GetRelativePath(folder, file);
        var end = relative.IndexOf(Path.DirectorySeparatorChar);
        return end > 0
            ? relative[..end]
            : throw new InvalidDataException($"{file}: lies in no subfolder of {folder}, whose names are the classes.");
    }
}
