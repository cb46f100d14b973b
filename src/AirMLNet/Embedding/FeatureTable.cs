using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AirMLNet.Files;
using AirMLNet.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Embedding;

/// <summary>A part of a table of features, in memory: N paths and [N, D] values.</summary>
internal sealed record FeaturePart(IReadOnlyList<string> Paths, float[] Values);

/// <summary>What is written: a table of N features of D numbers.</summary>
/// <param name="Dimension">D.</param>
/// <param name="Paths">The paths of all parts.</param>
/// <param name="Metadata">Who made them.</param>
/// <param name="Parts">Asked for once, in order, so that no more than one needs to be in memory.</param>
internal sealed record FeatureRows(
    int Dimension,
    IReadOnlyList<string> Paths,
    IReadOnlyDictionary<string, string> Metadata,
    IEnumerable<FeaturePart> Parts
);

/// <summary>A way to write a table.</summary>
/// <param name="Ending">Of the file's name.</param>
/// <param name="Write">Writes to a path; the file appears when it is whole.</param>
internal sealed record FeatureFormat(string Ending, Action<string, FeatureRows> Write);

/// <summary>Writes tables of features. A file appears under its name only when whole.</summary>
internal static class FeatureTable
{
    // A hash of the list of paths, of which a file whose list was changed by hand knows no more.
    private const string PathsHash = "paths_sha256";

    /// <summary>The formats that need no other package; .npy has its paths in a .paths.txt beside it.</summary>
    public static IReadOnlyList<FeatureFormat> Formats { get; } =
    [
        new(".safetensors", (path, table) => AtomicFile.Write(path, stream => WriteSafetensors(stream, table))),
        new(
            ".npy",
            (path, table) =>
            {
                AtomicFile.Write(path, stream => WriteNpy(stream, table.Dimension, table.Paths.Count, table.Parts));
                AtomicFile.Write(Path.ChangeExtension(path, ".paths.txt"), stream => stream.Write(Lines(table.Paths)));
            }
        ),
        new(".csv", (path, table) => AtomicFile.Write(path, stream => WriteCsv(stream, table.Dimension, table.Parts))),
        new(".idv", (path, table) => AtomicFile.Write(path, stream => WriteBinary(stream, table.Dimension, table.Parts))),
    ];

    /// <summary>The format of a file name.</summary>
    /// <exception cref="ArgumentException">The ending is not one of them.</exception>
    public static FeatureFormat Format(string path, IReadOnlyList<FeatureFormat>? formats = null)
    {
        formats ??= Formats;
        var ending = Path.GetExtension(path).ToLowerInvariant();
        return formats.FirstOrDefault(f => f.Ending == ending)
            ?? throw new ArgumentException(
                $"{path}: the features' file must end in {string.Join(", ", formats.Select(f => f.Ending))}.",
                nameof(path)
            );
    }

    /// <summary>Reads a safetensors file that <see cref="Formats"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is another file.</exception>
    public static (FeaturePart Part, IReadOnlyDictionary<string, string> Metadata) Read(string path)
    {
        using var file = SafetensorsFile.Open(path);
        if (
            !file.Entries.TryGetValue("features", out var features)
            || features.Shape.Length != 2
            || features.DType != TorchSharp.torch.ScalarType.Float32
            || !file.Entries.ContainsKey("paths")
        )
        {
            throw new InvalidDataException($"{path}: this is no file of features and paths.");
        }

        var text = Encoding.UTF8.GetString(file.GetBytes("paths"));
        var paths = text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');
        if (file.Metadata.TryGetValue("dimension", out var said) && said != features.Shape[1].ToString(CultureInfo.InvariantCulture))
        {
            throw new InvalidDataException($"{path}: features of {features.Shape[1]} numbers, but it says {said} of itself.");
        }

        var metadata = file.Metadata.ToDictionary();
        return paths.Length != features.Shape[0]
                ? throw new InvalidDataException($"{path}: {features.Shape[0]} features but {paths.Length} paths.")
            : metadata.Remove(PathsHash, out var hash) && hash != Hash(file.GetBytes("paths"))
                ? throw new InvalidDataException($"{path}: its paths are not those it was written with; delete it, to start anew.")
            : (new(paths, MemoryMarshal.Cast<byte, float>(file.GetBytes("features")).ToArray()), metadata);
    }

