using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>What the members of a user's class are as columns.</summary>
internal static class MemberColumns
{
    /// <summary>The public instance fields, then the properties, that can be used in this direction.</summary>
    public static IEnumerable<MemberInfo> Candidates(Type userType, SchemaDefinition.Direction direction)
    {
        const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance;
        foreach (FieldInfo field in userType.GetFields(Flags))
        {
            if (direction == SchemaDefinition.Direction.Read || !field.IsInitOnly)
                yield return field;
        }
        foreach (PropertyInfo property in userType.GetProperties(Flags))
        {
            if (property.GetIndexParameters().Length > 0)
                continue;
            bool readable = (direction & SchemaDefinition.Direction.Read) == 0 || property.GetMethod is { IsPublic: true };
            bool writable = (direction & SchemaDefinition.Direction.Write) == 0 || property.SetMethod is { IsPublic: true };
            if (readable && writable)
                yield return property;
        }
    }

    public static Type TypeOf(MemberInfo member) => member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;

    public static MemberInfo Find(Type userType, string name) =>
        (MemberInfo)userType.GetField(name, BindingFlags.Public | BindingFlags.Instance)
        ?? userType.GetProperty(name, BindingFlags.Public | BindingFlags.Instance)
        ?? throw new ArgumentOutOfRangeException(nameof(name), $"{userType} has no public field or property '{name}'");

    /// <summary>The column type of a member, from its type and its attributes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has none.</exception>
    public static DataViewType ColumnTypeOf(MemberInfo member)
    {
        Type type = TypeOf(member);
        string what = $"member '{member.Name}' of {member.DeclaringType} (type {type})";
        if (member.GetCustomAttribute<DataViewTypeAttribute>() is { } attribute)
        {
            attribute.Register();
            if (DataViewTypeManager.TryGet(type, attribute, out DataViewType registered))
                return registered;
            throw new ArgumentOutOfRangeException(nameof(member), $"Attribute {attribute.GetType().Name} does not fit {what}");
        }
        Type itemType = ItemTypeOf(type, out bool isVector);
        DataViewType item = PrimitiveTypeOf(itemType);
        if (item is null && !isVector && DataViewTypeManager.TryGet(type, null, out DataViewType custom))
            return custom;
        if (item is null)
            throw new ArgumentOutOfRangeException(nameof(member), $"Could not determine a column type for {what}. Mark it with {nameof(NoColumnAttribute)} to leave it out");

        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } keyAttribute)
        {
            if (!KeyDataViewType.IsValidDataType(itemType))
                throw new ArgumentOutOfRangeException(nameof(member), $"A key must be a byte, ushort, uint or ulong, unlike {what}");
            // Without a count a key may be anything that an index of the type could be.
            ulong max = itemType == typeof(ulong) || itemType == typeof(uint) ? int.MaxValue : KeyDataViewType.MaxCount(itemType);
            item = new KeyDataViewType(itemType, keyAttribute.KeyCount?.Count ?? max);
        }
        VectorTypeAttribute vector = member.GetCustomAttribute<VectorTypeAttribute>();
        if (!isVector)
        {
            if (vector is not null)
                throw new ArgumentOutOfRangeException(nameof(member), $"{nameof(VectorTypeAttribute)} needs an array or a VBuffer, unlike {what}");
            return item;
        }
        int[] dimensions = vector?.Dims;
        return dimensions is { Length: > 0 } && dimensions.Any(d => d > 0)
            ? new VectorDataViewType((PrimitiveDataViewType)item, dimensions)
            : new VectorDataViewType((PrimitiveDataViewType)item);
    }

    /// <summary>The item type of an array or VBuffer, or the type itself.</summary>
    public static Type ItemTypeOf(Type type, out bool isVector)
    {
        isVector = true;
        if (type.IsArray && type.GetArrayRank() == 1)
            return type.GetElementType();
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>))
            return type.GetGenericArguments()[0];
        isVector = false;
        return type;
    }

    /// <summary>The type of the values of a column that a member of this type is bound to.</summary>
    public static Type RawTypeOf(Type memberType)
    {
        Type item = ItemTypeOf(memberType, out bool isVector);
        if (item == typeof(string))
            item = typeof(ReadOnlyMemory<char>);
        return isVector ? typeof(VBuffer<>).MakeGenericType(item) : item;
    }

    private static PrimitiveDataViewType PrimitiveTypeOf(Type type)
    {
        if (type == typeof(string) || type == typeof(ReadOnlyMemory<char>))
            return TextDataViewType.Instance;
        if (type == typeof(bool))
            return BooleanDataViewType.Instance;
        if (type == typeof(DateTime))
            return DateTimeDataViewType.Instance;
        if (type == typeof(DateTimeOffset))
            return DateTimeOffsetDataViewType.Instance;
        if (type == typeof(TimeSpan))
            return TimeSpanDataViewType.Instance;
        if (type == typeof(DataViewRowId))
            return RowIdDataViewType.Instance;
        return type.IsEnum ? null : NumberDataViewType.FromType(type);
    }

    /// <summary>Adds an annotation given as a user's value: a string, an array, or the raw type itself.</summary>
    public static void AddAnnotation<T>(DataViewSchema.Annotations.Builder builder, string kind, T value, DataViewType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (RawTypeOf(typeof(T)) != type.RawType)
            throw new ArgumentException($"Annotation '{kind}' of type {type} cannot be given as a {typeof(T)}", nameof(value));
        var adder = (IAnnotationAdder)Activator.CreateInstance(typeof(AnnotationAdder<,>).MakeGenericType(typeof(T), type.RawType));
        adder.Add(builder, kind, value, type);
    }

    private interface IAnnotationAdder
    {
        void Add(DataViewSchema.Annotations.Builder builder, string kind, object value, DataViewType type);
    }

    private sealed class AnnotationAdder<TMember, TValue> : IAnnotationAdder
    {
        public void Add(DataViewSchema.Annotations.Builder builder, string kind, object value, DataViewType type)
        {
            ToColumn<TMember, TValue> convert = ValueConversion.ToColumn<TMember, TValue>();
            var member = (TMember)value;
            builder.Add(kind, type, (ref TValue destination) => convert(member, ref destination));
        }
    }
}
