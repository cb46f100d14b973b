namespace AirMLNet.Files;

/// <summary>Writes files that exist under their name only when whole.</summary>
internal static class AtomicFile
{
    /// <summary>
    /// Writes to a temporary file beside <paramref name="path"/> and renames it, replacing an existing file. The folder is
    /// created when missing. If <paramref name="write"/> throws, nothing is left behind and an existing file stays as it was.
    /// </summary>
    /// <param name="path">The final name.</param>
    /// <param name="write">Writes the content; the stream is seekable and must not be closed.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var full = RealFile.FullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        if (folder == "/dev" || folder.StartsWith("/proc/", StringComparison.Ordinal))
        {
            throw new IOException($"{path} is a device, which a file must not take the place of; name a file.");
        }
        if (File.Exists(folder))
        {
            throw new IOException($"{path} cannot be written: {folder} is a file.");
        }
        Directory.CreateDirectory(folder);
        var temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                write(stream);
            }

            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Writes a text as UTF-8; otherwise as <see cref="Write"/>.</summary>
    /// <param name="path">The final name.</param>
    /// <param name="text">The content.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
