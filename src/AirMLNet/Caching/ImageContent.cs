using System.Buffers.Binary;
using System.Security.Cryptography;
using AirMLNet.Images;

namespace AirMLNet.Caching;

/// <summary>An image before it is decoded: the bytes of a file, or pixels.</summary>
internal readonly struct ImageContent
{
    private readonly byte[]? _bytes;
    private readonly string? _name;
    private readonly RgbImage? _pixels;

    private ImageContent(byte[]? bytes, string? name, RgbImage? pixels) => (_bytes, _name, _pixels) = (bytes, name, pixels);

    /// <summary>Reads a file; nothing is decoded.</summary>
    /// <exception cref="UnreadableImageException">The file is missing, cannot be read or is too large.</exception>
    public static ImageContent Read(string path, long maxPixels) => new(ImageFile.Read(path, maxPixels), path, null);

    public static ImageContent Of(RgbImage pixels) => new(null, null, pixels);

    /// <summary>128 bits of a SHA-256 of the content. A file and its pixels have different ones.</summary>
    public UInt128 Key()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (_bytes is not null)
        {
            SHA256.HashData(_bytes, hash);
        }
        else
        {
            using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> size = stackalloc byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(size, _pixels!.Width);
            BinaryPrimitives.WriteInt32LittleEndian(size[4..], _pixels.Height);
            sum.AppendData("pixels"u8);
            sum.AppendData(size);
            sum.AppendData(_pixels.Pixels);
            sum.GetHashAndReset(hash);
        }
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>The pixels.</summary>
    /// <exception cref="UnreadableImageException">The bytes are no whole image, or the image is too large.</exception>
    public RgbImage Decode(long maxPixels) => _pixels ?? ImageFile.DecodeOwned(_bytes!, _name!, maxPixels);
}
