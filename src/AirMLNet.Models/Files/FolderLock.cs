namespace AirMLNet.Files;

/// <summary>
/// Keeps a second process, or a second thread, out of work that only one can do in a folder. The system lets go of it when the process
/// ends, however it ends, so nothing is ever left locked.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);
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

    /// <summary>As <see cref="Take"/>, but waits while another process has it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="waiting">Called once, with what is waited for, where another has it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">The waiting was cancelled.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public static FolderLock Wait(string folder, Action<string> waiting, CancellationToken cancellation)
    {
        for (var told = false; ; told = true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return Take(folder);
            }
            catch (IOException e) when (e.InnerException is IOException)
            {
                if (!told)
                {
                    waiting(e.Message);
                }
            }

            cancellation.WaitHandle.WaitOne(BetweenTries);
        }
    }

    public void Dispose()
    {
        File.Delete(_file.Name);
        _file.Dispose();
    }
}
