using System.Globalization;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Writes a view as text: a description for the loader, a header, and one line per row.</summary>
internal sealed class TextSaver(IHost host, char separator, bool header, bool schema, bool forceDense)
{
    /// <summary>What a value with its index costs, compared with a value without.</summary>
    private const double SparseCost = 2.5;

    public void Save(IDataView data, Stream stream, bool keepHidden)
    {
        using IChannel channel = host.Start("Saving");
        var columns = new List<DataViewSchema.Column>();
        foreach (DataViewSchema.Column column in data.Schema)
        {
            if (column.IsHidden && !keepHidden)
                continue;
            PrimitiveDataViewType item = AnnotationUtils.GetItemType(column.Type);
            if (item is null or RowIdDataViewType)
                channel.Warning(MessageSensitivity.Schema, $"Column '{column.Name}' of type {column.Type} cannot be written as text and is left out");
            else
                columns.Add(column);
        }
        host.CheckParam(columns.Count > 0, nameof(data), "Has no column that can be written as text");
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
        bool hasHeader = header && columns.Exists(column => column.Type is not VectorDataViewType || AnnotationUtils.HasSlotNames(column));
        if (schema)
            WriteDescription(writer, columns, hasHeader);
        if (hasHeader)
            writer.WriteLine(string.Join(separator, columns.SelectMany(HeaderOf)));
        using DataViewRowCursor cursor = data.GetRowCursor(columns);
        ColumnText[] pipes = [.. columns.Select(column => (ColumnText)IO.CodecFactory.Invoke(typeof(TextSaver), nameof(MakePipe), AnnotationUtils.GetItemType(column.Type).RawType, this, cursor, column))];
        while (cursor.MoveNext())
        {
            host.CheckAlive();
            foreach (ColumnText pipe in pipes)
                pipe.Fetch();
            WriteLine(writer, pipes);
        }
    }

    private void WriteDescription(TextWriter writer, List<DataViewSchema.Column> columns, bool hasHeader)
    {
        writer.WriteLine("#@ TextLoader{");
        if (hasHeader)
            writer.WriteLine("#@   header+");
        string name = separator switch
        {
            ' ' => "space",
            '\t' => "tab",
            ',' => "comma",
            ';' => "semicolon",
            '|' => "bar",
            _ => separator.ToString(),
        };
        writer.WriteLine($"#@   sep={name}");
        int at = 0;
        foreach (DataViewSchema.Column column in columns)
        {
            PrimitiveDataViewType item = AnnotationUtils.GetItemType(column.Type);
            string kind = KindName(item);
            if (item is KeyDataViewType key)
                kind += $"[{key.Count.ToString(CultureInfo.InvariantCulture)}]";
            int size = column.Type is VectorDataViewType vector ? vector.Size : 1;
            string range = size == 0 ? $"{at}-**" : column.Type is VectorDataViewType ? $"{at}-{at + size - 1}" : at.ToString(CultureInfo.InvariantCulture);
            writer.WriteLine($"#@   col={column.Name}:{kind}:{range}");
            at += size;
        }
        writer.WriteLine("#@ }");
    }

    /// <summary>The short names of types that descriptions use.</summary>
    private static string KindName(PrimitiveDataViewType type) => TextFormat.KindOf(type) switch
    {
        DataKind.SByte => "I1",
        DataKind.Byte => "U1",
        DataKind.Int16 => "I2",
        DataKind.UInt16 => "U2",
        DataKind.Int32 => "I4",
        DataKind.UInt32 => "U4",
        DataKind.Int64 => "I8",
        DataKind.UInt64 => "U8",
        DataKind.Single => "R4",
        DataKind.Double => "R8",
        DataKind.String => "TX",
        DataKind.Boolean => "BL",
        DataKind.TimeSpan => "TS",
        DataKind.DateTime => "DT",
        _ => "DZ",
    };

