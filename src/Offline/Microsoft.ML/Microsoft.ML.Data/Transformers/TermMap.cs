using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The values that keys stand for: key k is the value at k - 1.</summary>
internal abstract class TermMap
{
    protected TermMap(PrimitiveDataViewType itemType)
    {
        ItemType = itemType;
    }

    /// <summary>How the values lie in a model file.</summary>
    protected enum Form : byte
    {
        Text = 0,
        Values = 1,
    }

    public PrimitiveDataViewType ItemType { get; }

    public abstract int Count { get; }

    /// <summary>Collects the different values of a column, in the order in which they appear.</summary>
    public static TermMap Train(IHostEnvironment env, IDataView data, DataViewSchema.Column column, int max, bool sort)
    {
        PrimitiveDataViewType itemType = CheckType(env, column);
        var map = (TermMap)Activator.CreateInstance(typeof(TermMap<>).MakeGenericType(itemType.RawType), itemType);
        using DataViewRowCursor cursor = data.GetRowCursor([column]);
        map.Collect(env, cursor, cursor.Schema[column.Index], max);
        if (sort)
            map.Sort();
        return map;
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="FormatException">It is corrupt.</exception>
    public static TermMap Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        var form = (Form)ctx.Reader.ReadByte();
        if (form == Form.Text)
        {
            int count = ctx.Reader.ReadInt32();
            env.CheckDecode(count >= 0 && count <= ctx.Strings.Length, $"Corrupt model: {count} key values, where the model has {ctx.Strings.Length} strings");
            var texts = new TermMap<ReadOnlyMemory<char>>(TextDataViewType.Instance);
            for (int i = 0; i < count; i++)
                texts.Append(env, ctx.LoadNonEmptyString().AsMemory());
            return texts;
        }
        env.CheckDecode(form == Form.Values, $"Corrupt model: there is no form {(byte)form} of key values");
        Stream stream = ctx.Reader.BaseStream;
        long start = stream.Position;
        byte[] rest = ctx.Reader.ReadBytes((int)Math.Min(int.MaxValue, ctx.FpMin + ctx.Header.FpModel + ctx.Header.CbModel - start));
        var reader = new BlockReader(rest, 0, rest.Length);
        Codec codec = CodecFactory.ReadDefinition(reader);
        env.CheckDecode(codec?.Type is PrimitiveDataViewType, "Corrupt model: the type of key values is not known");
        var map = (TermMap)Activator.CreateInstance(typeof(TermMap<>).MakeGenericType(codec.Type.RawType), codec.Type);
        int values = reader.ReadInt32();
        env.CheckDecode(values >= 0, $"Corrupt model: {values} key values");
        codec.CheckFits(reader, values);
        map.LoadTerms(env, codec, reader, values);
        stream.Position = start + reader.Position;
        return map;
    }

    public static PrimitiveDataViewType CheckType(IExceptionContext ectx, DataViewSchema.Column column)
    {
        PrimitiveDataViewType itemType = AnnotationUtils.GetItemType(column.Type);
        if (itemType is null or KeyDataViewType or RowIdDataViewType)
            throw ectx.ExceptSchemaMismatch("inputSchema", "input", column.Name, "text, number, boolean or date, or a vector of these", column.Type.ToString());
        return itemType;
    }

    /// <summary>Writes the form, then for text the number and the strings, for other types the codec, the number and the values.</summary>
    public abstract void Save(ModelSaveContext ctx);

    /// <summary>Writes the values for people to read.</summary>
    public abstract void WriteText(TextWriter writer);

    /// <summary>A getter of the keys of a column's values.</summary>
    public abstract Delegate KeyGetter(DataViewRow row, DataViewSchema.Column column);

    /// <summary>Adds the values as annotation.</summary>
    public abstract void AddKeyValues(DataViewSchema.Annotations.Builder builder, bool asText);

    protected abstract void Collect(IHostEnvironment env, DataViewRowCursor cursor, DataViewSchema.Column column, int max);

    protected abstract void Sort();

    protected abstract void LoadTerms(IExceptionContext ectx, Codec codec, BlockReader reader, int count);
}

/// <inheritdoc/>
internal sealed class TermMap<T>(PrimitiveDataViewType itemType) : TermMap(itemType)
{
    private readonly List<T> _terms = [];
    private readonly Dictionary<T, uint> _keys = new(MakeComparer());

    public override int Count => _terms.Count;

