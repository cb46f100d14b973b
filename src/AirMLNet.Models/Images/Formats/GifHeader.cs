using System.Buffers.Binary;

namespace AirMLNet.Images.Formats;

/// <summary>GIF (version 89a): blocks of all frames up to the trailer.</summary>
internal static class GifHeader
{
    private const string Format = "GIF";

    public static ImageHeader Read(ReadOnlySpan<byte> bytes)
    {
        var screen = ImageHeader.Slice(bytes, 6, 7, Format);
        var header = new ImageHeader(
            Format,
            BinaryPrimitives.ReadUInt16LittleEndian(screen),
            BinaryPrimitives.ReadUInt16LittleEndian(screen[2..]),
            HasAlpha: true
        );
        long at = 13 + ColorTable(screen[4]);
        int images = 0,
            width = 0;
        while (true)
        {
            switch (ImageHeader.Slice(bytes, at, 1, Format)[0])
            {
                case 0x3b:
                    // A frame may be wider than the screen: decoders read its lines all the same, and show less of them.
                    return images > 0
                        ? header with
                        {
                            Width = Math.Max(header.Width, width),
                        }
                        : throw ImageHeader.Damaged(Format, "it holds no image");
                case 0x21: // an extension: its label, then its data
                    at += 2;
                    break;
                case 0x2c: // an image: its place and size, its colours, the size of its codes, then its data
                    var image = ImageHeader.Slice(bytes, at, 10, Format);
                    at += 11 + ColorTable(image[9]);
                    if (images++ == 0)
                    {
                        width = BinaryPrimitives.ReadUInt16LittleEndian(image[5..]);
                    }

                    break;
                case 0: // decoders skip a stray terminator
                    at++;
                    continue;
                default:
                    throw ImageHeader.Damaged(Format, "an unknown block");
            }

            int length;
            do
            {
                length = ImageHeader.Slice(bytes, at, 1, Format)[0];
                at += 1 + length;
            } while (length > 0);
        }
    }

    private static int ColorTable(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);
}
