using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>How lines become rows: the settings of a loader, checked and complete.</summary>
internal sealed class TextFormat
{
    [Flags]
    private enum Flag : uint
    {
        TrimWhitespace = 0x01,
        HasHeader = 0x02,
        AllowQuoting = 0x04,
        AllowSparse = 0x08,
        ReadMultilines = 0x10,
        MissingRealsAsNaNs = 0x20,
        All = 0x3F,
    }

    private Flag _flags;
    private string _header;

    public bool TrimWhitespace => _flags.HasFlag(Flag.TrimWhitespace);

    public bool HasHeader => _flags.HasFlag(Flag.HasHeader);

    public bool AllowQuoting => _flags.HasFlag(Flag.AllowQuoting);

    public bool AllowSparse => _flags.HasFlag(Flag.AllowSparse);

    public bool ReadMultilines => _flags.HasFlag(Flag.ReadMultilines);

    public bool MissingRealsAsNaNs => _flags.HasFlag(Flag.MissingRealsAsNaNs);

    public long MaxRows { get; private set; } = long.MaxValue;

    /// <summary>The fields of a line, or 0 where lines say it.</summary>
    public int InputSize { get; private set; }

    public char[] Separators { get; private set; }

    public char EscapeChar { get; private set; }

    public char DecimalMarker { get; private set; }

    public ColumnInfo[] Columns { get; private set; }

    public DataViewSchema Schema { get; private set; }

    public static TextFormat Of(IHost host, TextLoader.Options options, IMultiStreamSource sample)
    {
        Flag flags = (options.TrimWhitespace ? Flag.TrimWhitespace : 0) | (options.HasHeader ? Flag.HasHeader : 0) | (options.AllowQuoting ? Flag.AllowQuoting : 0)
            | (options.AllowSparse ? Flag.AllowSparse : 0) | (options.ReadMultilines ? Flag.ReadMultilines : 0) | (options.MissingRealsAsNaNs ? Flag.MissingRealsAsNaNs : 0);
        var format = new TextFormat
        {
            _flags = flags,
            MaxRows = options.MaxRows ?? long.MaxValue,
            InputSize = options.InputSize ?? 0,
            Separators = options.Separators,
            EscapeChar = options.EscapeChar,
            DecimalMarker = options.DecimalMarker,
        };
        (string header, string first) = format.Peek(sample);
        format._header = options.HeaderFile is null ? header : format.HeaderOf(host, options.HeaderFile);
        var splitter = new LineSplitter(format);
        int width = first is null ? 0 : splitter.Split(first, 1).Size;
        TextLoader.Range[] ranges = [.. options.Columns.SelectMany(column => column.Source ?? [])];
        host.CheckParam(ranges.Count(range => range.AllOther) <= 1, nameof(options.Columns), "Only one range can have all other fields");
        var columns = new ColumnInfo[options.Columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            TextLoader.Column column = options.Columns[i];
            host.CheckParam(!string.IsNullOrEmpty(column.Name), nameof(options.Columns), $"Column {i} has no name");
            host.CheckParam(column.Source is { Length: > 0 }, nameof(options.Columns), $"Column '{column.Name}' has no fields");
            var segments = new List<(int Min, int Lim, bool ForceVector)>();
            foreach (TextLoader.Range range in column.Source)
            {
                if (range.AllOther)
                {
                    segments.AddRange(OtherFields(host, column.Name, range, ranges, width));
                    continue;
                }
                host.CheckParam(range.Min >= 0 && (range.Max ?? int.MaxValue) >= range.Min, nameof(options.Columns), $"Column '{column.Name}' has the fields {range.Min} to {range.Max}");
                int lim = range.VariableEnd ? int.MaxValue : range.Max + 1 ?? (range.AutoEnd ? width : range.Min + 1);
                host.CheckParam(lim > range.Min, nameof(options.Columns), $"Column '{column.Name}' goes from field {range.Min} to the end of the line, but there is no line to take the end from, or it is too short");
                segments.Add((range.Min, lim, range.ForceVector || range.VariableEnd || range.AutoEnd));
            }
            columns[i] = new ColumnInfo(column.Name, ItemType(host, column), [.. segments]);
        }
        format.Complete(columns);
        return format;
    }

