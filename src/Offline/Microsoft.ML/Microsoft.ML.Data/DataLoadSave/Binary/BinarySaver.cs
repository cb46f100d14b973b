using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data.IO;

/// <summary>
/// Writes a view as a binary data view file: header; blocks; for each column where its blocks are; annotations; table of
/// contents; end signature. All offsets count from the start of the file, all numbers are little-endian.
/// </summary>
internal static class BinarySaver
{
    private const int MaxRowsPerBlock = 1 << 13;
    private const int MaxBytesPerBlock = 80 << 20;

    /// <summary>Writes the columns that can be written.</summary>
    /// <param name="host">For its messages, and for cancellation.</param>
    /// <param name="data">The view.</param>
    /// <param name="stream">At its start; must be able to seek, because the header is written last.</param>
    /// <param name="keepHidden">Whether columns that a later one of the same name hides are written, too.</param>
    public static void Save(IHost host, IDataView data, Stream stream, bool keepHidden)
    {
        host.CheckParam(stream.CanWrite && stream.CanSeek, nameof(stream), "The stream must be writeable and able to seek");
        host.CheckParam(stream.Position == 0, nameof(stream), $"The stream must be at its start, but is at {stream.Position}");
        using IChannel channel = host.Start("Saving");
        var columns = new List<DataViewSchema.Column>();
        foreach (DataViewSchema.Column column in data.Schema)
        {
            if (column.IsHidden && !keepHidden)
                continue;
            if (CodecFactory.Supports(column.Type))
                columns.Add(column);
            else
                channel.Warning(MessageSensitivity.Schema, $"Column '{column.Name}' of type {column.Type} cannot be written to a binary file and is left out");
        }
        Codec[] codecs = [.. columns.Select(column => CodecFactory.Find(column.Type))];
        int rowsPerBlock = (int)Math.Clamp(MaxBytesPerBlock / Math.Max(1L, codecs.Sum(codec => (long)codec.EstimatedBytes)), 1, MaxRowsPerBlock);

        stream.Write(new byte[BinaryHeader.Size]);
        (long rows, List<(long Offset, int Length, int Decompressed)>[] blocks) = WriteBlocks(host, data, columns, codecs, stream, rowsPerBlock);
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        var lookups = new long[columns.Count];
        for (int i = 0; i < lookups.Length; i++)
        {
            lookups[i] = Position(writer);
            foreach ((long offset, int length, int decompressed) in blocks[i])
            {
                writer.Write(offset);
                writer.Write(length);
                writer.Write(decompressed);
            }
        }
        long[] annotations = [.. columns.Select(column => WriteAnnotations(column, writer))];
        long contents = Position(writer);
        for (int i = 0; i < columns.Count; i++)
        {
            writer.Write(columns[i].Name);
            codecs[i].WriteDefinition(writer);
            writer.Write((byte)CompressionKind.Deflate);
            writer.Write7BitEncodedInt64(rowsPerBlock);
            writer.Write(lookups[i]);
            writer.Write(annotations[i]);
        }
        long tail = Position(writer);
        writer.Write(BinaryHeader.TailSignature);
        long end = Position(writer);
        stream.Position = 0;
        new BinaryHeader(contents, tail, rows, columns.Count).Write(writer);
        writer.Flush();
        stream.Position = end;
    }

    /// <summary>Writes a schema, as the file of a view without rows. Columns of types that cannot be written are left out.</summary>
    public static void SaveSchema(IHost host, DataViewSchema schema, Stream stream) => Save(host, new EmptyDataView(schema), stream, keepHidden: true);

