using AirMLNet.Files;
using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using ParquetSharp;
using ParquetSharp.Arrow;
using FileReader = ParquetSharp.Arrow.FileReader;
using FileWriter = ParquetSharp.Arrow.FileWriter;

namespace AirMLNet.Arrow;

/// <summary>Opens and writes files of record batches, in either format.</summary>
internal static class ArrowFile
{
    /// <summary>Rows of a batch, and of a row group of Parquet.</summary>
    public const int BatchRows = 10_000;

    public const string ParquetEnding = ".parquet",
        ArrowEnding = ".arrow";

    /// <summary>Schema and, where the format says it without reading all, the number of rows.</summary>
    /// <exception cref="InvalidDataException">It is of neither format, or damaged.</exception>
    public static (Schema Schema, long? Rows) Look(string path) =>
        Guard(
            path,
            () =>
            {
                if (IsParquet(path))
                {
                    using var parquet = OpenParquet(path);
                    return (parquet.Schema, (long?)parquet.ParquetReader.FileMetaData.NumRows);
                }

                using var arrow = OpenArrow(path);
                return (arrow.Schema ?? throw new InvalidDataException($"{path} is no Arrow or Parquet file."), null);
            }
        );

    /// <summary>The batches in order; each is to be disposed of by the caller.</summary>
    /// <param name="path">The file.</param>
    /// <param name="columns">Which columns are needed. Parquet reads no others; Arrow's batches have all.</param>
    /// <returns>Batches, and the place of each needed column in them.</returns>
    public static (IArrowArrayStream Batches, int[] Places, IDisposable File) Read(string path, int[] columns) =>
        Guard<(IArrowArrayStream, int[], IDisposable)>(
            path,
            () =>
            {
                if (!IsParquet(path))
                {
                    var arrow = OpenArrow(path);
                    return (arrow, columns, arrow);
                }

                var parquet = OpenParquet(path);
                try
                {
                    // Parquet numbers leaves; a list of numbers is one leaf, as every other column that is read here.
                    var leaves = columns
                        .SelectMany(c => parquet.SchemaManifest.SchemaFields[c] is var field ? Leaves(field) : [])
                        .ToArray();
                    return (parquet.GetRecordBatchReader(columns: leaves), [.. Enumerable.Range(0, columns.Length)], parquet);
                }
                catch
                {
                    parquet.Dispose();
                    throw;
                }
            }
        );

    /// <exception cref="ArgumentException">The ending says no format.</exception>
    public static void Write(string path, IArrowRows rows)
    {
        var parquet = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ParquetEnding => true,
            ArrowEnding or ".feather" => false,
            _ => throw new ArgumentException($"{path}: the file must end in {ParquetEnding} or {ArrowEnding}.", nameof(path)),
        };
        AtomicFile.Write(path, stream => Write(stream, rows, parquet));
    }

    /// <summary>Writes to a stream, which stays open.</summary>
    public static void Write(Stream stream, IArrowRows rows, bool parquet)
    {
        if (!parquet)
        {
            using var arrow = new ArrowFileWriter(stream, rows.Schema, leaveOpen: true);
            arrow.WriteStart();
            foreach (var batch in rows.Batches())
            {
                using (batch)
                {
                    arrow.WriteRecordBatch(batch);
                }
            }

            arrow.WriteEnd();
            return;
        }

        // Numbers of features neither repeat nor compress: as they are they are written in half the time.
        using var builder = new WriterPropertiesBuilder();
        using var properties = builder.Compression(Compression.Uncompressed).DisableDictionary().Build();
        using var arrowBuilder = new ArrowWriterPropertiesBuilder();
        using var arrowProperties = arrowBuilder.StoreSchema().Build();
        using var writer = new FileWriter(stream, rows.Schema, properties, arrowProperties, leaveOpen: true);
        foreach (var batch in rows.Batches())
        {
            using (batch)
            {
                writer.WriteRecordBatch(batch, Math.Max(1, batch.Length));
            }
        }

        writer.Close();
    }

    /// <summary>Runs what reads a file, and says of which file an exception is.</summary>
    public static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        // The libraries throw what the damage leads to, of nearly any kind.
        catch (Exception e)
            when (e is not (OutOfMemoryException or OperationCanceledException) && !e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path} cannot be read as Arrow or Parquet: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static IEnumerable<int> Leaves(SchemaField field) =>
        field.ColumnIndex >= 0 ? [field.ColumnIndex] : field.Children.SelectMany(Leaves);

    private static bool IsParquet(string path)
    {
        Span<byte> magic = stackalloc byte[4];
        using var stream = File.OpenRead(path);
        return stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("PAR1"u8);
    }

    private static FileReader OpenParquet(string path)
    {
        // With the default settings whole files are read ahead (dozens of times the memory).
        using var properties = ArrowReaderProperties.GetDefault();
        properties.PreBuffer = false;
        properties.UseThreads = false;
        properties.BatchSize = BatchRows;
        return new(path, null, properties);
    }

    private static ArrowStreamReader OpenArrow(string path)
    {
        var stream = File.OpenRead(path);
        try
        {
            Span<byte> magic = stackalloc byte[6];
            var isFile = stream.ReadAtLeast(magic, 6, throwOnEndOfStream: false) == 6 && magic.SequenceEqual("ARROW1"u8);
            ArrowFraming.Check(stream, isFile);
            stream.Position = 0;
            var memory = new BoundedAllocator(stream.Length);
            var compression = new CompressionCodecFactory();
            return isFile
                ? new ArrowFileReader(stream, memory, compression, leaveOpen: false)
                : new ArrowStreamReader(stream, memory, compression, leaveOpen: false);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }
}

/// <summary>What is written: rows in batches.</summary>
internal interface IArrowRows
{
    Schema Schema { get; }

    IEnumerable<RecordBatch> Batches();
}
