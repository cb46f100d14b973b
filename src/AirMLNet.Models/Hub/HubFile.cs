using System.Security.Cryptography;
using System.Text;

namespace AirMLNet.Hub;

/// <summary>A file of a repository.</summary>
/// <param name="Path">Name in the repository, with slashes.</param>
/// <param name="Size">Bytes; null when the server does not say.</param>
/// <param name="Sha256">Hash of a large file; null for a small one.</param>
/// <param name="BlobId">Git's hash of a small file; null when the server does not say.</param>
internal sealed record HubFile(string Path, long? Size, string? Sha256, string? BlobId)
{
    /// <summary>Whether a hash tells this content from others.</summary>
    public bool HasHash => Sha256 is not null || BlobId is not null;

    /// <summary>Whether a file on disk has the size and hash that the server states.</summary>
    public bool Matches(string file)
    {
        var info = new FileInfo(file);
        if (!info.Exists || (Size is { } size && info.Length != size))
        {
            return false;
        }

        using var stream = info.OpenRead();
        return (Sha256, BlobId) switch
        {
            ({ } wanted, _) => Convert.ToHexStringLower(SHA256.HashData(stream)) == wanted.ToLowerInvariant(),
            (_, { } wanted) => GitHash(stream) == wanted.ToLowerInvariant(),
            _ => true,
        };
    }

    // Git hashes the length before the content.
    private static string GitHash(FileStream stream)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {stream.Length}\0"));
        var buffer = new byte[81920];
        for (int read; (read = stream.Read(buffer)) > 0; )
        {
            hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
