using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Writes and reads column types and values.</summary>
internal static class ValueCodec
{
    private enum Kind : byte
    {
        Number = 1,
        Text,
        Boolean,
        DateTime,
        DateTimeOffset,
        TimeSpan,
        RowId,
        Key,
        Vector,
    }

    /// <summary>Whether values of this type can be written.</summary>
    public static bool Supports(DataViewType type) => type switch
    {
        VectorDataViewType vector => Supports(vector.ItemType),
        NumberDataViewType or TextDataViewType or BooleanDataViewType or DateTimeDataViewType or DateTimeOffsetDataViewType
            or TimeSpanDataViewType or RowIdDataViewType or KeyDataViewType => true,
        _ => false,
    };

    public static void WriteType(BinaryWriter writer, DataViewType type)
    {
        switch (type)
        {
            case NumberDataViewType:
                writer.Write((byte)Kind.Number);
                writer.Write((byte)Type.GetTypeCode(type.RawType));
                break;
            case TextDataViewType:
                writer.Write((byte)Kind.Text);
                break;
            case BooleanDataViewType:
                writer.Write((byte)Kind.Boolean);
                break;
            case DateTimeDataViewType:
                writer.Write((byte)Kind.DateTime);
                break;
            case DateTimeOffsetDataViewType:
                writer.Write((byte)Kind.DateTimeOffset);
                break;
            case TimeSpanDataViewType:
                writer.Write((byte)Kind.TimeSpan);
                break;
            case RowIdDataViewType:
                writer.Write((byte)Kind.RowId);
                break;
            case KeyDataViewType key:
                writer.Write((byte)Kind.Key);
                writer.Write((byte)Type.GetTypeCode(type.RawType));
                writer.Write(key.Count);
                break;
            case VectorDataViewType vector:
                writer.Write((byte)Kind.Vector);
                WriteType(writer, vector.ItemType);
                writer.Write(vector.Dimensions.Length);
                foreach (int dimension in vector.Dimensions)
                    writer.Write(dimension);
                break;
            default:
                throw new NotSupportedException($"Columns of type {type} cannot be saved");
        }
    }

    /// <exception cref="FormatException">There is no such type.</exception>
    public static DataViewType ReadType(BinaryReader reader)
    {
        var kind = (Kind)reader.ReadByte();
        switch (kind)
        {
            case Kind.Number:
                return NumberOf((TypeCode)reader.ReadByte());
            case Kind.Text:
                return TextDataViewType.Instance;
            case Kind.Boolean:
                return BooleanDataViewType.Instance;
            case Kind.DateTime:
                return DateTimeDataViewType.Instance;
            case Kind.DateTimeOffset:
                return DateTimeOffsetDataViewType.Instance;
            case Kind.TimeSpan:
                return TimeSpanDataViewType.Instance;
            case Kind.RowId:
                return RowIdDataViewType.Instance;
            case Kind.Key:
                Type raw = NumberOf((TypeCode)reader.ReadByte()).RawType;
                ulong count = reader.ReadUInt64();
                Contracts.CheckDecode(null, KeyDataViewType.IsValidDataType(raw) && count > 0 && count <= KeyDataViewType.MaxCount(raw), "Corrupt model: bad key type");
                return new KeyDataViewType(raw, count);
            case Kind.Vector:
                var item = ReadType(reader) as PrimitiveDataViewType;
                int rank = reader.ReadInt32();
                Contracts.CheckDecode(null, item is not null && rank is > 0 and <= 64, "Corrupt model: bad vector type");
                var dimensions = new int[rank];
                long size = 1;
                for (int i = 0; i < rank; i++)
                {
                    dimensions[i] = reader.ReadInt32();
                    Contracts.CheckDecode(null, dimensions[i] >= 0 && (size *= dimensions[i]) <= int.MaxValue, "Corrupt model: bad vector size");
                }
                return new VectorDataViewType(item, dimensions);
            default:
                throw new FormatException($"Corrupt model: there is no column type {(byte)kind}");
        }
    }

    /// <summary>Writes what a getter gives.</summary>
    public static void WriteValue(BinaryWriter writer, DataViewType type, Delegate getter) =>
        Invoke(nameof(WriteValueCore), type.RawType, writer, getter);

    /// <summary>A getter of the value that is read now.</summary>
    public static Delegate ReadValue(BinaryReader reader, DataViewType type) =>
        (Delegate)Invoke(nameof(ReadValueCore), type.RawType, reader);

    public static void Write<T>(BinaryWriter writer, in T value) => Codec<T>.Write(writer, value);

    public static T Read<T>(BinaryReader reader) => Codec<T>.Read(reader);

    private static NumberDataViewType NumberOf(TypeCode code) =>
        NumberDataViewType.FromType(Type.GetType($"System.{code}") ?? typeof(object)) ?? throw new FormatException($"Corrupt model: there is no number type {(int)code}");

