using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>The 256 bytes before every model part: where its bytes and strings are, its version and its loader.</summary>
/// <remarks>
/// Layout: header, model bytes, string table (end offset of each string, in characters), characters (UTF-16), loader
/// assembly name (UTF-16), tail signature. All offsets are relative to the header, all numbers little-endian.
/// </remarks>
internal struct ModelHeader
{
    public const int Size = 256;

    private const ulong SignatureValue = 0x4C45444F4D004C4DUL; // "ML\0MODEL"
    private const ulong TailSignatureValue = 0x4D4C004D4F44454CUL; // "LEDOM\0LM"
    private const uint VerWrittenCur = 0x00010002;
    private const uint VerReadableCur = 0x00010002;
    private const uint VerWeCanReadBack = 0x00010001;
    private const uint VerAssemblyNameSupported = 0x00010002;
    private const int MaxLoaderSignature = 24;

    public uint VerWritten;
    public uint VerReadable;
    public long FpModel;
    public long CbModel;
    public long FpStringTable;
    public long CbStringTable;
    public long FpStringChars;
    public long CbStringChars;
    public ulong ModelSignature;
    public uint ModelVerWritten;
    public uint ModelVerReadable;
    public string LoaderSignature;
    public string LoaderSignatureAlt;
    public long FpTail;
    public long FpLim;
    public long FpAssemblyName;
    public uint CbAssemblyName;

    public static void CheckSignature(string signature, string paramName)
    {
        if (signature is not null && (signature.Length > MaxLoaderSignature || signature.Any(c => c is < ' ' or > '~')))
            throw new ArgumentException($"A loader signature has at most {MaxLoaderSignature} ASCII characters, but '{signature}' has not", paramName);
    }

    /// <summary>Leaves room for the header.</summary>
    public static ModelHeader BeginWrite(BinaryWriter writer, out long fpMin)
    {
        writer.Flush();
        fpMin = writer.BaseStream.Position;
        writer.Write(new byte[Size]);
        return new ModelHeader { VerWritten = VerWrittenCur, VerReadable = VerReadableCur, FpModel = Size, LoaderSignature = "", LoaderSignatureAlt = "" };
    }

    public void SetVersionInfo(VersionInfo ver)
    {
        ModelSignature = ver.ModelSignature;
        ModelVerWritten = ver.VerWrittenCur;
        ModelVerReadable = ver.VerReadableCur;
        LoaderSignature = ver.LoaderSignature ?? "";
        LoaderSignatureAlt = ver.LoaderSignatureAlt ?? "";
    }

    /// <summary>Writes what follows the model bytes, then the header itself.</summary>
    public void EndWrite(BinaryWriter writer, long fpMin, IReadOnlyList<string> strings, string assemblyName)
    {
        writer.Flush();
        long Current() => writer.BaseStream.Position - fpMin;
        CbModel = Current() - FpModel;
        if (strings.Count > 0)
        {
            FpStringTable = Current();
            long end = 0;
            foreach (string text in strings)
            {
                end += text.Length;
                writer.Write(end * sizeof(char));
            }
            CbStringTable = Current() - FpStringTable;
            FpStringChars = Current();
            foreach (string text in strings)
                writer.Write(Encoding.Unicode.GetBytes(text));
            CbStringChars = Current() - FpStringChars;
        }
        if (!string.IsNullOrEmpty(assemblyName))
        {
            FpAssemblyName = Current();
            writer.Write(Encoding.Unicode.GetBytes(assemblyName));
            CbAssemblyName = (uint)(Current() - FpAssemblyName);
        }
        FpTail = Current();
        writer.Write(TailSignatureValue);
        FpLim = Current();
        writer.Flush();
        long end2 = writer.BaseStream.Position;
        writer.BaseStream.Position = fpMin;
        writer.Write(ToBytes());
        writer.Flush();
        writer.BaseStream.Position = end2;
    }

    /// <summary>Reads and checks the header and leaves the reader at the model bytes.</summary>
    /// <exception cref="FormatException">The bytes are not a whole model.</exception>
    public static ModelHeader BeginRead(BinaryReader reader, IExceptionContext ectx, out long fpMin, out string[] strings, out string assemblyName)
    {
        Stream stream = reader.BaseStream;
        fpMin = stream.Position;
        byte[] bytes = reader.ReadBytes(Size);
        ectx.CheckDecode(bytes.Length == Size, $"Corrupt model: its header has {bytes.Length} bytes instead of {Size}");
        ectx.CheckDecode(BinaryPrimitives.ReadUInt64LittleEndian(bytes) == SignatureValue, "Wrong file type: this is not a model");
        ModelHeader header = FromBytes(bytes);
        ectx.CheckDecode(
            header.VerReadable <= VerWrittenCur && header.VerWritten >= VerWeCanReadBack,
            $"The model header has version 0x{header.VerWritten:X8}, which this version cannot read");

        long length = stream.Length - fpMin;
        bool InFile(long start, long count) => start >= 0 && count >= 0 && start <= length && count <= length - start;
        bool whole = header.FpModel >= Size
            && InFile(header.FpModel, header.CbModel)
            && InFile(header.FpStringTable, header.CbStringTable)
            && InFile(header.FpStringChars, header.CbStringChars)
            && InFile(header.FpAssemblyName, header.CbAssemblyName)
            && header.CbStringTable % sizeof(long) == 0
            && InFile(header.FpTail, sizeof(ulong))
            && header.FpLim == header.FpTail + sizeof(ulong);
        ectx.CheckDecode(whole, "Corrupt model: its header points outside the file");
        stream.Position = fpMin + header.FpTail;
        ectx.CheckDecode(reader.ReadUInt64() == TailSignatureValue, "Corrupt model: its end is missing");

        strings = ReadStrings(reader, fpMin, header, ectx);
        assemblyName = null;
        if (header.VerWritten >= VerAssemblyNameSupported && header.CbAssemblyName > 0)
        {
            stream.Position = fpMin + header.FpAssemblyName;
            assemblyName = Encoding.Unicode.GetString(reader.ReadBytes((int)header.CbAssemblyName));
        }
        stream.Position = fpMin + header.FpModel;
        return header;
    }

