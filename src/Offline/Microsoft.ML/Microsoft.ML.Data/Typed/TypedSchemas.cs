namespace Microsoft.ML.Data;

/// <summary>Schema definitions from schemas.</summary>
internal static class TypedSchemas
{
    /// <summary>The members of a class as columns, with the types and annotations that a schema has for them.</summary>
    public static SchemaDefinition FromSchema(Type userType, DataViewSchema schema)
    {
        SchemaDefinition definition = SchemaDefinition.Create(userType, SchemaDefinition.Direction.Read);
        foreach (SchemaDefinition.Column column in definition)
        {
            if (schema.GetColumnOrNull(column.ColumnName) is not { } source)
                continue;
            Type memberType = MemberColumns.TypeOf(MemberColumns.Find(userType, column.MemberName));
            if (MemberColumns.RawTypeOf(memberType) != source.Type.RawType)
                throw new ArgumentOutOfRangeException(nameof(schema), $"Column '{source.Name}' of type {source.Type} cannot be member '{column.MemberName}' of type {memberType}");
            column.ColumnType = source.Type;
            column.SetAnnotations(source.Annotations);
        }
        return definition;
    }
}
