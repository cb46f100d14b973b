namespace Microsoft.ML.Data;

/// <summary>The column types of .NET types that are not built in.</summary>
public static class DataViewTypeManager
{
    private static readonly Lock _lock = new();
    private static readonly List<(Type Type, DataViewTypeAttribute Attribute, DataViewType ViewType)> _registered = [];

    /// <summary>Says that members of this .NET type, with this attribute, are columns of this type.</summary>
    /// <exception cref="ArgumentException">The pair is registered for another column type.</exception>
    public static void Register(DataViewType dataViewType, Type type, DataViewTypeAttribute typeAttribute = null)
    {
        ArgumentNullException.ThrowIfNull(dataViewType);
        ArgumentNullException.ThrowIfNull(type);
        if (dataViewType.RawType != type)
            throw new ArgumentException($"The values of {dataViewType} are {dataViewType.RawType}, not {type}", nameof(type));
        lock (_lock)
        {
            foreach ((Type knownType, DataViewTypeAttribute knownAttribute, DataViewType knownViewType) in _registered)
            {
                if (knownType != type || !SameAttribute(knownAttribute, typeAttribute))
                    continue;
                if (knownViewType.Equals(dataViewType))
                    return;
                throw new ArgumentException($"Type {type} is registered as {knownViewType} already, and cannot be {dataViewType} as well", nameof(type));
            }
            _registered.Add((type, typeAttribute, dataViewType));
        }
    }

    [Obsolete("This API is deprecated, please use the new form of Register which takes in a single DataViewTypeAttribute instead.")]
    public static void Register(DataViewType dataViewType, Type type, IEnumerable<Attribute> typeAttributes)
    {
        DataViewTypeAttribute[] attributes = typeAttributes?.OfType<DataViewTypeAttribute>().ToArray() ?? [];
        if (attributes.Length > 1)
            throw new ArgumentException($"A type has at most one {nameof(DataViewTypeAttribute)}, but {attributes.Length} were given", nameof(typeAttributes));
        Register(dataViewType, type, attributes.Length == 0 ? null : attributes[0]);
    }

    internal static bool TryGet(Type type, DataViewTypeAttribute attribute, out DataViewType viewType)
    {
        lock (_lock)
        {
            foreach ((Type knownType, DataViewTypeAttribute knownAttribute, DataViewType knownViewType) in _registered)
            {
                if (knownType == type && SameAttribute(knownAttribute, attribute))
                {
                    viewType = knownViewType;
                    return true;
                }
            }
        }
        viewType = null;
        return false;
    }

    private static bool SameAttribute(DataViewTypeAttribute x, DataViewTypeAttribute y) => x is null ? y is null : y is not null && x.Equals(y);
}
