namespace AirMLNet.Files;

/// <summary>
/// Keeps a second process, or a second thread, out of work that only one can do in a folder. The system lets go of it when the process
/// ends, however it ends, so nothing is ever left locked.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <summary>Takes the lock of a folder, or of what will be one: a file beside it.</summary>
    /// <param name="folder">The folder; those above it are made.</param>
    /// <exception cref="IOException">Another process has it, or the file cannot be made; the message names the folder.</exception>
    public static FolderLock Take(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var path = full + ".lock";
        while (true)
        {
            FileStream file;
            try
            {
                file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (File.Exists(path))
            {
                throw new IOException(
                    $"{full} is being worked on by another process (it holds {path}). Wait until it has ended, or name another folder.",
                    e
                );
            }
            // The one before deletes the file while it still holds it: who opened it meanwhile has a file without a name.
            if (File.Exists(path))
            {
                return new(file);
            }
            file.Dispose();
        }
    }

    public void Dispose()
    {
        File.Delete(_file.Name);
        _file.Dispose();
    }
}
