using System.Buffers.Binary;
using System.IO.Compression;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Images;

/// <summary>Damages files in the ways in which files are damaged, and in those in which attackers damage them.</summary>
internal sealed class Mutator(int seed)
{
    private static readonly long[] Extremes =
    [
        0,
        1,
        2,
        -1,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x7fff,
        0x8000,
        0xffff,
        0x10000,
        int.MaxValue,
        int.MinValue,
        int.MaxValue - 7,
        1 << 24,
        3000,
        2000,
    ];

    // Most of what decides how a file is read stands in its first bytes.
    private const int Header = 64;

    private readonly Random _random = new(seed);

    /// <summary>A damaged copy of one of the files.</summary>
    public byte[] Damage(IReadOnlyList<byte[]> files)
    {
        var file = files[_random.Next(files.Count)];
        var png = file.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']);
        if (png && _random.Next(4) == 0)
        {
            return PngWithPixels(file, DamagePart);
        }

        var copy = new List<byte>(file);
        for (var times = 1 + _random.Next(4); times > 0 && copy.Count > 0; times--)
        {
            DamageOnce(copy, files);
        }

        byte[] damaged = [.. copy];
        // Sums and lengths that agree with the damage, so that it is not refused for them alone.
        if (png && _random.Next(4) > 0)
        {
            SumChunks(damaged);
        }

        if (damaged.AsSpan().StartsWith("RIFF"u8) && damaged.Length > 8 && _random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(damaged.AsSpan(4), damaged.Length - 8);
        }

        return damaged;
    }

    private byte[] DamagePart(byte[] part)
    {
        var copy = new List<byte>(part);
        for (var times = 1 + _random.Next(3); times > 0 && copy.Count > 0; times--)
        {
            DamageOnce(copy, [part]);
        }

        return [.. copy];
    }

    private void DamageOnce(List<byte> bytes, IReadOnlyList<byte[]> others)
    {
        var at = _random.Next(2) == 0 ? _random.Next(bytes.Count) : _random.Next(Math.Min(Header, bytes.Count));
        switch (_random.Next(11))
        {
            case 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 1:
                bytes.RemoveRange(at, _random.Next(Math.Min(Header, bytes.Count - at)));
                break;
            case 2: // a block once more, up to 30 times
                var block = bytes.GetRange(at, _random.Next(Math.Min(Header, bytes.Count - at)));
                for (var times = _random.Next(10) == 0 ? 30 : 1; times > 0; times--)
                {
                    bytes.InsertRange(at, block);
                }

                break;
            case 3:
                bytes.InsertRange(at, Noise());
                break;
            case 4 or 5:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 6:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 7: // the beginning of this file and the end of another
                var other = others[_random.Next(others.Count)];
                bytes.RemoveRange(at, bytes.Count - at);
                bytes.AddRange(other.AsSpan(_random.Next(other.Length)));
                break;
            default: // a size, a count or an offset
                Overwrite(
                    bytes,
                    at,
                    1 << _random.Next(3),
                    _random.Next(4) == 0 ? _random.Next(2 * bytes.Count) : Extremes[_random.Next(Extremes.Length)]
                );
                break;
        }
    }

    private byte[] Noise()
    {
        var bytes = new byte[_random.Next(Header)];
        _random.NextBytes(bytes);
        return bytes;
    }

    private void Overwrite(List<byte> bytes, int at, int length, long value)
    {
        var number = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        if (_random.Next(2) == 0)
        {
            number.AsSpan(0, length).Reverse();
        }

        for (var i = 0; i < length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = number[i];
        }
    }

    /// <summary>The file with other bytes in place of its rows, compressed anew.</summary>
    private static byte[] PngWithPixels(byte[] file, Func<byte[], byte[]> change)
    {
        using var packed = new MemoryStream();
        List<(string Name, byte[] Content)> chunks = [];
        for (var at = 8; at + 12 <= file.Length; at += 12 + BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at)))
        {
            var name = System.Text.Encoding.ASCII.GetString(file, at + 4, 4);
            var content = file[(at + 8)..(at + 8 + BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at)))];
            if (name == "IDAT")
            {
                packed.Write(content);
            }
            else
            {
                chunks.Add((name, content));
            }
        }

        packed.Position = 0;
        using var rows = new MemoryStream();
        using (var inflate = new ZLibStream(packed, CompressionMode.Decompress))
        {
            inflate.CopyTo(rows);
        }

        using var again = new MemoryStream();
        using (var deflate = new ZLibStream(again, CompressionLevel.Fastest))
        {
            deflate.Write(change(rows.ToArray()));
        }

        chunks.Insert(chunks.Count - 1, ("IDAT", again.ToArray()));
        var damaged = file[..8];
        foreach ((var name, var content) in chunks)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
            damaged = [.. damaged, .. length, .. System.Text.Encoding.ASCII.GetBytes(name), .. content, 0, 0, 0, 0];
        }

        SumChunks(damaged);
        return damaged;
    }

    /// <summary>Writes the right check sum behind every chunk that lies within the file.</summary>
    private static void SumChunks(byte[] png)
    {
        for (long at = 8; at + 12 <= png.Length; )
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan((int)at));
            if (at + 12 + length > png.Length)
            {
                return;
            }

            BinaryPrimitives.WriteUInt32BigEndian(
                png.AsSpan((int)(at + 8 + length)),
                Parts.Crc32(png.AsSpan((int)at + 4, (int)length + 4))
            );
            at += 12 + length;
        }
    }
}
