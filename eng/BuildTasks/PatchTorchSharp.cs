using System.Runtime.InteropServices;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace AirMLNet.BuildTasks;

/// <summary>
/// Gives programs copies of two of TorchSharp's files; the package's own are never changed.
/// <para>libLibTorchSharp.so, on systems older than GCC 13 (Debian 12, Ubuntu 22.04): it asks for the symbol version GLIBCXX_3.4.32 but
/// calls nothing of it; in the copy, that wish is marked as weak. On newer systems the copy works as before.</para>
/// <para>TorchSharp.dll 0.107: a number that is given to an operator becomes a Scalar, which the optimised code lets the collector free
/// while native code still reads it (dotnet/TorchSharp, pull requests 1434 and 1496). The copy asks not to be optimised, and code that is
/// not optimised holds its arguments until it returns.</para>
/// </summary>
public sealed class PatchTorchSharp : Microsoft.Build.Utilities.Task
{
    private const string Library = "libLibTorchSharp.so";
    private const string Managed = "TorchSharp.dll";
    private const string Version = "GLIBCXX_3.4.32";

    // The value of [assembly: Debuggable(IgnoreSymbolStoreSequencePoints)] with its length (ECMA-335 II.23.3), and the same with Default
    // and DisableOptimizations, which the runtime heeds together only.
    private static readonly byte[] Optimised = { 8, 1, 0, 2, 0, 0, 0, 0, 0 };
    private static readonly byte[] Unoptimised = { 8, 1, 0, 3, 1, 0, 0, 0, 0 };

    /// <summary>All files that are about to be copied; only libLibTorchSharp.so and TorchSharp.dll are looked at.</summary>
    [Required]
    public ITaskItem[] Files { get; set; } = Array.Empty<ITaskItem>();

    /// <summary>Where copies are put.</summary>
    [Required]
    public string Folder { get; set; } = "";

    /// <summary>Only make a copy of the native library where this system cannot load the original.</summary>
    public bool OnlyWhereNeeded { get; set; }

    /// <summary>The files that a copy was made of.</summary>
    [Output]
    public ITaskItem[] Originals { get; private set; } = Array.Empty<ITaskItem>();

    /// <summary>The copies, with the metadata of the originals.</summary>
    [Output]
    public ITaskItem[] Copies { get; private set; } = Array.Empty<ITaskItem>();

    /// <inheritdoc/>
    public override bool Execute()
    {
        List<ITaskItem> originals = new(),
            copies = new();
        foreach (var file in Files)
        {
            var name = Path.GetFileName(file.ItemSpec);
            if (
                name != Managed
                && (name != Library || (OnlyWhereNeeded && (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || SystemHas(Version))))
            )
            {
                continue;
            }

            try
            {
                if (Patch(file.ItemSpec, Path.Combine(Folder, name)) is not { } copy)
                {
                    continue;
                }

                originals.Add(file);
                copies.Add(new TaskItem(file) { ItemSpec = copy });
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                Log.LogError(
                    null,
                    "AIRML004",
                    null,
                    file.ItemSpec,
                    0,
                    0,
                    0,
                    0,
                    "{0} cannot be copied with what AirMLNet changes in it: {1} (-p:AirMLNetPatchTorchSharp=false leaves it as it is)",
                    name,
                    e.Message
                );
            }
        }
        (Originals, Copies) = (originals.ToArray(), copies.ToArray());
        return !Log.HasLoggedErrors;
    }

    /// <summary>Writes the copy; it appears under its name only when whole.</summary>
    /// <returns>The copy, or null where the original needs none.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or no such library.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static string? Patch(string source, string copy)
    {
        // Of another time than the original, which has as many bytes: else a build would leave an original where it lies.
        var (made, time) = (new FileInfo(copy), File.GetLastWriteTimeUtc(source).AddSeconds(1));
        if (made.Exists && made.Length == new FileInfo(source).Length && made.LastWriteTimeUtc == time)
        {
            return copy;
        }

        var bytes = File.ReadAllBytes(source);
        if (!(Path.GetFileName(source) == Managed ? LeaveUnoptimised(bytes) : new ElfFile(bytes, source).MakeWeak(Version)))
        {
            return null;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(copy))!);
        var temporary = copy + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            File.WriteAllBytes(temporary, bytes);
            File.SetLastWriteTimeUtc(temporary, time);
            if (File.Exists(copy))
            {
                File.Replace(temporary, copy, null);
            }
            else
            {
                File.Move(temporary, copy);
            }
        }
        finally
        {
            File.Delete(temporary);
        }
        return copy;
    }

    // False where the value is not there once: another version of TorchSharp, which is left as it is.
    private static bool LeaveUnoptimised(byte[] bytes)
    {
        var at = Find(bytes, 0);
        if (at < 0 || Find(bytes, at + 1) >= 0)
        {
            return false;
        }

        Unoptimised.CopyTo(bytes, at);
        return true;
    }

    private static int Find(byte[] bytes, int from)
    {
        for (var i = from; i <= bytes.Length - Optimised.Length; i++)
        {
            if (bytes[i] == Optimised[0] && Optimised.SequenceEqual(bytes.Skip(i).Take(Optimised.Length)))
            {
                return i;
            }
        }
        return -1;
    }

    private static bool SystemHas(string version)
    {
        string[] folders = { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/local/lib64", "/usr/lib" };
        foreach (var library in folders.Select(folder => Path.Combine(folder, "libstdc++.so.6")).Where(File.Exists))
        {
            try
            {
                return new ElfFile(File.ReadAllBytes(library), library).Defines(version);
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                return false; // a copy does no harm
            }
        }
        return false;
    }
}