    public static TextFormat Load(IHost host, ModelLoadContext ctx)
    {
        BinaryReader reader = ctx.Reader;
        host.CheckDecode(reader.ReadInt32() == sizeof(float), "Corrupt model: bad size of numbers");
        var format = new TextFormat { MaxRows = reader.ReadInt64(), _flags = (Flag)reader.ReadUInt32(), InputSize = reader.ReadInt32() };
        int separators = reader.ReadInt32();
        host.CheckDecode(format.MaxRows > 0 && (format._flags & ~Flag.All) == 0 && format.InputSize >= 0 && separators is > 0 and < 256, "Corrupt model: bad settings of a text loader");
        // Characters are two bytes here, unlike those that BinaryReader reads.
        format.Separators = [.. Enumerable.Range(0, separators).Select(_ => (char)reader.ReadInt16())];
        format.EscapeChar = reader.ReadChar();
        format.DecimalMarker = reader.ReadChar();
        host.CheckDecode(format.DecimalMarker is '.' or ',', "Corrupt model: bad decimal marker");
        int count = reader.ReadInt32();
        host.CheckDecode(count > 0 && count <= ctx.Header.CbModel, $"Corrupt model: {count} columns");
        var columns = new ColumnInfo[count];
        for (int i = 0; i < count; i++)
        {
            string name = ctx.LoadNonEmptyString();
            var kind = (DataKind)reader.ReadByte();
            bool isKey = reader.ReadBoolean();
            ulong keys = isKey ? reader.ReadUInt64() : 0;
            PrimitiveDataViewType type = PrimitiveOf(kind);
            host.CheckDecode(type is not null && (!isKey || (KeyDataViewType.IsValidDataType(type.RawType) && keys > 0 && keys <= KeyDataViewType.MaxCount(type.RawType))), $"Corrupt model: column '{name}' has type {kind}");
            int segmentCount = reader.ReadInt32();
            host.CheckDecode(segmentCount > 0 && segmentCount <= ctx.Header.CbModel, $"Corrupt model: column '{name}' has {segmentCount} ranges");
            var segments = new (int, int, bool)[segmentCount];
            for (int j = 0; j < segmentCount; j++)
            {
                int min = reader.ReadInt32();
                int lim = reader.ReadInt32();
                host.CheckDecode(min >= 0 && min < lim, $"Corrupt model: column '{name}' has the fields {min} to {lim}");
                segments[j] = (min, lim, reader.ReadBoolean());
            }
            columns[i] = new ColumnInfo(name, isKey ? new KeyDataViewType(type.RawType, keys) : type, segments);
            host.CheckDecode(columns[i].Size >= 0, $"Corrupt model: column '{name}' is too long");
        }
        string header = null;
        if (ctx.InRepository)
            ctx.TryLoadTextStream("Header.txt", text => header = text.ReadLine());
        format._header = header;
        format.Complete(columns);
        return format;
    }

    public void Save(ModelSaveContext ctx)
    {
        BinaryWriter writer = ctx.Writer;
        writer.Write(sizeof(float));
        writer.Write(MaxRows);
        writer.Write((uint)_flags);
        writer.Write(InputSize);
        writer.Write(Separators.Length);
        foreach (char separator in Separators)
            writer.Write((short)separator);
        writer.Write(EscapeChar);
        writer.Write(DecimalMarker);
        writer.Write(Columns.Length);
        foreach (ColumnInfo column in Columns)
        {
            ctx.SaveNonEmptyString(column.Name);
            writer.Write((byte)KindOf(column.ItemType));
            writer.Write(column.ItemType is KeyDataViewType);
            if (column.ItemType is KeyDataViewType key)
                writer.Write(key.Count);
            writer.Write(column.Segments.Length);
            foreach ((int min, int lim, bool forceVector) in column.Segments)
            {
                writer.Write(min);
                writer.Write(lim);
                writer.Write(forceVector);
            }
        }
        if (!string.IsNullOrEmpty(_header))
            ctx.SaveTextStream("Header.txt", text => text.WriteLine(_header));
    }

    public static DataKind KindOf(PrimitiveDataViewType type) =>
        Enum.GetValues<DataKind>().First(kind => PrimitiveOf(kind).RawType == type.RawType);

    private static PrimitiveDataViewType PrimitiveOf(DataKind kind) => kind switch
    {
        DataKind.String => TextDataViewType.Instance,
        DataKind.Boolean => BooleanDataViewType.Instance,
        DataKind.TimeSpan => TimeSpanDataViewType.Instance,
        DataKind.DateTime => DateTimeDataViewType.Instance,
        DataKind.DateTimeOffset => DateTimeOffsetDataViewType.Instance,
        _ => NumberDataViewType.FromType(Type.GetType($"System.{kind}") ?? typeof(object)),
    };

    private static PrimitiveDataViewType ItemType(IHost host, TextLoader.Column column)
    {
        PrimitiveDataViewType type = PrimitiveOf(column.DataKind);
        host.CheckParam(type is not null, nameof(column), $"Column '{column.Name}' has the type {column.DataKind}, which there is not");
        if (column.KeyCount is null)
            return type;
        host.CheckParam(KeyDataViewType.IsValidDataType(type.RawType), nameof(column), $"Column '{column.Name}' of type {column.DataKind} cannot be a key: use Byte, UInt16, UInt32 or UInt64");
        return new KeyDataViewType(type.RawType, column.KeyCount.Count ?? KeyDataViewType.MaxCount(type.RawType));
    }