    private static object Invoke(string method, Type type, params object[] args)
    {
        try
        {
            return typeof(ValueCodec).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static).MakeGenericMethod(type).Invoke(null, args);
        }
        catch (TargetInvocationException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
            throw;
        }
    }

    private static void WriteValueCore<T>(BinaryWriter writer, ValueGetter<T> getter)
    {
        T value = default;
        getter(ref value);
        Codec<T>.Write(writer, value);
    }

    private static Delegate ReadValueCore<T>(BinaryReader reader)
    {
        T value = Codec<T>.Read(reader);
        ValueCopier<T> copy = ValueCopy.Get<T>();
        return (ValueGetter<T>)((ref T destination) => copy(in value, ref destination));
    }

    private static void WriteVector<T>(BinaryWriter writer, VBuffer<T> vector)
    {
        writer.Write(vector.Length);
        writer.Write(vector.GetValues().Length);
        foreach (int index in vector.GetIndices())
            writer.Write(index);
        foreach (T item in vector.GetValues())
            Codec<T>.Write(writer, item);
    }

    private static VBuffer<T> ReadVector<T>(BinaryReader reader)
    {
        int length = reader.ReadInt32();
        int count = reader.ReadInt32();
        // Every item takes at least one byte, so that a length from a corrupt file cannot claim more memory than the file has.
        long rest = reader.BaseStream.Length - reader.BaseStream.Position;
        Contracts.CheckDecode(null, length >= 0 && count >= 0 && count <= length && count <= rest, $"Corrupt model: a vector of {count} of {length} values");
        int[] indices = null;
        if (count < length)
        {
            indices = new int[count];
            for (int i = 0; i < count; i++)
            {
                indices[i] = reader.ReadInt32();
                Contracts.CheckDecode(null, indices[i] < length && indices[i] > (i == 0 ? -1 : indices[i - 1]), "Corrupt model: bad vector indices");
            }
        }
        var values = new T[count];
        for (int i = 0; i < count; i++)
            values[i] = Codec<T>.Read(reader);
        return new VBuffer<T>(length, count, values, indices);
    }

    private static class Codec<T>
    {
        public static readonly Action<BinaryWriter, T> Write;
        public static readonly Func<BinaryReader, T> Read;

        static Codec()
        {
            (Delegate write, Delegate read) = Make();
            Write = (Action<BinaryWriter, T>)write;
            Read = (Func<BinaryReader, T>)read;
        }

        private static (Delegate Write, Delegate Read) Make()
        {
            if (typeof(T) == typeof(ReadOnlyMemory<char>))
                return ((BinaryWriter w, ReadOnlyMemory<char> v) => w.Write(v.ToString()), (BinaryReader r) => r.ReadString().AsMemory());
            if (typeof(T) == typeof(DateTimeOffset))
                return ((BinaryWriter w, DateTimeOffset v) => { w.Write(v.Ticks); w.Write(v.Offset.Ticks); }, (BinaryReader r) => new DateTimeOffset(r.ReadInt64(), new TimeSpan(r.ReadInt64())));
            if (typeof(T) == typeof(TimeSpan))
                return ((BinaryWriter w, TimeSpan v) => w.Write(v.Ticks), (BinaryReader r) => new TimeSpan(r.ReadInt64()));
            if (typeof(T) == typeof(DataViewRowId))
                return ((BinaryWriter w, DataViewRowId v) => { w.Write(v.Low); w.Write(v.High); }, (BinaryReader r) => new DataViewRowId(r.ReadUInt64(), r.ReadUInt64()));
            if (typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>))
            {
                Type item = typeof(T).GetGenericArguments()[0];
                MethodInfo Method(string name) => typeof(ValueCodec).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static).MakeGenericMethod(item);
                return (Method(nameof(WriteVector)).CreateDelegate<Action<BinaryWriter, T>>(), Method(nameof(ReadVector)).CreateDelegate<Func<BinaryReader, T>>());
            }
            return Type.GetTypeCode(typeof(T)) switch
            {
                TypeCode.SByte => ((BinaryWriter w, sbyte v) => w.Write(v), (BinaryReader r) => r.ReadSByte()),
                TypeCode.Byte => ((BinaryWriter w, byte v) => w.Write(v), (BinaryReader r) => r.ReadByte()),
                TypeCode.Int16 => ((BinaryWriter w, short v) => w.Write(v), (BinaryReader r) => r.ReadInt16()),
                TypeCode.UInt16 => ((BinaryWriter w, ushort v) => w.Write(v), (BinaryReader r) => r.ReadUInt16()),
                TypeCode.Int32 => ((BinaryWriter w, int v) => w.Write(v), (BinaryReader r) => r.ReadInt32()),
                TypeCode.UInt32 => ((BinaryWriter w, uint v) => w.Write(v), (BinaryReader r) => r.ReadUInt32()),
                TypeCode.Int64 => ((BinaryWriter w, long v) => w.Write(v), (BinaryReader r) => r.ReadInt64()),
                TypeCode.UInt64 => ((BinaryWriter w, ulong v) => w.Write(v), (BinaryReader r) => r.ReadUInt64()),
                TypeCode.Single => ((BinaryWriter w, float v) => w.Write(v), (BinaryReader r) => r.ReadSingle()),
                TypeCode.Double => ((BinaryWriter w, double v) => w.Write(v), (BinaryReader r) => r.ReadDouble()),
                TypeCode.Boolean => ((BinaryWriter w, bool v) => w.Write(v), (BinaryReader r) => r.ReadBoolean()),
                TypeCode.DateTime => ((BinaryWriter w, DateTime v) => w.Write(v.ToBinary()), (BinaryReader r) => DateTime.FromBinary(r.ReadInt64())),
                _ => throw new NotSupportedException($"Values of type {typeof(T)} cannot be saved"),
            };
        }
    }
}
