using System.Runtime.InteropServices;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace AirMLNet.BuildTasks;

/// <summary>
/// Makes TorchSharp's native library load on systems older than GCC 13 (Debian 12, Ubuntu 22.04). libLibTorchSharp.so asks for
/// the symbol version GLIBCXX_3.4.32 but calls nothing of it; in a copy, that wish is marked as weak. The package's own file is
/// never changed. On newer systems the copy works as before.
/// </summary>
public sealed class PatchTorchSharp : Microsoft.Build.Utilities.Task
{
    private const string Library = "libLibTorchSharp.so";
    private const string Version = "GLIBCXX_3.4.32";

    /// <summary>All files that are about to be copied; only libLibTorchSharp.so is looked at.</summary>
    [Required]
    public ITaskItem[] Files { get; set; } = Array.Empty<ITaskItem>();

    /// <summary>Where copies are put.</summary>
    [Required]
    public string Folder { get; set; } = "";

    /// <summary>Only make a copy where this system cannot load the original.</summary>
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
        foreach (var file in Files.Where(f => Path.GetFileName(f.ItemSpec) == Library))
        {
            if (OnlyWhereNeeded && (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || SystemHas(Version)))
            {
                break;
            }

            try
            {
                if (Patch(file.ItemSpec, Path.Combine(Folder, Library)) is not { } copy)
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
                    "AIRML003",
                    null,
                    file.ItemSpec,
                    0,
                    0,
                    0,
                    0,
                    "TorchSharp's native library cannot be made to load on systems older than GCC 13: {0} "
                        + "(-p:AirMLNetPatchTorchSharp=false leaves it as it is)",
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
        var made = new FileInfo(copy);
        if (made.Exists && made.Length == new FileInfo(source).Length && made.LastWriteTimeUtc == File.GetLastWriteTimeUtc(source))
        {
            return copy;
        }

        var bytes = File.ReadAllBytes(source);
        if (!new ElfFile(bytes, source).MakeWeak(Version))
        {
            return null;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(copy))!);
        var temporary = copy + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            File.WriteAllBytes(temporary, bytes);
            File.SetLastWriteTimeUtc(temporary, File.GetLastWriteTimeUtc(source));
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