    private static (long Rows, List<(long Offset, int Length, int Decompressed)>[] Blocks) WriteBlocks(
        IHost host,
        IDataView data,
        List<DataViewSchema.Column> columns,
        Codec[] codecs,
        Stream stream,
        int rowsPerBlock)
    {
        var blocks = Array.ConvertAll(codecs, _ => new List<(long, int, int)>());
        using DataViewRowCursor cursor = data.GetRowCursor(columns);
        var pipes = new ColumnPipe[codecs.Length];
        for (int i = 0; i < pipes.Length; i++)
            pipes[i] = (ColumnPipe)Activator.CreateInstance(typeof(ColumnPipe<>).MakeGenericType(columns[i].Type.RawType), cursor, columns[i], codecs[i]);
        long rows = 0;
        int inBlock = 0;
        while (cursor.MoveNext())
        {
            if (inBlock == 0)
                host.CheckAlive();
            foreach (ColumnPipe pipe in pipes)
                pipe.Fetch();
            rows++;
            if (++inBlock == rowsPerBlock)
                End();
        }
        if (inBlock > 0)
            End();
        return (rows, blocks);

        void End()
        {
            inBlock = 0;
            for (int i = 0; i < pipes.Length; i++)
            {
                byte[] bytes = pipes[i].TakeBlock();
                byte[] compressed = Blocks.Deflate(bytes);
                blocks[i].Add((stream.Position, compressed.Length, bytes.Length));
                stream.Write(compressed);
            }
        }
    }

    /// <summary>Writes what is known about a column, and returns where the table of it starts; 0 where nothing is.</summary>
    private static long WriteAnnotations(DataViewSchema.Column column, BinaryWriter writer)
    {
        var written = new List<(string Kind, Codec Codec, CompressionKind Compression, long Offset, long Length)>();
        foreach (DataViewSchema.Column annotation in column.Annotations.Schema)
        {
            if (annotation.IsHidden || CodecFactory.Find(annotation.Type) is not { } codec)
                continue;
            var bytes = (byte[])CodecFactory.Invoke(typeof(BinarySaver), nameof(OneValue), annotation.Type.RawType, null, codec, column.Annotations, annotation);
            byte[] compressed = Blocks.Deflate(bytes);
            bool smaller = compressed.Length < bytes.Length;
            long offset = Position(writer);
            writer.Write(smaller ? compressed : bytes);
            written.Add((annotation.Name, codec, smaller ? CompressionKind.Deflate : CompressionKind.None, offset, Position(writer) - offset));
        }
        if (written.Count == 0)
            return 0;
        long table = Position(writer);
        writer.Write7BitEncodedInt64(written.Count);
        foreach ((string kind, Codec codec, CompressionKind compression, long offset, long length) in written)
        {
            writer.Write(kind);
            codec.WriteDefinition(writer);
            writer.Write((byte)compression);
            writer.Write(offset);
            writer.Write7BitEncodedInt64(length);
        }
        return table;
    }

    private static byte[] OneValue<T>(Codec<T> codec, DataViewSchema.Annotations annotations, DataViewSchema.Column annotation)
    {
        T value = default;
        annotations.GetGetter<T>(annotation)(ref value);
        ValueWriter<T> values = codec.OpenWriter();
        values.Write(in value);
        return Commit(values);
    }

    private static byte[] Commit<T>(ValueWriter<T> values)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
            values.Commit(writer);
        return stream.ToArray();
    }

    private static long Position(BinaryWriter writer)
    {
        writer.Flush();
        return writer.BaseStream.Position;
    }

    private abstract class ColumnPipe
    {
        public abstract void Fetch();

        public abstract byte[] TakeBlock();
    }

    private sealed class ColumnPipe<T>(DataViewRowCursor cursor, DataViewSchema.Column column, Codec codec) : ColumnPipe
    {
        private readonly ValueGetter<T> _getter = cursor.GetGetter<T>(cursor.Schema[column.Index]);
        private ValueWriter<T> _values = ((Codec<T>)codec).OpenWriter();
        private T _value;

        public override void Fetch()
        {
            _getter(ref _value);
            _values.Write(in _value);
        }

        public override byte[] TakeBlock()
        {
            byte[] block = Commit(_values);
            _values = ((Codec<T>)codec).OpenWriter();
            return block;
        }
    }
}