    private static void WriteSafetensors(Stream stream, FeatureRows table)
    {
        var (dimension, paths, metadata, parts) = table;
        var lines = Lines(paths);
        var bytes = (long)paths.Count * dimension * sizeof(float);
        SortedDictionary<string, string> about = new(metadata.ToDictionary(), StringComparer.Ordinal) { [PathsHash] = Hash(lines) };
        var header = JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, object>
            {
                ["__metadata__"] = about,
                ["features"] = new
                {
                    dtype = "F32",
                    shape = new[] { paths.Count, dimension },
                    data_offsets = new[] { 0, bytes },
                },
                ["paths"] = new
                {
                    dtype = "U8",
                    shape = new[] { lines.Length },
                    data_offsets = new[] { bytes, bytes + lines.Length },
                },
            }
        );
        var padded = (header.Length + 7) / 8 * 8;
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, padded);
        stream.Write(length);
        stream.Write(header);
        stream.Write(Enumerable.Repeat((byte)' ', padded - header.Length).ToArray());
        WriteValues(stream, parts);
        stream.Write(lines);
    }

    private static void WriteNpy(Stream stream, int dimension, int count, IEnumerable<FeaturePart> parts)
    {
        // Format 1.0: magic, version, length of the header, the header padded to a multiple of 64 in all.
        var header = string.Create(
            CultureInfo.InvariantCulture,
            $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {dimension}), }}"
        );
        header = header.PadRight(((10 + header.Length + 1 + 63) / 64 * 64) - 10 - 1) + "\n";
        stream.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
        stream.Write(Encoding.ASCII.GetBytes(header));
        WriteValues(stream, parts);
    }

    private static void WriteCsv(Stream stream, int dimension, IEnumerable<FeaturePart> parts)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("path," + string.Join(',', Enumerable.Range(0, dimension).Select(d => $"f{d}")));
        foreach (var part in parts)
        {
            for (var i = 0; i < part.Paths.Count; i++)
            {
                writer.Write(Quoted(part.Paths[i]));
                for (var d = 0; d < dimension; d++)
                {
                    writer.Write(',');
                    writer.Write(part.Values[(i * dimension) + d].ToString("R", CultureInfo.InvariantCulture));
                }

                writer.WriteLine();
            }
        }
    }

    // ML.NET's binary data view: the columns of a pipeline, so that mlContext.Data.LoadFromBinary can read them.
    private static void WriteBinary(Stream stream, int dimension, IEnumerable<FeaturePart> parts)
    {
        var ml = new MLContext();
        var schema = SchemaDefinition.Create(typeof(FeatureRow));
        schema[nameof(FeatureRow.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, dimension);
        var rows = parts.SelectMany(part =>
            part.Paths.Select(
                (path, i) => new FeatureRow { ImagePath = path, Features = part.Values[(i * dimension)..((i + 1) * dimension)] }
            )
        );
        ml.Data.SaveAsBinary(ml.Data.LoadFromEnumerable(rows, schema), stream);
    }

    private sealed class FeatureRow
    {
        public string ImagePath { get; set; } = "";

        public float[] Features { get; set; } = [];
    }

    private static void WriteValues(Stream stream, IEnumerable<FeaturePart> parts)
    {
        foreach (var part in parts)
        {
            stream.Write(MemoryMarshal.AsBytes<float>(part.Values));
        }
    }

    private static string Hash(ReadOnlySpan<byte> lines) => Convert.ToHexStringLower(SHA256.HashData(lines));

    private static byte[] Lines(IReadOnlyList<string> paths) => Encoding.UTF8.GetBytes(string.Concat(paths.Select(p => p + "\n")));

    private static string Quoted(string text) =>
        text.IndexOfAny([',', '"', '\r', '\n']) < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