    private IEnumerable<string> HeaderOf(DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType vector)
            return [Quote(column.Name)];
        if (!AnnotationUtils.HasSlotNames(column))
            return Enumerable.Repeat("\"\"", vector.Size);
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetSlotNames(ref names);
        return names.DenseValues().Select(name => Quote(name.Span)).ToArray();
    }

    private void WriteLine(TextWriter writer, ColumnText[] pipes)
    {
        int total = pipes.Sum(pipe => pipe.Length);
        int split = forceDense ? pipes.Length : SplitColumn(pipes, total);
        bool first = true;
        for (int i = 0; i < split; i++)
        {
            foreach (string text in pipes[i].Dense())
                Write(text);
        }
        if (split < pipes.Length)
        {
            int start = 0;
            int dense = pipes[..split].Sum(pipe => pipe.Length);
            Write((total - dense).ToString(CultureInfo.InvariantCulture));
            bool any = false;
            for (int i = split; i < pipes.Length; i++)
            {
                foreach ((int index, string text) in pipes[i].Items)
                {
                    Write(string.Create(CultureInfo.InvariantCulture, $"{start + index}:{text}"));
                    any = true;
                }
                start += pipes[i].Length;
            }
            if (!any)
                Write($"0:{pipes[split].Default}");
        }
        writer.WriteLine();

        void Write(string text)
        {
            if (!first)
                writer.Write(separator);
            writer.Write(text);
            first = false;
        }
    }

    /// <summary>The first column that is written with indices: the one for which the line is shortest.</summary>
    private static int SplitColumn(ColumnText[] pipes, int total)
    {
        int items = pipes.Sum(pipe => pipe.Items.Count);
        int best = 0;
        double bestCost = SparseCost * items;
        int dense = 0;
        int bestDense = 0;
        int before = 0;
        for (int i = 1; i <= pipes.Length; i++)
        {
            dense += pipes[i - 1].Length;
            before += pipes[i - 1].Items.Count;
            double cost = dense + (SparseCost * (items - before));
            if (cost < bestCost)
                (best, bestCost, bestDense) = (i, cost, dense);
        }
        int sparse = total - bestDense;
        return sparse < 5 || sparse < bestDense / 5 ? pipes.Length : best;
    }

    private ColumnText MakePipe<T>(DataViewRow row, DataViewSchema.Column column)
    {
        Func<T, string> toText = ToText<T>(AnnotationUtils.GetItemType(column.Type));
        string defaultText = toText(default);
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            T value = default;
            return new ColumnText(defaultText, add =>
            {
                getter(ref value);
                add(0, toText(value));
                return 1;
            });
        }
        ValueGetter<VBuffer<T>> vectorGetter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> vector = default;
        return new ColumnText(defaultText, add =>
        {
            vectorGetter(ref vector);
            foreach (KeyValuePair<int, T> item in vector.Items())
                add(item.Key, toText(item.Value));
            return vector.Length;
        });
    }

    private Func<T, string> ToText<T>(PrimitiveDataViewType type)
    {
        if (type is KeyDataViewType)
        {
            // Files count keys from 0; a missing key is an empty field.
            return value => Convert.ToUInt64(value, CultureInfo.InvariantCulture) is > 0 and ulong key ? (key - 1).ToString(CultureInfo.InvariantCulture) : "\"\"";
        }
        if (typeof(T) == typeof(ReadOnlyMemory<char>))
            return value => Quote(((ReadOnlyMemory<char>)(object)value).Span);
        if (typeof(T) == typeof(bool))
            return value => (bool)(object)value ? "1" : "0";
        if (typeof(T) == typeof(float))
            return value => ((float)(object)value).ToString("R", CultureInfo.InvariantCulture);
        if (typeof(T) == typeof(double))
            return value => ((double)(object)value).ToString("R", CultureInfo.InvariantCulture);
        if (typeof(T) == typeof(TimeSpan))
            return value => $"\"{((TimeSpan)(object)value).ToString("c", CultureInfo.InvariantCulture)}\"";
        if (typeof(T) == typeof(DateTime) || typeof(T) == typeof(DateTimeOffset))
            return value => $"\"{((IFormattable)value).ToString("o", CultureInfo.InvariantCulture)}\"";
        return value => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture);
    }

    /// <summary>Quotes what would not come back as it is.</summary>
    private string Quote(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return "\"\"";
        if (text[0] != ' ' && text.IndexOfAny(['"', separator, ':', '\n', '\r']) < 0)
            return text.ToString();
        return $"\"{text.ToString().Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>The texts of a column in the current row; default values are left out.</summary>
    private sealed class ColumnText(string defaultText, Func<Action<int, string>, int> fetch)
    {
        public List<(int Index, string Text)> Items { get; } = [];

        public int Length { get; private set; }

        public string Default => defaultText;

        public void Fetch()
        {
            Items.Clear();
            Length = fetch((index, text) =>
            {
                if (text != defaultText)
                    Items.Add((index, text));
            });
        }

        public IEnumerable<string> Dense()
        {
            int at = 0;
            for (int i = 0; i < Length; i++)
            {
                if (at < Items.Count && Items[at].Index == i)
                    yield return Items[at++].Text;
                else
                    yield return defaultText;
            }
        }
    }
}
