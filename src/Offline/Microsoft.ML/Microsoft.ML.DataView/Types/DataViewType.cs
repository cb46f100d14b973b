namespace Microsoft.ML.Data;

/// <summary>The type of a column: what its values mean and which .NET type (<see cref="RawType"/>) carries them.</summary>
public abstract class DataViewType : IEquatable<DataViewType>
{
    private protected DataViewType(Type rawType)
    {
        ArgumentNullException.ThrowIfNull(rawType);
        RawType = rawType;
    }

    /// <summary>The .NET type of a value of this column type.</summary>
    public Type RawType { get; }

    /// <summary>Whether both types describe the same values.</summary>
    public abstract bool Equals(DataViewType other);
}

/// <summary>A type whose values may own several parts or resources, such as a vector or an image.</summary>
public abstract class StructuredDataViewType : DataViewType
{
    protected StructuredDataViewType(Type rawType)
        : base(rawType)
    {
    }
}

/// <summary>A type whose values are copied by assignment and own nothing.</summary>
public abstract class PrimitiveDataViewType : DataViewType
{
    protected PrimitiveDataViewType(Type rawType)
        : base(rawType)
    {
        if (typeof(IDisposable).IsAssignableFrom(rawType))
            throw new ArgumentException($"A {nameof(PrimitiveDataViewType)} cannot have a disposable {nameof(RawType)}, but {rawType} is one", nameof(rawType));
    }
}
