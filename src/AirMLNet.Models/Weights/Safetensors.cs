using System.Buffers.Binary;
using System.Text.Json;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.Weights;

/// <summary>Writes tensors in the safetensors format, and reads them from streams.</summary>
internal static class Safetensors
{
    private const long DefaultMaxBytes = 1L << 30;

    /// <summary>Writes a file that appears under its name only when whole. Equal tensors give equal bytes.</summary>
    /// <param name="path">The file; an existing one is replaced.</param>
    /// <param name="tensors">Tensors by name, on any device, of any type the format knows.</param>
    /// <param name="metadata">Free-form strings for the header.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path,
        IReadOnlyDictionary<string, Tensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    ) => AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes to a stream, which stays open.</summary>
    public static void Write(
        Stream stream,
        IReadOnlyDictionary<string, Tensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        var ordered = tensors.OrderBy(t => t.Key, StringComparer.Ordinal).ToList();
        stream.Write(Header(ordered, metadata));
        foreach (var (name, tensor) in ordered)
        {
            if (tensor.numel() == 0)
            {
                continue;
            }

            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var bytes = tensor.detach().cpu().contiguous().bytes;
            stream.Write(bytes);
        }
    }

    /// <summary>Reads all tensors from a stream, from its position to its end.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="name">What to call it in error messages.</param>
    /// <param name="maxBytes">Longest content that is read.</param>
    /// <returns>New CPU tensors, which the caller owns.</returns>
    /// <exception cref="SafetensorsException">The content is corrupt or too long.</exception>
    public static Dictionary<string, Tensor> Read(Stream stream, string name, long maxBytes = DefaultMaxBytes)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[81920];
        for (int read; (read = stream.Read(chunk)) > 0; )
        {
            if (buffer.Length + read > Math.Min(maxBytes, Array.MaxLength))
            {
                throw new SafetensorsException($"{name}: longer than {maxBytes} bytes.");
            }

            buffer.Write(chunk, 0, read);
        }

        ReadOnlyMemory<byte> content = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        var headerLength = SafetensorsHeader.ReadLength(
            content.Span[..Math.Min(content.Length, SafetensorsHeader.PrefixLength)],
            content.Length,
            name
        );
        var data = content[(SafetensorsHeader.PrefixLength + headerLength)..];
        var header = SafetensorsHeader.Parse(content.Slice(SafetensorsHeader.PrefixLength, headerLength), data.Length, name);
        return header.Entries.ToDictionary(
            e => e.Key,
            e => ToTensor(e.Value, data.Span.Slice((int)e.Value.Offset, (int)e.Value.Length), null)
        );
    }

    internal static Tensor ToTensor(SafetensorsEntry entry, ReadOnlySpan<byte> bytes, ScalarType? dtype)
    {
        var tensor = empty(entry.Shape, dtype: entry.DType);
        if (bytes.Length > 0)
        {
            bytes.CopyTo(tensor.bytes);
        }

        if (dtype is null || dtype == entry.DType)
        {
            return tensor;
        }

        using (tensor)
        {
            return tensor.to_type(dtype.Value);
        }
    }

    private static byte[] Header(List<KeyValuePair<string, Tensor>> ordered, IReadOnlyDictionary<string, string>? metadata)
    {
        using var json = new MemoryStream();
        json.Write(new byte[SafetensorsHeader.PrefixLength]);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                writer.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    writer.WriteString(key, value);
                }

                writer.WriteEndObject();
            }

            long offset = 0;
            foreach (var (name, tensor) in ordered)
            {
                writer.WriteStartObject(name);
                writer.WriteString("dtype", SafetensorsTypes.Name(tensor.dtype));
                writer.WriteStartArray("shape");
                foreach (var d in tensor.shape)
                {
                    writer.WriteNumberValue(d);
                }

                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(offset);
                offset += tensor.numel() * SafetensorsTypes.Size(tensor.dtype);
                writer.WriteNumberValue(offset);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        // Spaces up to a multiple of 8, so that the data section is aligned in a memory map.
        while (json.Length % 8 != 0)
        {
            json.WriteByte((byte)' ');
        }

        var header = json.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - SafetensorsHeader.PrefixLength);
        return header;
    }
}
