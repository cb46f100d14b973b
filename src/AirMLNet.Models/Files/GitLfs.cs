namespace AirMLNet.Files;

/// <summary>What Git leaves in the place of a large file whose content was not fetched.</summary>
internal static class GitLfs
{
    private const string Start = "version https://git-lfs.github.com/spec/";

    /// <summary>Whether a text is such a pointer.</summary>
    public static bool Begins(string text) => text.StartsWith(Start, StringComparison.Ordinal);

    /// <summary>Whether a file that begins so is one.</summary>
    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes.StartsWith("version "u8);

    /// <summary>What to do with it, in a sentence.</summary>
    public static string Advice(string path) =>
        $"{path} is a pointer of Git LFS and not the file itself; run 'git lfs pull' in its folder, or download the file.";
}
