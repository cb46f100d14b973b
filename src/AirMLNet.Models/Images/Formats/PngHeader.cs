using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace AirMLNet.Images.Formats;

/// <summary>PNG (ISO/IEC 15948): chunks up to IEND, and as much compressed data as the pixels need.</summary>
internal static class PngHeader
{
    private const string Format = "PNG";
    private const int NarrowestInterlaced = 5;

    // EXIF has at most 64 kB, and here two digits and some line ends for each byte.
    private const int LongestProfile = 1 << 18;

    private static ReadOnlySpan<byte> ProfileName => "Raw profile type exif\0"u8;

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        var header = ImageHeader.Slice(bytes, 8, 25, Format);
        if (!header[4..8].SequenceEqual("IHDR"u8))
        {
            throw ImageHeader.Damaged(Format, "it does not begin with its header");
        }

        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(header[8..]), BinaryPrimitives.ReadInt32BigEndian(header[12..]));
        var (depth, color) = (header[16], header[17]);
        var alpha = color is 4 or 6;
        long at = 8;
        var orientation = 0;
        while (true)
        {
            var chunk = ImageHeader.Slice(bytes, at, 8, Format);
            long length = BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (chunk[4..].SequenceEqual("IEND"u8))
            {
                break;
            }

            if (chunk[4..].SequenceEqual("tRNS"u8))
            {
                alpha = true;
            }
            // A decoder would take memory for the size in the last one.
            if (chunk[4..].SequenceEqual("IHDR"u8) && at > 8)
            {
                throw ImageHeader.Damaged(Format, "it has two headers");
            }

            var content = ImageHeader.Slice(bytes, at + 8, length + 4, Format)[..(int)length];
            if (chunk[4..].SequenceEqual("eXIf"u8))
            {
                orientation = ExifOrientation.Read(content);
            }
            else if (orientation == 0 && chunk[4..].SequenceEqual("zTXt"u8))
            {
                orientation = OrientationOfText(content);
            }

            at += length + 12;
        }

        return new(Format, width, height, alpha, depth == 16, Math.Max(orientation, ExifOrientation.Upright));
    }

    /// <summary>
    /// Inflates the pixel data without keeping it. Called when the size is known to be acceptable, since it takes as long as the
    /// image is large.
    /// </summary>
    /// <exception cref="InvalidDataException">There is less data than the pixels need.</exception>
    public static void CheckData(byte[] bytes)
    {
        var header = bytes.AsSpan(8 + 8, 13);
        int width = BinaryPrimitives.ReadInt32BigEndian(header),
            height = BinaryPrimitives.ReadInt32BigEndian(header[4..]);
        if (width <= 0 || height <= 0)
        {
            throw ImageHeader.Damaged(Format, $"{width} x {height} pixels");
        }

        // ImageSharp 2.1 loops for ever over some of them, and fails on others: of seven passes the second has no column.
        if (header[12] != 0 && width < NarrowestInterlaced)
        {
            throw new InvalidDataException($"an interlaced PNG of {width} pixels' width is not read; save it without interlacing");
        }

        var needed = DataLength(width, height, header[8], header[9], interlaced: header[12] != 0);
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            using var inflated = new ZLibStream(new PixelChunks(bytes), CompressionMode.Decompress);
            for (int read; needed > 0 && (read = inflated.Read(buffer)) > 0; )
            {
                needed -= read;
            }
        }
        catch (InvalidDataException)
        {
            throw ImageHeader.Damaged(Format, "its pixels cannot be decompressed");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (needed > 0)
        {
            throw ImageHeader.EndsEarly(Format);
        }
    }

    /// <summary>EXIF as ImageMagick wrote it into texts: a name, a length, and two digits for each byte; 0 for another text.</summary>
    private static int OrientationOfText(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith(ProfileName))
        {
            return 0;
        }

        try
        {
            using var inflated = new ZLibStream(new MemoryStream(text[(ProfileName.Length + 1)..].ToArray()), CompressionMode.Decompress);
            var digits = new byte[LongestProfile];
            digits = digits[..inflated.ReadAtLeast(digits, digits.Length, throwOnEndOfStream: false)];
            // "\nexif\n    1234\n4578…": after the third line end, and lines of 72 digits.
            var lines = System.Text.Encoding.ASCII.GetString(digits).Split('\n');
            return ExifOrientation.Read(Convert.FromHexString(string.Concat(lines.Skip(3))));
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            return ExifOrientation.Upright;
        }
    }

    private static long DataLength(long width, long height, int depth, int color, bool interlaced)
    {
        var bits =
            depth
            * (
                color switch
                {
                    2 => 3,
                    4 => 2,
                    6 => 4,
                    _ => 1,
                }
            );
        if (!interlaced)
        {
            return Rows(width, height);
        }
        // Adam7: the first column and row of each pass, and its steps.
        ReadOnlySpan<(int X, int Y, int StepX, int StepY)> passes =
        [
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ];
        long sum = 0;
        foreach (var (x, y, stepX, stepY) in passes)
        {
            sum += Rows((width - x + stepX - 1) / stepX, (height - y + stepY - 1) / stepY);
        }

        return sum;

        long Rows(long columns, long rows) => columns <= 0 || rows <= 0 ? 0 : rows * (1 + (columns * bits + 7) / 8);
    }

    /// <summary>The content of all IDAT chunks in turn; the chunks are known to lie within the file.</summary>
    private sealed class PixelChunks(byte[] bytes) : Stream
    {
        private int _chunk = 8,
            _at,
            _left;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            while (_left == 0)
            {
                var chunk = bytes.AsSpan(_chunk);
                if (chunk[4..8].SequenceEqual("IEND"u8))
                {
                    return 0;
                }

                var length = (int)BinaryPrimitives.ReadUInt32BigEndian(chunk);
                (_at, _left) = chunk[4..8].SequenceEqual("IDAT"u8) ? (_chunk + 8, length) : (0, 0);
                _chunk += length + 12;
            }

            var count = Math.Min(_left, buffer.Length);
            bytes.AsSpan(_at, count).CopyTo(buffer);
            (_at, _left) = (_at + count, _left - count);
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
