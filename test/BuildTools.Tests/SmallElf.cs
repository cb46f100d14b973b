using System.Buffers.Binary;
using System.Text;

namespace AirMLNet.BuildTools.Tests;

/// <summary>A small 64-bit shared object that needs one symbol version and defines another, with one relocation.</summary>
internal sealed class SmallElf
{
    public const string Needed = "GLIBCXX_3.4.32",
        Defined = "MINE_1.0";
    public const int DynamicAt = 64 + (2 * 56),
        NeedAt = 0x200,
        FlagsAt = NeedAt + 16 + 4,
        DefinitionAt = 0x240,
        VersionsAt = 0x280,
        RelocationsAt = 0x2c0,
        TextAt = 0x300;
    private const int Base = 0x1000; // addresses in memory are not those in the file

    private SmallElf() => Bytes = new byte[0x400];

    public byte[] Bytes { get; }

    /// <param name="used">Whether the relocation names a symbol of the needed version.</param>
    public static SmallElf Create(bool used = false)
    {
        var elf = new SmallElf();
        ReadOnlySpan<byte> identity = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identity.CopyTo(elf.Bytes);
        elf.U64(32, 64);
        elf.U16(54, 56);
        elf.U16(56, 2);
        elf.Segment(64, type: 1, offset: 0, length: elf.Bytes.Length);
        elf.Segment(64 + 56, type: 2, offset: DynamicAt, length: 16 * 12);
        var text = Encoding.ASCII.GetBytes("\0libstdc++.so.6\0" + Needed + "\0" + Defined + "\0");
        text.CopyTo(elf.Bytes, TextAt);
        (long Tag, long Value)[] dynamic =
        [
            (5, Base + TextAt),
            (10, text.Length),
            (0x6ffffffe, Base + NeedAt),
            (0x6fffffff, 1),
            (0x6ffffffc, Base + DefinitionAt),
            (0x6ffffffd, 1),
            (0x6ffffff0, Base + VersionsAt),
            (7, Base + RelocationsAt),
            (8, 24),
            (0, 0),
        ];
        for (var i = 0; i < dynamic.Length; i++)
        {
            elf.U64(DynamicAt + (16 * i), dynamic[i].Tag);
            elf.U64(DynamicAt + (16 * i) + 8, dynamic[i].Value);
        }
        elf.U16(NeedAt, 1);
        elf.U16(NeedAt + 2, 1); // one version
        elf.U32(NeedAt + 4, 1); // of libstdc++.so.6
        elf.U32(NeedAt + 8, 16); // which follows
        elf.U16(NeedAt + 16 + 6, 3); // known as 3
        elf.U32(NeedAt + 16 + 8, 16);
        elf.U16(DefinitionAt + 6, 1);
        elf.U32(DefinitionAt + 12, 20);
        elf.U32(DefinitionAt + 20, 16 + Needed.Length + 1);
        elf.U16(VersionsAt + 2, 2);
        elf.U16(VersionsAt + 4, 3); // symbol 2 is of the needed version
        elf.U64(RelocationsAt + 8, (used ? 2L : 1L) << 32);
        return elf;
    }

    public void U16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(Bytes.AsSpan(at), (ushort)value);

    public void U32(int at, long value) => BinaryPrimitives.WriteUInt32LittleEndian(Bytes.AsSpan(at), (uint)value);

    public void U64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(Bytes.AsSpan(at), value);

    private void Segment(int at, int type, int offset, int length)
    {
        U32(at, type);
        U64(at + 8, offset);
        U64(at + 16, Base + offset);
        U64(at + 32, length);
    }
}
