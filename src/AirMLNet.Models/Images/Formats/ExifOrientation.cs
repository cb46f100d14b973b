namespace AirMLNet.Images.Formats;

/// <summary>
/// The one thing in EXIF that changes how an image looks. It is read here, because a decoder that is asked for it takes in all
/// that is said of an image: a few kilobytes of compressed text become gigabytes.
/// </summary>
internal static class ExifOrientation
{
    /// <summary>As it is stored.</summary>
    public const int Upright = 1;

    public const int Tag = 274;

    private const int Short = 3,
        Long = 4;

    /// <summary>1 to 8; upright where the data is damaged or says nothing.</summary>
    public static int Read(ReadOnlySpan<byte> exif)
    {
        if (exif.StartsWith("Exif\0\0"u8))
        {
            exif = exif[6..];
        }

        if (!exif.StartsWith("II*\0"u8) && !exif.StartsWith("MM\0*"u8))
        {
            return Upright;
        }

        try
        {
            var file = new TiffReader(exif, exif[0] == 'I');
            var at = file.UInt32(4);
            for (var i = file.UInt16(at); i > 0; i--, at += 12)
            {
                if (file.UInt16(at + 2) == Tag)
                {
                    return Of(file, at + 2);
                }
            }
        }
        catch (InvalidDataException)
        {
            // Cut off: as if there were none.
        }

        return Upright;
    }

    /// <summary>The value of a directory's entry.</summary>
    public static int Of(TiffReader file, long entry)
    {
        var value = file.UInt16(entry + 2) switch
        {
            Short => file.UInt16(entry + 8),
            Long => file.UInt32(entry + 8),
            _ => 0,
        };
        return value is >= 1 and <= 8 ? (int)value : Upright;
    }
}
