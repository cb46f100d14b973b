using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace AirMLNet.Files;

/// <summary>Writes files that exist under their name only when whole.</summary>
internal static class AtomicFile
{
    private const string Ending = ".tmp";
    private const int MachineDigits = 8,
        OwnDigits = 16,
        MostSwept = 10_000;

    // A writer holds the lock of its file from a moment after the file is there. What is younger is looked at again, a few times: a
    // command that is started anew at once finds what its killed predecessor left.
    private static readonly TimeSpan Youngest = TimeSpan.FromMilliseconds(250);
    private const int MostLooks = 8;

    // Not everywhere does a lock reach other machines.
    private static readonly TimeSpan YoungestOfOthers = TimeSpan.FromDays(1);
    private static readonly EnumerationOptions Every = new() { IgnoreInaccessible = true, AttributesToSkip = 0 };
    private static readonly ConcurrentDictionary<string, (DateTime Next, int Looks)> Swept = new(StringComparer.Ordinal);
    private static readonly string Machine = Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(Environment.MachineName)).AsSpan(0, MachineDigits / 2)
    );

    /// <summary>
    /// Writes to a temporary file beside <paramref name="path"/> and renames it, replacing an existing file. The folder is
    /// created when missing; what writers that were killed left in it is deleted. If <paramref name="write"/> throws, nothing is left
    /// behind and an existing file stays as it was.
    /// </summary>
    /// <param name="path">The final name.</param>
    /// <param name="write">Writes the content; the stream is seekable and must not be closed.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var full = Target(path);
        var temporary = TemporaryFor(full);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                write(stream);
                if (!OperatingSystem.IsWindows())
                {
                    // Before the lock is let go, so that nobody takes the file for one that was left.
                    stream.Flush();
                    File.Move(temporary, full, overwrite: true);
                }
            }

            if (OperatingSystem.IsWindows())
            {
                File.Move(temporary, full, overwrite: true);
            }
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
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Refuses a place that cannot be written to, before the work whose result goes there; its folder is made.</summary>
    /// <param name="path">The final name.</param>
    /// <exception cref="IOException">There is a folder or a device of that name, or the file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same, for want of rights.</exception>
    public static void Probe(string path)
    {
        var full = Target(path, sweep: true);
        using var probe = new FileStream(
            TemporaryFor(full),
            FileMode.CreateNew,
            FileAccess.Write,
            FileShare.None,
            1,
            FileOptions.DeleteOnClose
        );
    }

    /// <summary>The file that is to be replaced, in a folder that is there.</summary>
    private static string Target(string path, bool sweep = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
        {
            throw new IOException($"'{path}' is a folder; name a file.");
        }
        var full = RealFile.FullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        if (folder == "/dev" || new[] { "/proc/", "/sys/" }.Any(f => (folder + "/").StartsWith(f, StringComparison.Ordinal)))
        {
            throw new IOException($"{path} is a device, which a file must not take the place of; name a file.");
        }
        if (File.Exists(folder))
        {
            throw new IOException($"{path} cannot be written: {folder} is a file.");
        }
        Directory.CreateDirectory(folder);
        var (next, looks) = Swept.GetValueOrDefault(folder);
        if (sweep || next <= DateTime.UtcNow)
        {
            if (Swept.Count > MostSwept)
            {
                Swept.Clear(); // to go through a folder once more costs little
            }
            Swept[folder] = Sweep(folder) || looks >= MostLooks ? (DateTime.MaxValue, looks) : (DateTime.UtcNow + Youngest, looks + 1);
        }
        return full;
    }

    private static string TemporaryFor(string full) => $"{full}.{Machine}{Guid.NewGuid().ToString("N")[..OwnDigits]}{Ending}";

    /// <summary>Deletes what writers left that were killed: the system has let go of its lock.</summary>
    /// <returns>Whether nothing is left that was only too young to be looked at.</returns>
    public static bool Sweep(string folder)
    {
        var done = true;
        foreach (var file in Directory.EnumerateFiles(folder, "*" + Ending, Every))
        {
            var mark = Path.GetExtension(Path.GetFileNameWithoutExtension(file)).TrimStart('.');
            if (mark.Length != MachineDigits + OwnDigits || !mark.All(char.IsAsciiHexDigitLower))
            {
                continue;
            }
            var own = mark.StartsWith(Machine, StringComparison.Ordinal);
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(file) < (own ? Youngest : YoungestOfOthers))
            {
                done &= !own;
                continue;
            }
            try
            {
                using (new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                {
                    // No one holds it.
                }
                File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is being written, is gone, or belongs to another user.
            }
        }
        return done;
    }
}
