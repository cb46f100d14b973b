namespace AirMLNet.Files;

/// <summary>Files behind links: a link has a size and a time of its own, which say nothing of what is read through it.</summary>
internal static class RealFile
{
    /// <summary>Bytes of what a path leads to; −1 where nothing is there.</summary>
    public static long Length(string path) => Of(path) is { Exists: true } file ? file.Length : -1;

    /// <summary>The full path of what a path leads to: what is to be replaced there, and not the link.</summary>
    public static string FullPath(string path) => Of(Path.GetFullPath(path)).FullName;

    /// <summary>That a file is not there, in a sentence; of a link that leads nowhere it says where to.</summary>
    public static string Missing(string path) =>
        new FileInfo(path).LinkTarget is { } target
            ? $"{path} is a link to {target}, which does not exist; download the file again, or mend the link."
            : $"{path}: the file does not exist.";

    /// <summary>What a path leads to: the end of its links, or the path where it is none or leads nowhere.</summary>
    public static FileInfo Of(string path)
    {
        var file = new FileInfo(path);
        try
        {
            return file.ResolveLinkTarget(returnFinalTarget: true) is { } target ? new FileInfo(target.FullName) : file;
        }
        catch (IOException) // it is not there, or a circle
        {
            return file;
        }
    }
}