    public override Delegate KeyGetter(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            T source = default;
            return (ValueGetter<uint>)((ref uint key) =>
            {
                getter(ref source);
                key = KeyOf(source);
            });
        }
        ValueGetter<VBuffer<T>> vectorGetter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> vector = default;
        return (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> keys) =>
        {
            vectorGetter(ref vector);
            // The implicit values of a sparse vector are values as well.
            VBufferEditor<uint> editor = VBufferEditor.Create(ref keys, vector.Length);
            int i = 0;
            foreach (T item in vector.DenseValues())
                editor.Values[i++] = KeyOf(item);
            keys = editor.Commit();
        });
    }

    public override void AddKeyValues(DataViewSchema.Annotations.Builder builder, bool asText)
    {
        if (_terms.Count == 0)
            return;
        if (asText && typeof(T) != typeof(ReadOnlyMemory<char>))
        {
            ReadOnlyMemory<char>[] texts = [.. _terms.Select(term => Convert.ToString(term, System.Globalization.CultureInfo.InvariantCulture).AsMemory())];
            Add(builder, TextDataViewType.Instance, texts);
            return;
        }
        Add(builder, ItemType, _terms.ToArray());
    }

    protected override void Collect(IHostEnvironment env, DataViewRowCursor cursor, DataViewSchema.Column column, int max)
    {
        if (column.Type is VectorDataViewType)
        {
            ValueGetter<VBuffer<T>> getter = cursor.GetGetter<VBuffer<T>>(column);
            VBuffer<T> vector = default;
            while (_terms.Count < max && cursor.MoveNext())
            {
                getter(ref vector);
                foreach (T item in vector.DenseValues())
                {
                    if (_terms.Count < max)
                        AddTerm(item);
                }
            }
        }
        else
        {
            ValueGetter<T> getter = cursor.GetGetter<T>(column);
            T value = default;
            while (_terms.Count < max && cursor.MoveNext())
            {
                getter(ref value);
                AddTerm(value);
            }
        }
    }

    protected override void Sort()
    {
        IComparer<T> comparer = typeof(T) == typeof(ReadOnlyMemory<char>) ? (IComparer<T>)(object)new TextComparer() : Comparer<T>.Default;
        _terms.Sort(comparer);
        _keys.Clear();
        for (int i = 0; i < _terms.Count; i++)
            _keys.Add(_terms[i], (uint)i + 1);
    }

    public override void Save(ModelSaveContext ctx)
    {
        if (typeof(T) == typeof(ReadOnlyMemory<char>))
        {
            ctx.Writer.Write((byte)Form.Text);
            ctx.Writer.Write(_terms.Count);
            foreach (T term in _terms)
                ctx.SaveNonEmptyString((ReadOnlyMemory<char>)(object)term);
            return;
        }
        var codec = (Codec<T>)CodecFactory.Find(ItemType);
        ctx.Writer.Write((byte)Form.Values);
        codec.WriteDefinition(ctx.Writer);
        ctx.Writer.Write(_terms.Count);
        ValueWriter<T> values = codec.OpenWriter();
        foreach (T term in _terms)
            values.Write(in term);
        values.Commit(ctx.Writer);
    }

    public override void WriteText(TextWriter writer)
    {
        writer.WriteLine(typeof(T) == typeof(ReadOnlyMemory<char>) ? $"# Number of terms = {Count}" : $"# Number of terms of type '{ItemType}' = {Count}");
        for (int i = 0; i < _terms.Count; i++)
            writer.WriteLine($"{i}\t{Convert.ToString(_terms[i], System.Globalization.CultureInfo.InvariantCulture)}");
    }

    /// <summary>Adds a value that must be new.</summary>
    public void Append(IExceptionContext ectx, T term) =>
        ectx.CheckDecode(AddTerm(term), "Corrupt model: a key value is missing or there twice");

    protected override void LoadTerms(IExceptionContext ectx, Codec codec, BlockReader reader, int count)
    {
        ValueReader<T> values = ((Codec<T>)codec).OpenReader(reader, count);
        T term = default;
        for (int i = 0; i < count; i++)
        {
            values.Read(ref term);
            Append(ectx, term);
        }
    }

    private static void Add<TItem>(DataViewSchema.Annotations.Builder builder, PrimitiveDataViewType type, TItem[] values) =>
        builder.Add(
            AnnotationUtils.Kinds.KeyValues,
            new VectorDataViewType(type, values.Length),
            (ref VBuffer<TItem> destination) => VBuffer<TItem>.Copy(values, 0, ref destination, values.Length));

    private bool AddTerm(T value)
    {
        if (IsMissing(value))
            return false;
        // Text from a getter may lie in a buffer that the next row overwrites.
        if (value is ReadOnlyMemory<char> text && !_keys.ContainsKey(value))
            value = (T)(object)text.ToString().AsMemory();
        if (!_keys.TryAdd(value, (uint)_terms.Count + 1))
            return false;
        _terms.Add(value);
        return true;
    }

    private uint KeyOf(T value) => !IsMissing(value) && _keys.TryGetValue(value, out uint key) ? key : 0;

    private static bool IsMissing(T value)
    {
        if (typeof(T) == typeof(ReadOnlyMemory<char>))
            return ((ReadOnlyMemory<char>)(object)value).IsEmpty;
        if (typeof(T) == typeof(float))
            return float.IsNaN((float)(object)value);
        if (typeof(T) == typeof(double))
            return double.IsNaN((double)(object)value);
        return false;
    }

    private static IEqualityComparer<T> MakeComparer() =>
        typeof(T) == typeof(ReadOnlyMemory<char>) ? (IEqualityComparer<T>)(object)new TextComparer() : EqualityComparer<T>.Default;
}

/// <summary>Compares text by its characters.</summary>
internal sealed class TextComparer : IEqualityComparer<ReadOnlyMemory<char>>, IComparer<ReadOnlyMemory<char>>
{
    public bool Equals(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceEqual(y.Span);

    public int GetHashCode(ReadOnlyMemory<char> text) => string.GetHashCode(text.Span);

    public int Compare(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceCompareTo(y.Span);
}
