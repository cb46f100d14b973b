using System.Buffers.Binary;
using System.IO.Compression;

namespace Microsoft.ML.Tests.Fuzz;

/// <summary>Damages files in the ways in which files are damaged, and in those in which attackers damage them.</summary>
internal sealed class Mutator(int seed)
{
    private static readonly long[] _extremes = [0, 1, -1, 0x7F, 0x80, 0xFF, 0x100, short.MaxValue, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 40];
    private static readonly string[] _badNames = ["../../outside.txt", "/etc/outside.txt", "..\\outside.txt", "C:\\outside.txt", "TransformerChain/../../outside.txt", "Schema"];

    private readonly Random _rand = new(seed);

    /// <summary>A damaged copy of any file.</summary>
    public byte[] Damage(byte[] file)
    {
        var copy = new List<byte>(file);
        int times = 1 + _rand.Next(4);
        for (int i = 0; i < times && copy.Count > 0; i++)
            DamageOnce(copy);
        return [.. copy];
    }

    /// <summary>A zip in which entries were damaged, renamed, doubled, left out or blown up, and which is whole as a zip.</summary>
    public byte[] DamageEntries(byte[] zip)
    {
        using var source = new ZipArchive(new MemoryStream(zip));
        using var target = new MemoryStream();
        using (var archive = new ZipArchive(target, ZipArchiveMode.Create, leaveOpen: true))
        {
            int victim = _rand.Next(source.Entries.Count);
            int kind = _rand.Next(12);
            for (int i = 0; i < source.Entries.Count; i++)
            {
                ZipArchiveEntry entry = source.Entries[i];
                using var content = new MemoryStream();
                using (Stream stream = entry.Open())
                    stream.CopyTo(content);
                if (i != victim)
                    Write(archive, entry.FullName, content.ToArray());
                else if (kind == 0)
                    Write(archive, _badNames[_rand.Next(_badNames.Length)], content.ToArray());
                else if (kind == 1)
                    Write(archive, entry.FullName, new byte[_rand.Next(1 << 23)]); // shrinks a thousandfold
                else if (kind == 2)
                    Write(archive, entry.FullName, []);
                else if (kind == 3)
                {
                    Write(archive, entry.FullName, content.ToArray());
                    Write(archive, entry.FullName, Damage(content.ToArray()));
                }
                else if (kind != 4)
                    Write(archive, entry.FullName, Damage(content.ToArray()));
            }
        }
        return target.ToArray();
    }

    private static void Write(ZipArchive archive, string name, byte[] content)
    {
        using Stream stream = archive.CreateEntry(name, CompressionLevel.Fastest).Open();
        stream.Write(content);
    }

    private void DamageOnce(List<byte> bytes)
    {
        int at = _rand.Next(bytes.Count);
        switch (_rand.Next(8))
        {
            case 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 1:
                bytes.RemoveRange(at, _rand.Next(Math.Min(64, bytes.Count - at)));
                break;
            case 2:
                bytes.InsertRange(at, bytes.GetRange(at, _rand.Next(Math.Min(64, bytes.Count - at))));
                break;
            case 3:
                bytes[at] ^= (byte)(1 << _rand.Next(8));
                break;
            case 4 or 5:
                // A length, a count or an offset of an extreme size, where most numbers of these files start.
                Overwrite(bytes, at - (at % 4), 4 + (4 * _rand.Next(2)), _extremes[_rand.Next(_extremes.Length)]);
                break;
            case 6:
                Overwrite(bytes, at, 8, _rand.NextInt64(bytes.Count * 2));
                break;
            default:
                bytes[at] = (byte)_rand.Next(256);
                break;
        }
    }

    private static void Overwrite(List<byte> bytes, int at, int length, long value)
    {
        var number = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        for (int i = 0; i < length && at + i < bytes.Count; i++)
            bytes[at + i] = number[i];
    }
}
