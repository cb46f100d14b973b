using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AirMLNet.Files;

namespace AirMLNet.Caching;

/// <summary>
/// A file of features, written once: eight characters, D and the number of rows N as int32, N keys of 16 bytes, and N rows of D float32
/// and 8 bytes of a SHA-256 over key and feature; all little-endian. It appears under its name when whole; what a fault of the disk has
/// changed in it is not found, instead of being wrong.
/// </summary>
internal sealed class FeatureShard
{
    public const string Ending = ".features";
    private const int Header = 16,
        KeySize = 16,
        CheckSize = 8;
    private readonly int _dimension;

    private FeatureShard(string path, int dimension, UInt128[] keys) => (Path, _dimension, Keys) = (path, dimension, keys);

    private static ReadOnlySpan<byte> Magic => "AIRFEAT1"u8;

    public string Path { get; }

    public UInt128[] Keys { get; }

    /// <summary>Reads a file's keys; null where it is gone, damaged or of another kind.</summary>
    public static FeatureShard? TryOpen(string path, int dimension)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            Span<byte> header = stackalloc byte[Header];
            if (RandomAccess.Read(handle, header, 0) != Header || !header[..8].SequenceEqual(Magic))
            {
                return null;
            }
            var rows = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
            if (
                BinaryPrimitives.ReadInt32LittleEndian(header[8..]) != dimension
                || rows < 0
                || RandomAccess.GetLength(handle) != Header + (rows * (long)(KeySize + RowSize(dimension)))
            )
            {
                return null;
            }
            var bytes = new byte[rows * KeySize];
            if (RandomAccess.Read(handle, bytes, Header) != bytes.Length)
            {
                return null;
            }
            var keys = new UInt128[rows];
            for (var i = 0; i < rows; i++)
            {
                keys[i] = BinaryPrimitives.ReadUInt128LittleEndian(bytes.AsSpan(i * KeySize));
            }
            return new(path, dimension, keys);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static FeatureShard Write(string path, int dimension, IReadOnlyList<(UInt128 Key, float[] Feature)> rows)
    {
        var bytes = new byte[Header + (rows.Count * (KeySize + RowSize(dimension)))];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), dimension);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), rows.Count);
        var values = Header + (rows.Count * KeySize);
        for (var i = 0; i < rows.Count; i++)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(Header + (i * KeySize)), rows[i].Key);
            var row = bytes.AsSpan(values + (i * RowSize(dimension)), RowSize(dimension));
            MemoryMarshal.AsBytes<float>(rows[i].Feature).CopyTo(row);
            Check(rows[i].Key, row[..^CheckSize], row[^CheckSize..]);
        }
        AtomicFile.Write(path, stream => stream.Write(bytes));
        return new(path, dimension, [.. rows.Select(r => r.Key)]);
    }

    /// <summary>Reads a row; false where the file is gone or damaged.</summary>
    public bool TryRead(int row, Span<float> feature)
    {
        Span<byte> found = stackalloc byte[CheckSize],
            wanted = stackalloc byte[CheckSize];
        var bytes = MemoryMarshal.AsBytes(feature);
        try
        {
            using var handle = File.OpenHandle(Path);
            var at = Header + (Keys.Length * (long)KeySize) + (row * (long)RowSize(_dimension));
            if (RandomAccess.Read(handle, bytes, at) != bytes.Length || RandomAccess.Read(handle, found, at + bytes.Length) != CheckSize)
            {
                return false;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        Check(Keys[row], bytes, wanted);
        return found.SequenceEqual(wanted);
    }

    private static int RowSize(int dimension) => (sizeof(float) * dimension) + CheckSize;

    private static void Check(UInt128 key, ReadOnlySpan<byte> feature, Span<byte> check)
    {
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> start = stackalloc byte[KeySize],
            hash = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(start, key);
        sum.AppendData(start);
        sum.AppendData(feature);
        sum.GetHashAndReset(hash);
        hash[..CheckSize].CopyTo(check);
    }
}
