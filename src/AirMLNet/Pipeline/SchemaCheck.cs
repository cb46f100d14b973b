using AirMLNet.Heads;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>Checks of input columns. A message names the stage, the column, the type found and the type expected.</summary>
internal static class SchemaCheck
{
    public static DataViewSchema.Column Vector(DataViewSchema schema, string stage, string name, int? size = null)
    {
        var expected = size is { } n ? $"a vector of {n} Single" : "a vector of Single of known size";
        var column = Find(schema, stage, name, expected);
        if (
            column.Type is VectorDataViewType { ItemType: NumberDataViewType item, Size: > 0 } vector
            && item == NumberDataViewType.Single
            && (size is null || vector.Size == size)
        )
        {
            return column;
        }
        throw Mismatch(stage, name, column.Type.ToString(), expected);
    }

    public static DataViewSchema.Column Single(DataViewSchema schema, string stage, string name)
    {
        var column = Find(schema, stage, name, "Single");
        return column.Type == NumberDataViewType.Single ? column : throw Mismatch(stage, name, column.Type.ToString(), "Single");
    }

    public static DataViewSchema.Column Text(DataViewSchema schema, string stage, string name)
    {
        var column = Find(schema, stage, name, "Text");
        return column.Type is TextDataViewType ? column : throw Mismatch(stage, name, column.Type.ToString(), "Text");
    }

    /// <summary>A label: a UInt32 key. Its names must be the class names in their order, where both are given.</summary>
    public static DataViewSchema.Column Label(DataViewSchema schema, string stage, string name, IReadOnlyList<string>? classNames = null)
    {
        var expected = classNames is null
            ? "Key<UInt32> with KeyValues"
            : $"Key<UInt32, {classNames.Count}> with the class names as KeyValues";
        var column = Find(schema, stage, name, expected);
        if (column.Type is not KeyDataViewType { RawType: var raw } || raw != typeof(uint))
        {
            throw Mismatch(stage, name, column.Type.ToString(), expected);
        }

        if (classNames is null)
        {
            return column;
        }

        var keys = StageAnnotations.KeyValues(column);
        if (keys is not null && !keys.SequenceEqual(classNames))
        {
            throw new ArgumentException(
                $"{stage}: the names of column '{name}' are [{string.Join(", ", keys)}]; expected the class names in their order, [{string.Join(", ", classNames)}]."
            );
        }
        if (keys is null && ((KeyDataViewType)column.Type).Count != (ulong)classNames.Count)
        {
            throw Mismatch(stage, name, column.Type.ToString(), expected);
        }

        return column;
    }

    /// <summary>Checks a column of a predicted schema by name, kind and item type.</summary>
    public static void Shape(
        SchemaShape schema,
        string stage,
        string name,
        SchemaShape.Column.VectorKind kind,
        DataViewType itemType,
        bool isKey,
        string expected
    )
    {
        foreach (var column in schema)
        {
            if (column.Name != name)
            {
                continue;
            }

            if (column.Kind == kind && column.ItemType.Equals(itemType) && column.IsKey == isKey)
            {
                return;
            }

            throw Mismatch(
                stage,
                name,
                $"{(column.Kind == SchemaShape.Column.VectorKind.Scalar ? "" : "a vector of ")}{(column.IsKey ? "Key of " : "")}{column.ItemType}",
                expected
            );
        }
        throw Missing(stage, name, expected, schema.Select(c => c.Name));
    }

    public static DataViewSchema.Column Find(DataViewSchema schema, string stage, string name, string expected) =>
        schema.GetColumnOrNull(name) ?? throw Missing(stage, name, expected, schema.Where(c => !c.IsHidden).Select(c => c.Name));

    public static ArgumentException Mismatch(string stage, string name, string? found, string expected) =>
        new($"{stage}: column '{name}' is {found}; expected {expected}.");

    private static ArgumentException Missing(string stage, string name, string expected, IEnumerable<string> columns) =>
        new($"{stage}: there is no column '{name}'; expected {expected}. The input has: {string.Join(", ", columns)}.");
}
