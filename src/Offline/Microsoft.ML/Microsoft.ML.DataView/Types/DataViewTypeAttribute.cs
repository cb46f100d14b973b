namespace Microsoft.ML.Data;

/// <summary>Marks a member of a user's class whose column type cannot be told from its .NET type alone.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = false, Inherited = true)]
public abstract class DataViewTypeAttribute : Attribute, IEquatable<DataViewTypeAttribute>
{
    protected DataViewTypeAttribute()
    {
    }

    /// <summary>Registers the pairs of .NET type and column type that this attribute stands for.</summary>
    public abstract void Register();

    public abstract bool Equals(DataViewTypeAttribute other);
}
