using System.Buffers.Binary;

namespace Microsoft.ML.Data;

/// <summary>
/// Names an image's format from its first bytes and refuses files that break off: gdk-pixbuf fills what is missing from a
/// truncated PNG or JPEG with grey and reports success. Only bitmap formats are named, so no vector or container format is run.
/// </summary>
internal static class ImageSignature
{
    private static ReadOnlySpan<byte> Png => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <exception cref="InvalidDataException">Unknown format, or the file ends before its end mark.</exception>
    internal static string Check(ReadOnlySpan<byte> bytes, string name)
    {
        if (bytes.IsEmpty)
        {
            throw new InvalidDataException($"{name}: the file is empty.");
        }

        if (bytes.StartsWith(Png))
        {
            CheckPng(bytes, name);
            return "png";
        }

        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
        {
            // Every entropy-coded 0xFF is followed by 0x00, so this mark cannot occur inside the last scan.
            if (bytes.LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) <= LastJpegScan(bytes))
            {
                throw Truncated(name, "JPEG", "its end mark is missing");
            }

            return "jpeg";
        }

        if (bytes.StartsWith("GIF87a"u8) || bytes.StartsWith("GIF89a"u8))
        {
            return "gif";
        }

        if (bytes.Length >= 14 && bytes.StartsWith("BM"u8))
        {
            CheckBmp(bytes, name);
            return "bmp";
        }

        if (bytes.Length >= 12 && bytes.StartsWith("RIFF"u8) && bytes[8..12].SequenceEqual("WEBP"u8))
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) > bytes.Length - 8)
            {
                throw Truncated(name, "WebP", "it is shorter than its header says");
            }

            return "webp";
        }

        if (bytes.StartsWith("II*\0"u8) || bytes.StartsWith("MM\0*"u8))
        {
            return "tiff";
        }

        throw new InvalidDataException($"{name}: not an image; expected PNG, JPEG, GIF, BMP, WebP or TIFF.");
    }

    private static void CheckBmp(ReadOnlySpan<byte> bytes, string name)
    {
        const int fileHeader = 14, infoHeader = 40;
        long needed = BinaryPrimitives.ReadUInt32LittleEndian(bytes[2..]); // 0 in some files
        if (bytes.Length >= fileHeader + infoHeader
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes[14..]) >= infoHeader
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes[30..]) == 0)
        {
            // Without compression the length follows from the sizes: rows are padded to 4 bytes.
            long width = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]));
            long height = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(bytes[22..]));
            long bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]);
            Int128 total = BinaryPrimitives.ReadUInt32LittleEndian(bytes[10..]) + (Int128)((width * bits + 31) / 32 * 4) * height;
            needed = total < long.MaxValue - 3 ? (long)total : long.MaxValue;
        }

        // A few writers leave out the padding of the last row.
        if (bytes.Length + 3L < needed)
        {
            throw Truncated(name, "BMP", "it is shorter than its header says");
        }
    }

    private static void CheckPng(ReadOnlySpan<byte> bytes, string name)
    {
        int at = Png.Length;
        while (bytes.Length - at >= 12)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            if (length > bytes.Length - at - 12)
            {
                break;
            }

            if (bytes.Slice(at + 4, 4).SequenceEqual("IEND"u8))
            {
                return;
            }

            at += (int)length + 12;
        }

        throw Truncated(name, "PNG", "its last chunk is missing");
    }

    /// <summary>Position of the last start-of-scan segment, found by walking the segments; 0 when there is none.</summary>
    private static int LastJpegScan(ReadOnlySpan<byte> bytes)
    {
        int last = 0;
        int at = 2;
        while (at + 4 <= bytes.Length)
        {
            int mark = bytes[at..].IndexOf((byte)0xFF);
            if (mark < 0 || at + mark + 4 > bytes.Length)
            {
                break;
            }

            at += mark;
            byte code = bytes[at + 1];
            if (code == 0xFF)
            {
                at++;
            }
            else if (code is 0x00 or 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += 2; // stuffing, restart marks: no length follows
            }
            else if (code == 0xD9)
            {
                break;
            }
            else
            {
                if (code == 0xDA)
                {
                    last = at;
                }

                at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            }
        }

        return last;
    }

    private static InvalidDataException Truncated(string name, string format, string why)
        => new($"{name}: a truncated {format} image: {why}.");
}
