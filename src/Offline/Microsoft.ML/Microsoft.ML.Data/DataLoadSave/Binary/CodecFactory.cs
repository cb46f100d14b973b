using System.Reflection;

namespace Microsoft.ML.Data.IO;

/// <summary>The codecs of column types, and of the definitions in files.</summary>
internal static class CodecFactory
{
    /// <summary>A key within a vector is the deepest that official writers nest.</summary>
    private const int MaxDepth = 8;

    private static readonly Dictionary<string, Codec> _byName = new(StringComparer.Ordinal);
    private static readonly Dictionary<Type, Codec> _byRawType = [];

    static CodecFactory()
    {
        Codec[] simple =
        [
            new RawCodec<sbyte>(NumberDataViewType.SByte), new RawCodec<byte>(NumberDataViewType.Byte),
            new RawCodec<short>(NumberDataViewType.Int16), new RawCodec<ushort>(NumberDataViewType.UInt16),
            new RawCodec<int>(NumberDataViewType.Int32), new RawCodec<uint>(NumberDataViewType.UInt32),
            new RawCodec<long>(NumberDataViewType.Int64), new RawCodec<ulong>(NumberDataViewType.UInt64),
            new RawCodec<float>(NumberDataViewType.Single), new RawCodec<double>(NumberDataViewType.Double),
            new RawCodec<TimeSpan>(TimeSpanDataViewType.Instance), new RawCodec<DataViewRowId>(RowIdDataViewType.Instance),
            new BooleanCodec(), new DateTimeCodec(), new DateTimeOffsetCodec(), new TextCodec(),
        ];
        foreach (Codec codec in simple)
        {
            _byName.Add(codec.LoadName, codec);
            _byRawType.Add(codec.Type.RawType, codec);
        }
        // The names that earlier versions wrote.
        _byName.Add("DvBool", new TwoBitBooleanCodec());
        _byName.Add("DvDateTime", _byRawType[typeof(DateTime)]);
        _byName.Add("DvDateTimeZone", _byRawType[typeof(DateTimeOffset)]);
        _byName.Add("DvTimeSpan", _byRawType[typeof(TimeSpan)]);
    }

    /// <summary>Whether values of this type can be written.</summary>
    public static bool Supports(DataViewType type) => Find(type) is not null;

    /// <summary>The codec of a type, or null where its values cannot be written (images, custom types).</summary>
    public static Codec Find(DataViewType type)
    {
        switch (type)
        {
            case KeyDataViewType key:
                return (Codec)Activator.CreateInstance(typeof(KeyCodec<>).MakeGenericType(key.RawType), key, _byRawType[key.RawType]);
            case VectorDataViewType vector:
                return Find(vector.ItemType) is { } items
                    ? (Codec)Activator.CreateInstance(typeof(VectorCodec<>).MakeGenericType(vector.ItemType.RawType), vector, items)
                    : null;
            case PrimitiveDataViewType:
                return _byRawType.GetValueOrDefault(type.RawType);
            default:
                return null;
        }
    }

    /// <summary>Reads a definition. Null where the codec is not known, which a file may well have.</summary>
    /// <exception cref="FormatException">The definition is corrupt.</exception>
    public static Codec ReadDefinition(BlockReader reader) => ReadDefinition(reader, 0);

    /// <summary>Calls a generic method with the raw type of a column as its argument.</summary>
    public static object Invoke(Type owner, string method, Type rawType, object target, params object[] args)
    {
        try
        {
            return owner.GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance).MakeGenericMethod(rawType).Invoke(target, args);
        }
        catch (TargetInvocationException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
            throw;
        }
    }

    private static Codec ReadDefinition(BlockReader reader, int depth)
    {
        string name = reader.ReadString();
        if (name.Length == 0 || depth > MaxDepth)
            throw new FormatException("Corrupt file: a column type has no name");
        BlockReader parameters = reader.Slice(reader.ReadLeb128());
        Codec codec = name switch
        {
            "VBuffer" => ReadVector(parameters, depth),
            "Key2" => ReadKey(parameters, depth),
            "Key" => ReadOldKey(parameters, depth),
            _ => _byName.GetValueOrDefault(name),
        };
        if (codec is not null && parameters.Remaining != 0)
            throw new FormatException($"Corrupt file: the column type '{name}' has {parameters.Remaining} bytes too many");
        return codec;
    }

    private static Codec ReadKey(BlockReader reader, int depth)
    {
        Codec number = ReadDefinition(reader, depth + 1);
        ulong count = reader.ReadUInt64();
        if (number is null)
            return null;
        Type raw = number.Type.RawType;
        if (number.Type is not NumberDataViewType || !KeyDataViewType.IsValidDataType(raw) || count == 0 || count > KeyDataViewType.MaxCount(raw))
            throw new FormatException($"Corrupt file: {count} keys of type {number.Type}");
        return Find(new KeyDataViewType(raw, count));
    }

    /// <summary>Keys as earlier versions described them: whether contiguous, the least value, and how many; 0 for all there can be.</summary>
    private static Codec ReadOldKey(BlockReader reader, int depth)
    {
        Codec number = ReadDefinition(reader, depth + 1);
        bool contiguous = reader.ReadByte() != 0;
        ulong least = reader.ReadUInt64();
        int count = reader.ReadInt32();
        if (number is null)
            return null;
        Type raw = number.Type.RawType;
        if (number.Type is not NumberDataViewType || !KeyDataViewType.IsValidDataType(raw) || count < 0 || (ulong)count > KeyDataViewType.MaxCount(raw))
            throw new FormatException($"Corrupt file: {count} keys of type {number.Type}");
        if (!contiguous || least != 0)
            throw new FormatException("Keys that are not contiguous from 0 cannot be read any more");
        return Find(new KeyDataViewType(raw, count == 0 ? KeyDataViewType.MaxCount(raw) : (ulong)count));
    }

    private static Codec ReadVector(BlockReader reader, int depth)
    {
        Codec items = ReadDefinition(reader, depth + 1);
        int rank = reader.ReadInt32();
        if (rank < 0 || rank > reader.Remaining / sizeof(int))
            throw new FormatException($"Corrupt file: a vector of {rank} dimensions");
        int[] dimensions = reader.ReadInt32Array(rank);
        long size = 1;
        foreach (int dimension in dimensions)
        {
            if (dimension < 0 || (size *= dimension) > int.MaxValue)
                throw new FormatException($"Corrupt file: a vector of {string.Join(" x ", dimensions)} items");
        }
        if (items is null)
            return null;
        if (items.Type is not PrimitiveDataViewType item)
            throw new FormatException($"Corrupt file: a vector of {items.Type}");
        return Find(rank == 0 ? new VectorDataViewType(item) : new VectorDataViewType(item, dimensions));
    }
}
