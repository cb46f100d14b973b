using System.Security.Cryptography;
using System.Text;
using AirMLNet.Files;

namespace AirMLNet.Captions;

/// <summary>Texts in a folder, one file each, named by a hash of all that the text depends on.</summary>
/// <param name="folder">The folder.</param>
/// <param name="identity">Model and sampling.</param>
internal sealed class CaptionStore(string folder, string identity)
{
    public string Folder => folder;

    /// <summary>The file of a text.</summary>
    public string FileOf(CaptionItem item)
    {
        // A line cannot hold another line's end, so that no two lists of parts give the same text.
        string[] parts = [item.ContentHash, item.Request.Prompt, identity];
        var key = string.Join('\n', parts.Select(p => p.Replace("\\", "\\\\", StringComparison.Ordinal).ReplaceLineEndings("\\n")));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        return FileOf(folder, hash);
    }

    /// <summary>The text of a file's name without its ending; null where it is not there.</summary>
    public static string? Find(string folder, string key)
    {
        if (key.Length != 2 * SHA256.HashSizeInBytes || !key.All(char.IsAsciiHexDigitLower))
        {
            return null;
        }

        var file = FileOf(folder, key);
        return File.Exists(file) ? File.ReadAllText(file) : null;
    }

    private static string FileOf(string folder, string hash) => Path.Combine(folder, hash[..2], hash + ".txt");

    /// <summary>The text, null where it is not there yet. An empty one is an answer too.</summary>
    public string? Find(CaptionItem item)
    {
        var file = FileOf(item);
        return File.Exists(file) ? File.ReadAllText(file) : null;
    }

    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Keep(CaptionItem item, string text) => AtomicFile.WriteText(FileOf(item), text);
}

/// <summary>A text to be had.</summary>
/// <param name="Request">The image and the question.</param>
/// <param name="ContentHash">Of the image's content, or of those of a group and how they are put together.</param>
internal sealed record CaptionItem(CaptionRequest Request, string ContentHash);
