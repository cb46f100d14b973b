using System.Buffers.Binary;
using System.Text.Json;
using AirMLNet.Files;
using static TorchSharp.torch;

namespace AirMLNet.Weights;

/// <summary>Where one tensor lies in a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Offset">First byte, counted from the start of the data section.</param>
/// <param name="Length">Number of bytes.</param>
internal sealed record SafetensorsEntry(string Name, ScalarType DType, long[] Shape, long Offset, long Length);

/// <summary>The JSON header of a safetensors file, checked before anything is read through it.</summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Bytes of the length field before the header.</summary>
    public const int PrefixLength = 8;

    /// <summary>Longest header that is read, as in the format's own library.</summary>
    public const long MaxLength = 100_000_000;

    private const int MaxRank = 64;

    private SafetensorsHeader(Dictionary<string, SafetensorsEntry> entries, Dictionary<string, string> metadata) =>
        (Entries, Metadata) = (entries, metadata);

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Reads the length field and checks that a header of that length fits in the file.</summary>
    public static int ReadLength(ReadOnlySpan<byte> prefix, long fileLength, string file)
    {
        if (prefix.Length < PrefixLength)
        {
            throw new SafetensorsException($"{file}: {fileLength} bytes are too few for a safetensors file.");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length is 0 or > (ulong)MaxLength || (long)length > fileLength - PrefixLength)
        {
            throw new SafetensorsException(
                GitLfs.Begins(prefix) ? GitLfs.Advice(file)
                : Pickle.Begins(prefix)
                    ? $"{file} is no safetensors file, whatever its name. {Pickle.Advice(Path.GetFileName(file), "model.safetensors")}"
                : $"{file}: the header is said to have {length} bytes, which a file of {fileLength} bytes cannot hold (at most "
                    + $"{MaxLength} are read); the file is corrupt, truncated or not safetensors."
            );
        }

        return (int)length;
    }

    public static SafetensorsHeader Parse(ReadOnlyMemory<byte> json, long dataLength, string file)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            return Parse(document.RootElement, dataLength, file);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new SafetensorsException($"{file}: the header is not valid: {e.Message}", e);
        }
    }

    private static SafetensorsHeader Parse(JsonElement root, long dataLength, string file)
    {
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name == "__metadata__")
            {
                if (property.Value.ValueKind == JsonValueKind.Null)
                {
                    continue; // as the format's own library takes it
                }
                foreach (var item in property.Value.EnumerateObject())
                {
                    metadata[item.Name] = item.Value.GetString() ?? "";
                }
            }
            else if (!entries.TryAdd(property.Name, Entry(property.Name, property.Value, dataLength, file)))
            {
                throw new SafetensorsException($"{file}: the tensor '{property.Name}' is listed twice.");
            }
        }

        CheckCoverage(entries.Values, dataLength, file);
        return new(entries, metadata);
    }

    private static SafetensorsEntry Entry(string name, JsonElement value, long dataLength, string file)
    {
        JsonElement Get(string key) =>
            value.ValueKind == JsonValueKind.Object && value.TryGetProperty(key, out var found)
                ? found
                : throw new SafetensorsException($"{file}: the tensor '{name}' has no '{key}'.");
        var typeName = Get("dtype").GetString() ?? "";
        var type =
            SafetensorsTypes.Parse(typeName)
            ?? throw new SafetensorsException(
                $"{file}: the tensor '{name}' has the type '{typeName}', which is not one of {SafetensorsTypes.Known}; "
                    + "write the file again with its numbers in one of those, such as F16."
            );
        long[] shape = [.. Get("shape").EnumerateArray().Select(d => d.GetInt64())];
        long[] offsets = [.. Get("data_offsets").EnumerateArray().Select(d => d.GetInt64())];
        if (shape.Length > MaxRank || shape.Any(d => d < 0))
        {
            throw new SafetensorsException($"{file}: the tensor '{name}' has the shape [{string.Join(", ", shape.Take(MaxRank))}].");
        }

        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > dataLength)
        {
            throw new SafetensorsException(
                $"{file}: the tensor '{name}' lies at [{string.Join(", ", offsets.Take(4))}], outside the {dataLength} bytes of data; the "
                    + $"file is truncated or corrupt."
            );
        }

        var bytes = (UInt128)SafetensorsTypes.Size(type);
        foreach (var d in shape)
        {
            bytes = bytes > long.MaxValue && d != 0 ? bytes : bytes * (ulong)d;
        }

        if (bytes != (ulong)(offsets[1] - offsets[0]))
        {
            throw new SafetensorsException(
                $"{file}: the tensor '{name}', {typeName} of shape [{string.Join(", ", shape)}], takes {bytes} bytes, but "
                    + $"{offsets[1] - offsets[0]} are set aside for it."
            );
        }

        return new(name, type, shape, offsets[0], offsets[1] - offsets[0]);
    }

    // No byte belongs to two tensors or to none: otherwise data could hide, or be read as something else.
    private static void CheckCoverage(IEnumerable<SafetensorsEntry> entries, long dataLength, string file)
    {
        long end = 0;
        foreach (var entry in entries.OrderBy(e => e.Offset).ThenBy(e => e.Length))
        {
            if (entry.Offset != end)
            {
                throw new SafetensorsException(
                    $"{file}: the tensor '{entry.Name}' begins at byte {entry.Offset} of the data, but the one before ends at {end}."
                );
            }

            end += entry.Length;
        }

        if (end != dataLength)
        {
            throw new SafetensorsException(
                $"{file}: the tensors take {end} bytes, but {dataLength} bytes of data follow the header; the file is truncated or corrupt."
            );
        }
    }
}
