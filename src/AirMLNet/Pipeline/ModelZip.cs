using System.Globalization;
using System.IO.Compression;

namespace AirMLNet.Pipeline;

/// <summary>
/// Looks at a saved model's list of files before anything in it is read: a zip from a stranger may name places outside, claim more than
/// it holds, or be nested without end.
/// </summary>
internal static class ModelZip
{
    private const int MostEntries = 100_000,
        MostDepth = 64,
        LongestName = 1024;

    // Weights hardly compress; what does by a hundred times is no model.
    private const long MostRatio = 100,
        Free = 256L << 20;

    /// <summary>
    /// Opens a model that may be read. It is the file that was looked at which is read, also where another takes its name meanwhile.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="FormatException">It is no zip, or one that no model of ours would be.</exception>
    public static FileStream Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: the model's file does not exist.", path);
        }
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            Check(path, stream);
            stream.Position = 0;
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static void Check(string path, FileStream stream)
    {
        try
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            if (zip.Entries.Count > MostEntries)
            {
                throw new FormatException($"{path} is no model: it lists {zip.Entries.Count} files, more than {MostEntries}.");
            }
            // Some disks tell no upper from lower case.
            HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
            double packed = 0,
                unpacked = 0;
            foreach (var entry in zip.Entries)
            {
                Check(path, entry, names);
                packed += entry.CompressedLength;
                unpacked += entry.Length;
            }
            // Many files that are each allowed fill a disk as one does; and files may lie over one another in the zip.
            if (packed > stream.Length)
            {
                throw new FormatException(
                    $"{path} is no model: its files are said to have more bytes than the zip, which holds them packed."
                );
            }
            if (unpacked > Free && unpacked > MostRatio * packed)
            {
                throw new FormatException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{path} is no model: its files are said to have {unpacked:0} bytes in {packed:0}, more than "
                            + $"{MostRatio} times as many."
                    )
                );
            }
        }
        catch (InvalidDataException e)
        {
            throw new FormatException($"{path} is no whole model: {e.Message}", e);
        }
    }

    private static void Check(string path, ZipArchiveEntry entry, HashSet<string> names)
    {
        var name = entry.FullName;
        var parts = name.Split('/', '\\');
        var fault =
            name.Length > LongestName ? $"has a name of {name.Length} characters"
            : parts.Length > MostDepth ? $"lies {parts.Length} folders deep; models go to {MostDepth}"
            : parts.Contains("..") || Path.IsPathRooted(name) || name.Contains(':', StringComparison.Ordinal) || name.Contains('\0')
                ? "lies outside the model's folder"
            : (entry.ExternalAttributes >> 16 & 0xf000) == 0xa000 ? "is a link"
            : !names.Add(name) ? "is listed twice, or beside one that differs in upper and lower case alone"
            : entry.Length > Free && entry.Length / Math.Max(1, entry.CompressedLength) > MostRatio
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"is said to have {entry.Length} bytes in {entry.CompressedLength}, more than {MostRatio} times as many"
                )
            : null;
        if (fault is not null)
        {
            throw new FormatException($"{path} is no model: '{(name.Length > 80 ? name[..80] + "…" : name)}' in it {fault}.");
        }
    }
}