    /// <summary>The fields of the sample's first line from a range's first one on that no other range has.</summary>
    private static IEnumerable<(int Min, int Lim, bool ForceVector)> OtherFields(IHost host, string column, TextLoader.Range all, TextLoader.Range[] ranges, int width)
    {
        host.CheckParam(!Array.Exists(ranges, r => r.VariableEnd), nameof(ranges), $"Column '{column}' has all other fields, and another one all to the end of each line");
        bool Taken(int field) => Array.Exists(ranges, r => !r.AllOther && r.Min <= field && field <= (r.Max ?? (r.AutoEnd ? int.MaxValue : r.Min)));
        int[] free = [.. Enumerable.Range(0, width).Where(field => field >= all.Min && !Taken(field))];
        host.CheckParam(free.Length > 0, nameof(ranges), $"Column '{column}' has all other fields, but there is no line to count them on, or other columns have them all");
        for (int i = 0, from = 0; i < free.Length; i++)
        {
            if (i + 1 < free.Length && free[i + 1] == free[i] + 1)
                continue;
            yield return (free[from], free[i] + 1, true);
            from = i + 1;
        }
    }

    private string HeaderOf(IHost host, string path)
    {
        host.CheckNonEmpty(path, nameof(TextLoader.Options.HeaderFile));
        using var lines = new LineReader(this, new StreamReader(path));
        return lines.Read();
    }

    private (string Header, string First) Peek(IMultiStreamSource sample)
    {
        if (sample is null || sample.Count == 0)
            return default;
        using var lines = new LineReader(this, sample.OpenTextReader(0));
        string header = HasHeader ? lines.Read() : null;
        return (header, lines.Read());
    }

    private void Complete(ColumnInfo[] columns)
    {
        Columns = columns;
        var builder = new DataViewSchema.Builder();
        ReadOnlyMemory<char>[] names = string.IsNullOrEmpty(_header) ? [] : [.. new LineSplitter(this).Split(_header, 1).Dense()];
        foreach (ColumnInfo column in columns)
        {
            var annotations = new DataViewSchema.Annotations.Builder();
            if (column.Type is VectorDataViewType { IsKnownSize: true } vector)
            {
                // Only the fields that the header has: a vector may be long, and a header says little of it.
                var slots = new List<(int Slot, ReadOnlyMemory<char> Name)>();
                int start = 0;
                foreach ((int min, int lim, _) in column.Segments)
                {
                    for (int field = min; field < Math.Min(lim, names.Length); field++)
                    {
                        if (!names[field].IsEmpty)
                            slots.Add((start + field - min, names[field]));
                    }
                    start += lim - min;
                }
                if (slots.Count > 0)
                {
                    annotations.Add(
                        AnnotationUtils.Kinds.SlotNames,
                        new VectorDataViewType(TextDataViewType.Instance, vector.Size),
                        (ref VBuffer<ReadOnlyMemory<char>> value) =>
                        {
                            VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, vector.Size, slots.Count);
                            for (int i = 0; i < slots.Count; i++)
                            {
                                editor.Values[i] = slots[i].Name;
                                if (slots.Count < vector.Size)
                                    editor.Indices[i] = slots[i].Slot;
                            }
                            value = editor.Commit();
                        });
                }
            }
            builder.AddColumn(column.Name, column.Type, annotations.ToAnnotations());
        }
        Schema = builder.ToSchema();
    }

    /// <summary>A column and its fields; a range that ends at int.MaxValue goes to the end of each line.</summary>
    internal sealed class ColumnInfo
    {
        public ColumnInfo(string name, PrimitiveDataViewType itemType, (int Min, int Lim, bool ForceVector)[] segments)
        {
            Name = name;
            ItemType = itemType;
            Segments = segments;
            IsVariable = Array.Exists(segments, s => s.Lim == int.MaxValue);
            long size = segments.Sum(s => (long)s.Lim - s.Min);
            Size = IsVariable ? 0 : size > Array.MaxLength ? -1 : (int)size;
            bool isVector = IsVariable || segments.Length > 1 || size != 1 || segments[0].ForceVector;
            Type = isVector ? new VectorDataViewType(itemType, Math.Max(0, Size)) : itemType;
        }

        public string Name { get; }

        public PrimitiveDataViewType ItemType { get; }

        public (int Min, int Lim, bool ForceVector)[] Segments { get; }

        public DataViewType Type { get; }

        public bool IsVariable { get; }

        /// <summary>The number of fields; 0 where it varies, -1 where it is too large.</summary>
        public int Size { get; }
    }
}
