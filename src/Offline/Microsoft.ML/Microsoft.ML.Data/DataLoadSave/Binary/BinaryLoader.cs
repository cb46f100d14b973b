using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data.IO;

/// <summary>
/// The view that a binary data view file holds. The file is checked when the view is made; blocks are read when a cursor
/// reaches them, one at a time per column, so that memory does not grow with the file.
/// </summary>
internal sealed class BinaryLoader : IDataView
{
    private const int LookupEntrySize = sizeof(long) + sizeof(int) + sizeof(int);

    private readonly IHost _host;
    private readonly Func<Stream> _open;
    private readonly BinaryHeader _header;
    private readonly StoredColumn[] _columns;
    private readonly int _rowsPerBlock;

    /// <param name="env">The environment.</param>
    /// <param name="open">Opens the file anew, at its start; every cursor has a stream of its own.</param>
    /// <exception cref="FormatException">It is not a whole file of a version that can be read.</exception>
    public BinaryLoader(IHostEnvironment env, Func<Stream> open)
    {
        _host = env.Register(nameof(BinaryLoader));
        _open = open;
        using Stream stream = open();
        (_header, _columns, _rowsPerBlock, Schema) = Read(_host, stream);
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => true;

    public long? GetRowCount() => _header.RowCount;

    /// <summary>The schema that <see cref="BinarySaver.SaveSchema"/> wrote.</summary>
    /// <exception cref="FormatException">The stream is not a whole file of a version that can be read.</exception>
    public static DataViewSchema ReadSchema(IHost host, Stream stream) => Read(host, stream).Schema;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(this, ActiveColumns.Of(Schema, columnsNeeded), rand);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private static (BinaryHeader Header, StoredColumn[] Columns, int RowsPerBlock, DataViewSchema Schema) Read(IHost host, Stream stream)
    {
        try
        {
            BinaryHeader header = BinaryHeader.Read(stream, host);
            if (header.ColumnCount == 0)
                return (header, [], 1, new DataViewSchema.Builder().ToSchema());
            using IChannel channel = host.Start("Reading the table of contents");
            BlockReader contents = Part(host, stream, header.TableOfContentsOffset, header.TailOffset);
            var columns = new List<StoredColumn>();
            var builder = new DataViewSchema.Builder();
            long rowsPerBlock = 0;
            for (int i = 0; i < header.ColumnCount; i++)
            {
                string name = contents.ReadString();
                host.CheckDecode(name.Length > 0, "Corrupt binary data view file: a column has no name");
                Codec codec = CodecFactory.ReadDefinition(contents);
                var compression = (CompressionKind)contents.ReadByte();
                long rows = contents.ReadLeb128();
                bool fits = rows is >= 0 and <= int.MaxValue && (rows > 0 || header.RowCount == 0) && (i == 0 || rows == rowsPerBlock);
                host.CheckDecode(fits, $"Corrupt binary data view file: column '{name}' has {rows} rows per block");
                rowsPerBlock = rows;
                long lookup = contents.ReadInt64();
                long annotations = contents.ReadInt64();
                long blocks = header.RowCount == 0 ? 0 : ((header.RowCount - 1) / rows) + 1;
                bool inFile = (blocks == 0 || (lookup >= BinaryHeader.Size && lookup <= header.TailOffset && blocks <= (header.TailOffset - lookup) / LookupEntrySize))
                    && (annotations == 0 || (annotations >= BinaryHeader.Size && annotations <= header.TailOffset));
                host.CheckDecode(inFile, $"Corrupt binary data view file: the tables of column '{name}' lie outside of the file");
                if (codec is null || !Enum.IsDefined(compression))
                {
                    channel.Warning(MessageSensitivity.Schema, $"Column '{name}' is left out: its type or its compression is not known");
                    continue;
                }
                columns.Add(new StoredColumn(codec, compression, lookup, (int)blocks));
                builder.AddColumn(name, codec.Type, annotations == 0 ? null : ReadAnnotations(host, stream, header, annotations));
            }
            return (header, [.. columns], (int)Math.Max(1, rowsPerBlock), builder.ToSchema());
        }
        catch (EndOfStreamException e)
        {
            throw host.ExceptDecode("Corrupt binary data view file: it ends too early", e);
        }
    }

    private static DataViewSchema.Annotations ReadAnnotations(IHost host, Stream stream, in BinaryHeader header, long offset)
    {
        BlockReader table = Part(host, stream, offset, header.TailOffset);
        long count = table.ReadLeb128();
        host.CheckDecode(count > 0 && count <= table.Remaining, $"Corrupt binary data view file: {count} annotations");
        var builder = new DataViewSchema.Annotations.Builder();
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            string kind = table.ReadString();
            host.CheckDecode(kind.Length > 0 && kinds.Add(kind), $"Corrupt binary data view file: the annotation '{kind}' is there twice, or has no name");
            Codec codec = CodecFactory.ReadDefinition(table);
            var compression = (CompressionKind)table.ReadByte();
            long start = table.ReadInt64();
            long length = table.ReadLeb128();
            bool inFile = start >= BinaryHeader.Size && start <= header.TailOffset && length > 0 && length <= Math.Min(int.MaxValue, header.TailOffset - start);
            host.CheckDecode(inFile, $"Corrupt binary data view file: the annotation '{kind}' lies outside of the file");
            if (codec is null || !Enum.IsDefined(compression))
                continue;
            BlockReader block = Blocks.Read(stream, start, (int)length, -1, compression);
            builder.Add(kind, codec.Type, (Delegate)CodecFactory.Invoke(typeof(BinaryLoader), nameof(OneValue), codec.Type.RawType, null, codec, block));
        }
        return builder.ToAnnotations();
    }

