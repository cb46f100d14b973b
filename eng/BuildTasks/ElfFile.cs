using System.Text;

namespace AirMLNet.BuildTasks;

/// <summary>
/// The symbol versions of a 64-bit little-endian ELF file (gABI chapter 5; LSB "Symbol Versioning"), found by the dynamic
/// section as the loader finds them. Every offset is checked: what does not fit is refused.
/// </summary>
internal sealed class ElfFile
{
    private const int HeaderSize = 64,
        SegmentSize = 56,
        DynamicSize = 16,
        NeedSize = 16,
        NeedEntrySize = 16,
        DefinitionSize = 20,
        RelocationSize = 24;
    private const int LoadSegment = 1,
        DynamicSegment = 2;
    private const long StringTable = 5,
        Relocations = 7,
        RelocationBytes = 8,
        StringBytes = 10,
        PltBytes = 2,
        PltRelocations = 23;
    private const long SymbolVersions = 0x6ffffff0,
        Definitions = 0x6ffffffc,
        DefinitionCount = 0x6ffffffd,
        Needs = 0x6ffffffe,
        NeedCount = 0x6fffffff;
    private const ushort WeakFlag = 2; // VER_FLG_WEAK

    private readonly byte[] _bytes;
    private readonly string _name;
    private readonly List<(ulong Address, ulong Offset, ulong Size)> _segments = new();
    private readonly Dictionary<long, ulong> _dynamic = new();

    /// <summary>Reads the headers.</summary>
    /// <param name="bytes">The whole file; <see cref="MakeWeak"/> changes it.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="InvalidDataException">No such file, or a damaged one.</exception>
    public ElfFile(byte[] bytes, string name)
    {
        (_bytes, _name) = (bytes, name);
        if (bytes.Length < HeaderSize || bytes[0] != 0x7f || bytes[1] != 'E' || bytes[2] != 'L' || bytes[3] != 'F')
        {
            throw Bad("is no ELF file");
        }

        if (bytes[4] != 2 || bytes[5] != 1)
        {
            throw Bad("is no 64-bit little-endian ELF file");
        }

        var segments = U64(32);
        int size = U16(54),
            count = U16(56);
        if (count > 0 && size < SegmentSize)
        {
            throw Bad($"has program headers of {size} bytes");
        }

        ulong dynamicAt = 0,
            dynamicSize = 0;
        for (var i = 0; i < count; i++)
        {
            var at = segments + (ulong)(i * size);
            Check(at, SegmentSize);
            var type = U32(at);
            ulong offset = U64(at + 8),
                address = U64(at + 16),
                length = U64(at + 32);
            if (type is LoadSegment or DynamicSegment)
            {
                Check(offset, length);
            }

            if (type == LoadSegment)
            {
                _segments.Add((address, offset, length));
            }
            else if (type == DynamicSegment)
            {
                (dynamicAt, dynamicSize) = (offset, length);
            }
        }
        for (ulong i = 0; i + DynamicSize <= dynamicSize; i += DynamicSize)
        {
            var tag = (long)U64(dynamicAt + i);
            if (tag == 0)
            {
                break;
            }

            _dynamic[tag] = U64(dynamicAt + i + 8);
        }
    }

    /// <summary>Whether the file defines a symbol version, such as GLIBCXX_3.4.32.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public bool Defines(string version)
    {
        if (!_dynamic.TryGetValue(Definitions, out var address))
        {
            return false;
        }

        var at = Offset(address, DefinitionSize);
        for (var left = Count(DefinitionCount); left > 0; left--)
        {
            Check(at, DefinitionSize);
            var entry = at + U32(at + 12);
            Check(entry, 8);
            if (Text(U32(entry)) == version)
            {
                return true;
            }

            var next = U32(at + 16);
            if (next == 0)
            {
                break;
            }

            at += next;
        }
        return false;
    }

