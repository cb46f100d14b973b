using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data.IO;

/// <summary>How a block of a binary data view file is compressed.</summary>
internal enum CompressionKind : byte
{
    None = 0,

    /// <summary>DEFLATE without header or checksum.</summary>
    Deflate = 1,
}

/// <summary>The 256 bytes at the start of a binary data view file; the rest of them is zero.</summary>
internal readonly record struct BinaryHeader(long TableOfContentsOffset, long TailOffset, long RowCount, int ColumnCount)
{
    public const int Size = 256;

    /// <summary>"CML\0DVB\0".</summary>
    public const ulong Signature = 0x00425644004C4D43;

    /// <summary>The same, backwards, at the end of the file.</summary>
    public const ulong TailSignature = 0x434D4C0044564200;

    private const ulong Version = 0x0001000100010006;

    /// <summary>The oldest version that can be read: the first in which columns have annotations.</summary>
    private const ulong OldestVersion = 0x0001000100010004;

    public void Write(BinaryWriter writer)
    {
        writer.Write(Signature);
        writer.Write(Version);
        writer.Write(Version); // the oldest reader that understands it
        writer.Write(TableOfContentsOffset);
        writer.Write(TailOffset);
        writer.Write(RowCount);
        writer.Write(ColumnCount);
    }

    /// <exception cref="FormatException">The stream is not a whole file of a version that can be read.</exception>
    public static BinaryHeader Read(Stream stream, IExceptionContext ectx)
    {
        ectx.CheckDecode(stream.Length >= Size + sizeof(ulong), $"This is not a whole binary data view file: it has {stream.Length} bytes");
        BlockReader reader = Blocks.Read(stream, 0, Size);
        ectx.CheckDecode(reader.ReadUInt64() == Signature, "This is not a binary data view file");
        ulong version = reader.ReadUInt64();
        ulong readableBy = reader.ReadUInt64();
        ectx.CheckDecode(readableBy <= version, "Corrupt binary data view file: its versions contradict each other");
        ectx.CheckDecode(
            readableBy is >= OldestVersion and <= Version,
            $"The binary data view file has version {Text(readableBy)}, but only versions from {Text(OldestVersion)} to {Text(Version)} can be read");
        var header = new BinaryHeader(reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt32());
        bool whole = header.TailOffset >= Size && header.TailOffset <= stream.Length - sizeof(ulong)
            && header.RowCount >= 0 && header.ColumnCount >= 0
            && (header.ColumnCount == 0 || (header.TableOfContentsOffset >= Size && header.TableOfContentsOffset <= header.TailOffset));
        ectx.CheckDecode(whole, "Corrupt binary data view file: its header points outside of the file");
        ectx.CheckDecode(Blocks.Read(stream, header.TailOffset, sizeof(ulong)).ReadUInt64() == TailSignature, "Corrupt binary data view file: its end is missing");
        return header;
    }

    private static string Text(ulong version) => $"{version >> 48}.{(version >> 32) & 0xFFFF}.{(version >> 16) & 0xFFFF}.{version & 0xFFFF}";
}

/// <summary>Reading and compressing parts of a file.</summary>
internal static class Blocks
{
    /// <summary>DEFLATE makes at most 1032 bytes of one.</summary>
    private const long MostBytesOfOne = 1032;

    /// <summary>What a block holds when it is decompressed, at most.</summary>
    public const int LargestBlock = int.MaxValue - (1 << 20);

    public static BlockReader Read(Stream stream, long offset, int length)
    {
        var bytes = new byte[length];
        stream.Position = offset;
        stream.ReadExactly(bytes);
        return new BlockReader(bytes, 0, length);
    }

    /// <summary>Reads a block.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="offset">Where the block starts.</param>
    /// <param name="length">Its bytes in the file.</param>
    /// <param name="decompressed">Its bytes when decompressed, or -1 where the file does not say.</param>
    /// <param name="kind">How it is compressed.</param>
    /// <exception cref="FormatException">It is corrupt.</exception>
    public static BlockReader Read(Stream stream, long offset, int length, int decompressed, CompressionKind kind)
    {
        BlockReader raw = Read(stream, offset, length);
        if (kind == CompressionKind.None)
            return decompressed < 0 || decompressed == length ? raw : throw new FormatException($"Corrupt block: {length} bytes where {decompressed} are expected");
        long most = Math.Min(LargestBlock, (length * MostBytesOfOne) + 64);
        if (decompressed > most)
            throw new FormatException($"Corrupt block: {length} bytes cannot decompress to {decompressed}");
        var compressed = new byte[length];
        raw.ReadRaw<byte>(compressed);
        using var inflate = new DeflateStream(new MemoryStream(compressed), CompressionMode.Decompress);
        // Grows with what is really there, so that no length in the file decides how much memory is taken.
        using var target = new MemoryStream(Math.Min(Math.Max(0, decompressed), 1 << 16));
        var buffer = new byte[1 << 14];
        int read;
        try
        {
            while ((read = inflate.Read(buffer)) > 0)
            {
                target.Write(buffer, 0, read);
                if (target.Length > (decompressed < 0 ? most : decompressed))
                    throw new FormatException("Corrupt block: it decompresses to more bytes than it should");
            }
        }
        catch (InvalidDataException e)
        {
            throw new FormatException("Corrupt block: it cannot be decompressed", e);
        }
        if (decompressed >= 0 && target.Length != decompressed)
            throw new FormatException($"Corrupt block: it decompresses to {target.Length} bytes where {decompressed} are expected");
        return new BlockReader(target.GetBuffer(), 0, (int)target.Length);
    }

    public static byte[] Deflate(ReadOnlySpan<byte> bytes)
    {
        using var target = new MemoryStream();
        using (var deflate = new DeflateStream(target, CompressionLevel.Optimal, leaveOpen: true))
            deflate.Write(bytes);
        return target.ToArray();
    }
}
