using System.Buffers.Binary;

namespace AirMLNet.Images.Formats;

/// <summary>JPEG (ITU-T T.81, annex B): segments up to the end-of-image marker.</summary>
internal static class JpegHeader
{
    private const string Format = "JPEG";
    private const byte StartOfScan = 0xda,
        EndOfImage = 0xd9,
        App1 = 0xe1;

    // Encoders write about ten, and a few dozen at most. Each costs a pass over the whole image, and takes a dozen bytes.
    private const int MostScans = 200;

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        ImageHeader? header = null;
        int at = 2,
            scans = 0,
            orientation = 0;
        while (true)
        {
            var marker = NextMarker(bytes, ref at);
            if (marker == EndOfImage)
            {
                return (header ?? throw ImageHeader.Damaged(Format, "it holds no image")) with
                {
                    Orientation = Math.Max(orientation, ExifOrientation.Upright),
                };
            }

            if (marker is 0x01 or >= 0xd0 and <= 0xd8)
            {
                continue; // stands alone, without a length
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(ImageHeader.Slice(bytes, at, 2, Format));
            var segment = ImageHeader.Slice(bytes, at, length, Format);
            if (marker == App1 && orientation == 0 && length > 8 && segment[2..].StartsWith("Exif\0\0"u8))
            {
                orientation = ExifOrientation.Read(segment[2..]);
            }
            // Frame headers: SOF0 to SOF15, less DHT, JPG and DAC, which have numbers among them.
            if (marker is >= 0xc0 and <= 0xcf and not (0xc4 or 0xc8 or 0xcc) && header is null)
            {
                var size = ImageHeader.Slice(segment, 2, 6, Format);
                header = new(Format, BinaryPrimitives.ReadUInt16BigEndian(size[3..]), BinaryPrimitives.ReadUInt16BigEndian(size[1..]));
            }

            at += Math.Max(2, (int)length);
            if (marker == StartOfScan)
            {
                if (++scans > MostScans)
                {
                    throw ImageHeader.Damaged(Format, $"more than {MostScans} scans");
                }

                SkipScan(bytes, ref at);
            }
        }
    }

    private static byte NextMarker(ReadOnlySpan<byte> bytes, ref int at)
    {
        // Between segments there may be fill bytes, and rubbish that decoders skip.
        var start = bytes[at..].IndexOf((byte)0xff);
        if (start < 0)
        {
            throw ImageHeader.EndsEarly(Format);
        }

        var code = bytes[(at + start)..].IndexOfAnyExcept((byte)0xff);
        if (code < 0)
        {
            throw ImageHeader.EndsEarly(Format);
        }

        at += start + code + 1;
        return bytes[at - 1];
    }

    /// <summary>Skips compressed data, in which 0xff is followed by 0 or by a restart marker.</summary>
    private static void SkipScan(ReadOnlySpan<byte> bytes, ref int at)
    {
        while (true)
        {
            var next = at < bytes.Length ? bytes[at..].IndexOf((byte)0xff) : -1;
            if (next < 0 || at + next + 1 >= bytes.Length)
            {
                throw ImageHeader.EndsEarly(Format);
            }

            at += next;
            if (bytes[at + 1] is not (0 or 0xff or >= 0xd0 and <= 0xd7))
            {
                return;
            }

            at += bytes[at + 1] == 0xff ? 1 : 2;
        }
    }
}
