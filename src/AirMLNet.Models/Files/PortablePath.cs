using System.Text;

namespace AirMLNet.Files;

/// <summary>
/// Paths that come from strangers, with slashes, below a folder of ours. A name is to mean one file within the folder on every system that
/// the folder may be copied to.
/// </summary>
internal static class PortablePath
{
    // Room for the ending of a part; systems take names of 255 bytes.
    private const int LongestName = 240;
    private static readonly string[] Devices = ["con", "prn", "aux", "nul"];
    private static readonly string[] NumberedDevices = ["com", "lpt"];

    /// <summary>What is wrong with a path, as a clause; null where nothing is.</summary>
    public static string? Fault(string path)
    {
        var parts = path.Split('/');
        return path.Contains('\\') || path.Contains(':') || parts.Any(p => p is "" or "." or "..") ? "which would lie outside the folder"
            : path.Any(char.IsControl) ? "which has a control character in its name"
            : Array.Exists(parts, p => Encoding.UTF8.GetByteCount(p) > LongestName) ? "whose name is too long for a file"
            : Array.Exists(parts, p => p[^1] is ' ' or '.' || IsDevice(p)) ? "which is no name of a file on Windows"
            : null;
    }

    // Windows takes these for devices whatever their ending.
    private static bool IsDevice(string name)
    {
        var stem = name.Split('.')[0].TrimEnd().ToLowerInvariant();
        return Devices.Contains(stem) || (stem.Length == 4 && char.IsAsciiDigit(stem[3]) && NumberedDevices.Contains(stem[..3]));
    }
}
