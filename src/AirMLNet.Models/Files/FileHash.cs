using System.Security.Cryptography;

namespace AirMLNet.Files;

/// <summary>Hashes files, to name the exact weights a saved model needs.</summary>
internal static class FileHash
{
    /// <summary>SHA-256 of a file's content as 64 lower-case hexadecimal digits.</summary>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static string Sha256(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