    /// <summary>
    /// Marks a needed symbol version as weak: a loader whose libraries lack it then goes on without it. The bytes given to the
    /// constructor are changed.
    /// </summary>
    /// <returns>Whether there was something to change; false where the version is not needed, or weak already.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or code would be called through that version.</exception>
    public bool MakeWeak(string version)
    {
        var changed = false;
        foreach (var entry in NeededEntries())
        {
            if (Text(U32(entry + 8)) != version || (U16(entry + 4) & WeakFlag) != 0)
            {
                continue;
            }

            RefuseIfUsed(version, U16(entry + 6));
            _bytes[entry + 4] |= (byte)WeakFlag;
            changed = true;
        }
        return changed;
    }

    private IEnumerable<ulong> NeededEntries()
    {
        if (!_dynamic.TryGetValue(Needs, out var address))
        {
            yield break;
        }

        var at = Offset(address, NeedSize);
        for (var left = Count(NeedCount); left > 0; left--)
        {
            Check(at, NeedSize);
            var entry = at + U32(at + 8);
            for (int entries = U16(at + 2); entries > 0; entries--)
            {
                Check(entry, NeedEntrySize);
                yield return entry;
                var nextEntry = U32(entry + 12);
                if (nextEntry == 0)
                {
                    break;
                }

                entry += nextEntry;
            }
            var next = U32(at + 12);
            if (next == 0)
            {
                break;
            }

            at += next;
        }
    }

    /// <summary>A symbol that a relocation names is called or read: without its version the program would not be whole.</summary>
    private void RefuseIfUsed(string version, int index)
    {
        foreach ((var table, var bytes) in new[] { (Relocations, RelocationBytes), (PltRelocations, PltBytes) })
        {
            if (!_dynamic.TryGetValue(table, out var address) || !_dynamic.TryGetValue(bytes, out var size))
            {
                continue;
            }

            if (!_dynamic.TryGetValue(SymbolVersions, out var versions))
            {
                throw Bad("has relocations but no table of symbol versions");
            }

            var at = Offset(address, size);
            for (ulong i = 0; i + RelocationSize <= size; i += RelocationSize)
            {
                var symbol = U64(at + i + 8) >> 32;
                if (symbol != 0 && (U16(Offset(versions + 2 * symbol, 2)) & 0x7fff) == index)
                {
                    throw Bad($"really uses a symbol of version {version}, so this version cannot be made optional");
                }
            }
        }
    }

    private ulong Count(long tag) =>
        _dynamic.TryGetValue(tag, out var count) ? count : throw Bad("has symbol versions without their number");

    private string Text(uint offset)
    {
        if (!_dynamic.TryGetValue(StringTable, out var address) || !_dynamic.TryGetValue(StringBytes, out var size) || offset >= size)
        {
            throw Bad("names a symbol version outside its table of strings");
        }

        var at = Offset(address, size) + offset;
        var length = 0;
        while (offset + (ulong)length < size && _bytes[at + (ulong)length] != 0)
        {
            length++;
        }

        return Encoding.ASCII.GetString(_bytes, (int)at, length);
    }

    /// <summary>Where in the file an address of memory lies.</summary>
    private ulong Offset(ulong address, ulong size)
    {
        foreach (var segment in _segments)
        {
            if (
                address >= segment.Address
                && address - segment.Address <= segment.Size
                && size <= segment.Size - (address - segment.Address)
            )
            {
                return segment.Offset + (address - segment.Address);
            }
        }
        throw Bad($"has a table at address 0x{address:x} that no part of the file holds");
    }

    private void Check(ulong offset, ulong size)
    {
        if (offset > (ulong)_bytes.Length || size > (ulong)_bytes.Length - offset)
        {
            throw Bad("ends early or is damaged");
        }
    }

    private ushort U16(ulong at)
    {
        Check(at, 2);
        return (ushort)(_bytes[at] | _bytes[at + 1] << 8);
    }

    private uint U32(ulong at) => U16(at) | (uint)U16(at + 2) << 16;

    private ulong U64(ulong at) => U32(at) | (ulong)U32(at + 4) << 32;

    private InvalidDataException Bad(string what) => new($"{_name} {what}.");
}