    private static Delegate OneValue<T>(Codec<T> codec, BlockReader block)
    {
        T value = default;
        codec.OpenReader(block, 1).Read(ref value);
        ValueCopier<T> copy = ValueCopy.Get<T>();
        return (ValueGetter<T>)((ref T destination) => copy(in value, ref destination));
    }

    /// <summary>What lies between two offsets; tables are small, and a file cannot claim more than it has.</summary>
    private static BlockReader Part(IHost host, Stream stream, long start, long end)
    {
        // A table is followed by other tables at most; what a corrupt offset adds to it are blocks, of which nothing is needed.
        long length = Math.Min(end - start, 1 << 26);
        host.CheckDecode(length >= 0, "Corrupt binary data view file: a table has no bytes");
        return Blocks.Read(stream, start, (int)length);
    }

    /// <summary>A column of the file, and where its blocks are.</summary>
    private sealed record StoredColumn(Codec Codec, CompressionKind Compression, long LookupOffset, int BlockCount);

    private sealed class Cursor : RootCursorBase
    {
        private readonly BinaryLoader _parent;
        private readonly bool[] _active;
        private readonly Stream _stream;
        private readonly ColumnBlock[] _columns;
        private readonly int[] _blockOrder;
        private readonly Random _rand;
        private int[] _rowOrder;
        private int _block = -1;
        private int _rowsInBlock;
        private int _row = -1;

        public Cursor(BinaryLoader parent, bool[] active, Random rand)
            : base(parent._host)
        {
            _parent = parent;
            _active = active;
            _rand = rand;
            long rows = parent._header.RowCount;
            BlockCount = rows == 0 ? 0 : (int)(((rows - 1) / parent._rowsPerBlock) + 1);
            _blockOrder = rand is null ? null : Shuffling.Permutation(BlockCount, rand);
            _stream = parent._open();
            _columns = new ColumnBlock[active.Length];
            for (int i = 0; i < active.Length; i++)
            {
                if (active[i])
                    _columns[i] = (ColumnBlock)Activator.CreateInstance(typeof(ColumnBlock<>).MakeGenericType(parent._columns[i].Codec.Type.RawType), parent._columns[i]);
            }
        }

        public override DataViewSchema Schema => _parent.Schema;

        public override long Batch => 0;

        private int BlockCount { get; }

        /// <summary>The place of the current row in its block.</summary>
        private int Slot => _rowOrder is null ? _row : _rowOrder[_row];

        private int StoredBlock => _blockOrder is null ? _block : _blockOrder[_block];

        public override bool IsColumnActive(DataViewSchema.Column column) => _active[ActiveColumns.Check(Schema, column)];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            if (_columns[column.Index] is not ColumnBlock<TValue> values)
                throw ActiveColumns.WrongType<TValue>(Schema[column.Index]);
            return (ref TValue value) => values.Get(Slot, ref value);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            _parent._host.Check(IsGood, "The cursor is not at a row");
            id = new DataViewRowId((ulong)(((long)StoredBlock * _parent._rowsPerBlock) + Slot), 0);
        };

        protected override bool MoveNextCore()
        {
            if (++_row < _rowsInBlock)
                return true;
            if (++_block >= BlockCount)
                return false;
            _row = 0;
            long rest = _parent._header.RowCount - ((long)StoredBlock * _parent._rowsPerBlock);
            _rowsInBlock = (int)Math.Min(_parent._rowsPerBlock, rest);
            try
            {
                for (int i = 0; i < _columns.Length; i++)
                    _columns[i]?.Load(_stream, _parent._header, StoredBlock, _rowsInBlock);
            }
            catch (Exception e) when (e is FormatException or EndOfStreamException)
            {
                throw _parent._host.ExceptDecode($"Block {StoredBlock} of the binary data view file: {e.Message}", e);
            }
            _rowOrder = _rand is null ? null : Shuffling.Permutation(_rowsInBlock, _rand);
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _stream?.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>The values of one column in the current block.</summary>
    private abstract class ColumnBlock
    {
        public abstract void Load(Stream stream, in BinaryHeader header, int block, int rows);
    }

    private sealed class ColumnBlock<T>(StoredColumn column) : ColumnBlock
    {
        private readonly ValueCopier<T> _copy = ValueCopy.Get<T>();
        private T[] _values = [];

        public void Get(int row, ref T value) => _copy(in _values[row], ref value);

        public override void Load(Stream stream, in BinaryHeader header, int block, int rows)
        {
            BlockReader lookup = Blocks.Read(stream, column.LookupOffset + ((long)block * LookupEntrySize), LookupEntrySize);
            long offset = lookup.ReadInt64();
            int length = lookup.ReadInt32();
            int decompressed = lookup.ReadInt32();
            if (offset < BinaryHeader.Size || length < 0 || decompressed < 0 || length > header.TailOffset - offset)
                throw new FormatException("it lies outside of the file");
            BlockReader bytes = Blocks.Read(stream, offset, length, decompressed, column.Compression);
            column.Codec.CheckFits(bytes, rows);
            ValueReader<T> reader = ((Codec<T>)column.Codec).OpenReader(bytes, rows);
            if (_values.Length < rows)
                Array.Resize(ref _values, rows);
            reader.Read(_values.AsSpan(0, rows));
        }
    }
}
