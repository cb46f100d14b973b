using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace AirMLNet.Native;

/// <summary>
/// An empty library of a given name. TorchSharp loads the LibTorch that lies beside it by the name <c>torch_cpu</c>, whatever is loaded
/// already, and two LibTorchs in one process end it. The system's loader gives a library that has the name as its own instead of
/// looking for a file: this one, with nothing in it.
/// </summary>
internal static class NameHolder
{
    private const int Header = 64,
        Segment = 56,
        Segments = 3,
        Entry = 16,
        Entries = 7,
        Symbol = 24,
        Hash = 16;

    /// <summary>Loads an empty library; Linux on 64-bit little-endian processors only.</summary>
    /// <param name="name">The name that the loader is asked for, such as <c>torch_cpu.so</c>.</param>
    /// <exception cref="DllNotFoundException">The loader refuses it.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    public static void Load(string name)
    {
        var file = Path.Combine(Path.GetTempPath(), $"airmlnet-{Guid.NewGuid():N}.so");
        try
        {
            File.WriteAllBytes(file, Make(name));
            NativeLibrary.Load(file);
        }
        finally
        {
            File.Delete(file); // what is loaded stays
        }
    }

    /// <summary>A shared object (gABI) of one segment: its dynamic section, a table of strings, of no symbols, and their hashes.</summary>
    private static byte[] Make(string name)
    {
        byte[] text = [0, .. Encoding.ASCII.GetBytes(name), 0];
        int dynamic = Header + (Segments * Segment),
            symbols = dynamic + (Entries * Entry),
            hashes = symbols + Symbol,
            strings = hashes + Hash;
        var size = strings + text.Length;
        var bytes = new byte[size];
        ReadOnlySpan<byte> identity = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identity.CopyTo(bytes);
        U16(16, 3); // a shared object
        U16(18, RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (ushort)183 : (ushort)62);
        U32(20, 1);
        U64(32, Header);
        U16(52, Header);
        U16(54, Segment);
        U16(56, Segments);
        // loaded, to read and write: loaders adjust addresses in place
        SegmentAt(0, type: 1, flags: 6, offset: 0, length: size, align: 0x1000);
        SegmentAt(1, type: 2, flags: 6, offset: dynamic, length: Entries * Entry, align: 8);
        SegmentAt(2, type: 0x6474e551, flags: 6, offset: 0, length: 0, align: 16); // no code on the stack
        (long Tag, long Value)[] entries = [(14, 1), (5, strings), (6, symbols), (10, text.Length), (11, Symbol), (4, hashes), (0, 0)];
        for (var i = 0; i < entries.Length; i++)
        {
            U64(dynamic + (i * Entry), entries[i].Tag);
            U64(dynamic + (i * Entry) + 8, entries[i].Value);
        }

        U32(hashes, 1); // one bucket, one symbol (none)
        U32(hashes + 4, 1);
        text.CopyTo(bytes, strings);
        return bytes;

        void SegmentAt(int index, uint type, uint flags, long offset, long length, long align)
        {
            var at = Header + (index * Segment);
            U32(at, type);
            U32(at + 4, flags);
            foreach (var place in new[] { 8, 16, 24 })
            {
                U64(at + place, offset); // in the file, in memory, and physically
            }

            U64(at + 32, length);
            U64(at + 40, length);
            U64(at + 48, align);
        }

        void U16(int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), value);
        void U32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);
        void U64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), value);
    }
}
