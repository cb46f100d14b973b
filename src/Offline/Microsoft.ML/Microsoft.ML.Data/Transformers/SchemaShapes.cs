using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Helpers for the shapes that estimators give.</summary>
internal static class SchemaShapes
{
    /// <summary>The shape with these columns added, in the place of those of the same name.</summary>
    public static SchemaShape With(SchemaShape input, IEnumerable<SchemaShape.Column> added)
    {
        var columns = new Dictionary<string, SchemaShape.Column>(StringComparer.Ordinal);
        var order = new List<string>();
        foreach (SchemaShape.Column column in input.Concat(added))
        {
            if (!columns.ContainsKey(column.Name))
                order.Add(column.Name);
            columns[column.Name] = column;
        }
        return new SchemaShape(order.Select(name => columns[name]));
    }

    public static SchemaShape.Column Find(IExceptionContext ectx, SchemaShape input, string role, string name)
    {
        if (input.TryFindColumn(name, out SchemaShape.Column column))
            return column;
        throw ectx.ExceptParam("inputSchema", $"Could not find {role} column '{name}'. The columns are: {string.Join(", ", input.Select(c => c.Name))}");
    }

    /// <summary>Some annotations of a column.</summary>
    public static SchemaShape Annotations(SchemaShape.Column column, params string[] kinds) =>
        new(column.Annotations.Where(annotation => kinds.Contains(annotation.Name)));

    public static SchemaShape.Column TextVectorAnnotation(string kind) =>
        new(kind, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, false);
}
