using System.Collections;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>What can be known of a schema before anything was fitted: names, kinds and item types, but no sizes.</summary>
public sealed class SchemaShape : IReadOnlyList<SchemaShape.Column>
{
    private readonly Column[] _columns;

    private static readonly SchemaShape _empty = new([]);

    public SchemaShape(IEnumerable<Column> columns)
    {
        Contracts.CheckValue(columns, nameof(columns));
        _columns = columns.ToArray();
        foreach (Column column in _columns)
        {
            if (!column.IsValid)
                throw new ArgumentException("Some columns are not initialized properly.", nameof(columns));
        }
    }

    public int Count => _columns.Length;

    public Column this[int index] => _columns[index];

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static SchemaShape Create(DataViewSchema schema)
    {
        Contracts.CheckValue(schema, nameof(schema));
        var columns = new List<Column>();
        foreach (DataViewSchema.Column column in schema)
        {
            if (!column.IsHidden)
                columns.Add(CreateColumn(column));
        }
        return new SchemaShape(columns);
    }

    private static Column CreateColumn(DataViewSchema.Column column)
    {
        GetColumnTypeShape(column.Type, out Column.VectorKind kind, out DataViewType itemType, out bool isKey);
        SchemaShape annotations = column.Annotations is { Schema.Count: > 0 } ? Create(column.Annotations.Schema) : null;
        return new Column(column.Name, kind, itemType, isKey, annotations);
    }

    internal static void GetColumnTypeShape(DataViewType type, out Column.VectorKind vecKind, out DataViewType itemType, out bool isKey)
    {
        vecKind = Column.VectorKind.Scalar;
        itemType = type;
        if (type is VectorDataViewType vector)
        {
            vecKind = vector.IsKnownSize ? Column.VectorKind.Vector : Column.VectorKind.VariableVector;
            itemType = vector.ItemType;
        }
        isKey = itemType is KeyDataViewType;
        if (isKey)
            itemType = NumberDataViewType.FromType(itemType.RawType);
    }

    internal bool TryFindColumn(string name, out Column column)
    {
        // The last of several columns of one name is the visible one.
        for (int i = _columns.Length - 1; i >= 0; i--)
        {
            if (_columns[i].Name == name)
            {
                column = _columns[i];
                return true;
            }
        }
        column = default;
        return false;
    }

    /// <summary>The shape of one column.</summary>
    public struct Column
    {
        public enum VectorKind
        {
            Scalar = 0,
            Vector = 1,
            VariableVector = 2,
        }

        public readonly string Name;

        public readonly VectorKind Kind;

        /// <summary>The item type; for a key the number type that carries it.</summary>
        public readonly DataViewType ItemType;

        public readonly bool IsKey;

        public readonly SchemaShape Annotations;

        internal Column(string name, VectorKind vecKind, DataViewType itemType, bool isKey, SchemaShape annotations = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(name);
            Contracts.CheckValue(itemType, nameof(itemType));
            if (itemType is KeyDataViewType or VectorDataViewType)
                throw new ArgumentException($"Column '{name}': the item type must be neither a key nor a vector, but is {itemType}", nameof(itemType));
            if (isKey && !KeyDataViewType.IsValidDataType(itemType.RawType))
                throw new ArgumentException($"Column '{name}': {itemType} cannot carry keys", nameof(itemType));
            Name = name;
            Kind = vecKind;
            ItemType = itemType;
            IsKey = isKey;
            Annotations = annotations ?? _empty;
        }

        internal bool IsValid => Name is not null;

        /// <summary>Whether <paramref name="source"/> can be used where this column is wanted: same kind and type, and at least these annotations.</summary>
        internal bool IsCompatibleWith(Column source)
        {
            if (Name != source.Name || Kind != source.Kind || !ItemType.Equals(source.ItemType) || IsKey != source.IsKey)
                return false;
            foreach (Column annotation in Annotations)
            {
                if (!source.Annotations.TryFindColumn(annotation.Name, out Column other) || !annotation.IsCompatibleWith(other))
                    return false;
            }
            return true;
        }

        internal readonly string GetTypeString()
        {
            string item = IsKey ? $"Key<{ItemType}>" : ItemType.ToString();
            return Kind switch
            {
                VectorKind.Vector => $"Vector<{item}>",
                VectorKind.VariableVector => $"VarVector<{item}>",
                _ => item,
            };
        }

    }
}
