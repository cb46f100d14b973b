using System.Buffers.Binary;

namespace AirMLNet.Arrow;

/// <summary>
/// Looks at the lengths that a file in Arrow's IPC format states, before its reader takes memory for them: none may lead past the end.
/// The format: https://arrow.apache.org/docs/format/Columnar.html, "Encapsulated message format" and "IPC File Format".
/// </summary>
internal static class ArrowFraming
{
    // Places of fields in a flatbuffer's table: 4 bytes of lengths, then 2 for each field.
    private const int HeaderType = 4 + (2 * 1), // of a Message
        Header = 4 + (2 * 2),
        BodyLength = 4 + (2 * 3),
        FooterSchema = 4 + (2 * 1),
        Dictionaries = 4 + (2 * 2),
        RecordBatches = 4 + (2 * 3),
        SchemaFields = 4 + (2 * 1),
        Children = 4 + (2 * 5), // of a Field
        BatchOfDictionary = 4 + (2 * 1),
        Nodes = 4 + (2 * 1), // of a RecordBatch
        Buffers = 4 + (2 * 2),
        VariadicCounts = 4 + (2 * 4);

    private const int StructSize = 16, // of nodes and buffers
        LongSize = 8;

    private const byte IsSchema = 1,
        IsDictionary = 2,
        IsBatch = 3;

    private const int BlockSize = 24; // offset, length of the message, length of the body, with padding
    private const int EndSize = 10; // length of the footer, "ARROW1"

    /// <exception cref="InvalidDataException">A length leads past the end.</exception>
    public static void Check(Stream stream, bool isFile)
    {
        if (!isFile)
        {
            stream.Position = 0;
            while (Message(stream) is not null) { }

            return;
        }

        var footer = Footer(stream);
        var root = Int32(footer, 0);
        if (Field(footer, root, FooterSchema) is > 0 and var schema)
        {
            Schema(footer, schema + Int32(footer, schema));
        }

        foreach (var field in new[] { Dictionaries, RecordBatches })
        {
            var (blocks, count) = Vector(footer, root, field, BlockSize);
            for (var i = 0; i < count; i++)
            {
                stream.Position = Within(Int64(footer, blocks + ((long)i * BlockSize)), stream.Length);
                // The reader passes over what is no batch, to the next message.
                while (Message(stream) is { } type && type != IsBatch) { }
            }
        }
    }

    /// <summary>The reader makes an array for the columns, and for the children of each, of the length that is stated.</summary>
    private static void Schema(byte[] buffer, int schema)
    {
        // A tree has no more tables than words: one that comes back to a table would.
        var most = buffer.Length / 4;
        Stack<int> open = new(Tables(schema, SchemaFields));
        while (open.TryPop(out var field))
        {
            foreach (var child in Tables(field, Children))
            {
                open.Push(child);
            }
        }

        IEnumerable<int> Tables(int parent, int place)
        {
            var (first, count) = Vector(buffer, parent, place, 4);
            most -= count;
            return most >= 0
                ? Enumerable.Range(0, count).Select(i => first + (4 * i) + Int32(buffer, first + (4 * i)))
                : throw new InvalidDataException("the schema comes back to itself.");
        }
    }

    private static byte[] Footer(Stream stream)
    {
        Span<byte> end = stackalloc byte[EndSize];
        stream.Position = Within(stream.Length - EndSize, stream.Length);
        stream.ReadExactly(end);
        var length = Within(BinaryPrimitives.ReadInt32LittleEndian(end), stream.Length - EndSize);
        var footer = new byte[length];
        stream.Position = stream.Length - EndSize - length;
        stream.ReadExactly(footer);
        return footer;
    }

    /// <summary>Passes over a message and its body.</summary>
    /// <returns>What it is; null at the end.</returns>
    private static byte? Message(Stream stream)
    {
        Span<byte> word = stackalloc byte[4];
        var length = -1;
        // Older files have no mark before the length.
        for (var i = 0; i < 2 && length == -1; i++)
        {
            if (stream.ReadAtLeast(word, 4, throwOnEndOfStream: false) < 4)
            {
                return null;
            }

            length = BinaryPrimitives.ReadInt32LittleEndian(word);
        }

        if (length == 0)
        {
            return null;
        }

        var message = new byte[Within(length, stream.Length - stream.Position)];
        stream.ReadExactly(message);
        var root = Int32(message, 0);
        var type = Field(message, root, HeaderType) is > 0 and var at ? message[at] : (byte)0;
        if (Field(message, root, Header) is > 0 and var header)
        {
            Content(message, type, header + Int32(message, header));
        }

        var body = Field(message, root, BodyLength);
        stream.Position += body == 0 ? 0 : Within(Int64(message, body), stream.Length - stream.Position);
        return type;
    }

    private static void Content(byte[] message, byte type, int table)
    {
        switch (type)
        {
            case IsSchema:
                Schema(message, table);
                break;
            case IsDictionary when Field(message, table, BatchOfDictionary) is > 0 and var batch:
                Content(message, IsBatch, batch + Int32(message, batch));
                break;
            case IsBatch:
                // The reader makes lists of these lengths.
                Vector(message, table, Nodes, StructSize);
                var (_, buffers) = Vector(message, table, Buffers, StructSize);
                var (counts, views) = Vector(message, table, VariadicCounts, LongSize);
                for (var i = 0; i < views; i++)
                {
                    buffers -= (int)Within(Int64(message, counts + ((long)i * LongSize)), buffers);
                }

                break;
        }
    }

    /// <summary>Where the elements of a table's vector begin, and how many there are.</summary>
    private static (int First, int Count) Vector(byte[] buffer, int table, int place, int size)
    {
        var at = Field(buffer, table, place);
        if (at == 0)
        {
            return default;
        }

        var vector = at + Int32(buffer, at);
        var count = Int32(buffer, vector);
        Within((long)count * size, buffer.Length - vector - 4);
        return (vector + 4, count);
    }

    /// <summary>Where a field of a table is; 0 where it has its default.</summary>
    private static int Field(byte[] buffer, int table, int place)
    {
        var fields = table - Int32(buffer, table);
        if (place + 2 > Int16(buffer, fields))
        {
            return 0;
        }

        var offset = Int16(buffer, fields + place);
        return offset == 0 ? 0 : (int)Within(table + offset, buffer.Length - 1);
    }

    private static int Int16(byte[] buffer, long at) => BinaryPrimitives.ReadUInt16LittleEndian(Part(buffer, at, 2));

    private static int Int32(byte[] buffer, long at) => BinaryPrimitives.ReadInt32LittleEndian(Part(buffer, at, 4));

    private static long Int64(byte[] buffer, long at) => BinaryPrimitives.ReadInt64LittleEndian(Part(buffer, at, 8));

    private static ReadOnlySpan<byte> Part(byte[] buffer, long at, int size) =>
        at >= 0 && at + size <= buffer.Length ? buffer.AsSpan((int)at, size) : throw Past();

    private static long Within(long length, long most) => length >= 0 && length <= most ? length : throw Past();

    private static InvalidDataException Past() => new("a length leads past the end.");
}
