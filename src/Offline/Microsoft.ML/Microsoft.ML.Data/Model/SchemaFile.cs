using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The schema that a saved model was made for. Columns of types that cannot be written (images) are left out.</summary>
internal static class SchemaFile
{
    public const string EntryName = "Schema";

    private const ulong Magic = 0x414D454843534C4DUL; // "MLSCHEMA"
    private const int Version = 1;
    private const int MaxDepth = 4;

    public static void Write(BinaryWriter writer, DataViewSchema schema)
    {
        writer.Write(Magic);
        writer.Write(Version);
        WriteSchema(writer, schema, column => null, 0);
    }

    /// <exception cref="FormatException">It is corrupt or of a newer version.</exception>
    public static DataViewSchema Read(BinaryReader reader)
    {
        Contracts.CheckDecode(null, reader.ReadUInt64() == Magic, "The schema in the model file is not in a format that can be read");
        int version = reader.ReadInt32();
        Contracts.CheckDecode(null, version == Version, $"The schema in the model file has version {version}, but only {Version} can be read");
        var builder = new DataViewSchema.Builder();
        foreach ((DataViewSchema.DetachedColumn column, _) in ReadSchema(reader, withValues: false, 0))
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        return builder.ToSchema();
    }

    private static void WriteSchema(BinaryWriter writer, DataViewSchema schema, Func<int, Delegate> getter, int depth)
    {
        DataViewSchema.Column[] columns = [.. schema.Where(c => ValueCodec.Supports(c.Type))];
        writer.Write(columns.Length);
        foreach (DataViewSchema.Column column in columns)
        {
            writer.Write(column.Name);
            ValueCodec.WriteType(writer, column.Type);
            if (getter(column.Index) is { } value)
                ValueCodec.WriteValue(writer, column.Type, value);
            bool annotated = depth < MaxDepth && column.Annotations.Schema.Count > 0;
            writer.Write(annotated);
            if (annotated)
                WriteSchema(writer, column.Annotations.Schema, column.Annotations.GetGetterInternal, depth + 1);
        }
    }

    private static List<(DataViewSchema.DetachedColumn Column, Delegate Getter)> ReadSchema(BinaryReader reader, bool withValues, int depth)
    {
        int count = reader.ReadInt32();
        Contracts.CheckDecode(null, count >= 0 && depth <= MaxDepth, $"Corrupt model: a schema of {count} columns");
        var columns = new List<(DataViewSchema.DetachedColumn, Delegate)>();
        for (int i = 0; i < count; i++)
        {
            string name = reader.ReadString();
            Contracts.CheckDecode(null, name.Length > 0, "Corrupt model: a column without a name");
            DataViewType type = ValueCodec.ReadType(reader);
            Delegate getter = withValues ? ValueCodec.ReadValue(reader, type) : null;
            var annotations = new DataViewSchema.Annotations.Builder();
            if (reader.ReadBoolean())
            {
                foreach ((DataViewSchema.DetachedColumn column, Delegate value) in ReadSchema(reader, withValues: true, depth + 1))
                    annotations.Add(column.Name, column.Type, value, column.Annotations);
            }
            columns.Add((new DataViewSchema.DetachedColumn(name, type, annotations.ToAnnotations()), getter));
        }
        return columns;
    }
}