    private static string[] ReadStrings(BinaryReader reader, long fpMin, in ModelHeader header, IExceptionContext ectx)
    {
        var strings = new string[header.CbStringTable / sizeof(long)];
        reader.BaseStream.Position = fpMin + header.FpStringTable;
        var ends = new long[strings.Length];
        long previous = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = reader.ReadInt64();
            ectx.CheckDecode(ends[i] >= previous && ends[i] <= header.CbStringChars && ends[i] % sizeof(char) == 0, "Corrupt model: bad string table");
            previous = ends[i];
        }
        reader.BaseStream.Position = fpMin + header.FpStringChars;
        previous = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            strings[i] = Encoding.Unicode.GetString(reader.ReadBytes((int)(ends[i] - previous)));
            previous = ends[i];
        }
        return strings;
    }

    private readonly byte[] ToBytes()
    {
        var bytes = new byte[Size];
        Span<byte> span = bytes;
        BinaryPrimitives.WriteUInt64LittleEndian(span, SignatureValue);
        BinaryPrimitives.WriteUInt32LittleEndian(span[0x08..], VerWritten);
        BinaryPrimitives.WriteUInt32LittleEndian(span[0x0C..], VerReadable);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x10..], FpModel);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x18..], CbModel);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x20..], FpStringTable);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x28..], CbStringTable);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x30..], FpStringChars);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x38..], CbStringChars);
        BinaryPrimitives.WriteUInt64LittleEndian(span[0x40..], ModelSignature);
        BinaryPrimitives.WriteUInt32LittleEndian(span[0x48..], ModelVerWritten);
        BinaryPrimitives.WriteUInt32LittleEndian(span[0x4C..], ModelVerReadable);
        Encoding.ASCII.GetBytes(LoaderSignature, span[0x50..]);
        Encoding.ASCII.GetBytes(LoaderSignatureAlt, span[0x68..]);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x80..], FpTail);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x88..], FpLim);
        BinaryPrimitives.WriteInt64LittleEndian(span[0x90..], FpAssemblyName);
        BinaryPrimitives.WriteUInt32LittleEndian(span[0x98..], CbAssemblyName);
        return bytes;
    }

    private static ModelHeader FromBytes(ReadOnlySpan<byte> span) => new()
    {
        VerWritten = BinaryPrimitives.ReadUInt32LittleEndian(span[0x08..]),
        VerReadable = BinaryPrimitives.ReadUInt32LittleEndian(span[0x0C..]),
        FpModel = BinaryPrimitives.ReadInt64LittleEndian(span[0x10..]),
        CbModel = BinaryPrimitives.ReadInt64LittleEndian(span[0x18..]),
        FpStringTable = BinaryPrimitives.ReadInt64LittleEndian(span[0x20..]),
        CbStringTable = BinaryPrimitives.ReadInt64LittleEndian(span[0x28..]),
        FpStringChars = BinaryPrimitives.ReadInt64LittleEndian(span[0x30..]),
        CbStringChars = BinaryPrimitives.ReadInt64LittleEndian(span[0x38..]),
        ModelSignature = BinaryPrimitives.ReadUInt64LittleEndian(span[0x40..]),
        ModelVerWritten = BinaryPrimitives.ReadUInt32LittleEndian(span[0x48..]),
        ModelVerReadable = BinaryPrimitives.ReadUInt32LittleEndian(span[0x4C..]),
        LoaderSignature = Encoding.ASCII.GetString(span.Slice(0x50, MaxLoaderSignature)).TrimEnd('\0'),
        LoaderSignatureAlt = Encoding.ASCII.GetString(span.Slice(0x68, MaxLoaderSignature)).TrimEnd('\0'),
        FpTail = BinaryPrimitives.ReadInt64LittleEndian(span[0x80..]),
        FpLim = BinaryPrimitives.ReadInt64LittleEndian(span[0x88..]),
        FpAssemblyName = BinaryPrimitives.ReadInt64LittleEndian(span[0x90..]),
        CbAssemblyName = BinaryPrimitives.ReadUInt32LittleEndian(span[0x98..]),
    };
}
