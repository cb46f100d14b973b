using System.Reflection;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Testing;

/// <summary>Schemas and rows as text that keeps every bit, so that tests can compare what stages give, also between processes.</summary>
public static class StagePrint
{
    /// <summary>The schema as estimators see it before a fit.</summary>
    public static SchemaShape Shape(DataViewSchema schema) =>
        (SchemaShape)
            typeof(SchemaShape)
                .GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!
                .Invoke(null, [schema])!;

    public static string Describe(DataViewSchema schema) => Describe(Shape(schema));

    /// <summary>Every column with its kind, type and annotations, sorted by name.</summary>
    public static string Describe(SchemaShape shape) =>
        string.Join(
            "\n",
            shape
                .OrderBy(c => c.Name, StringComparer.Ordinal)
                .Select(c => $"{c.Name} {c.Kind} {c.ItemType} {c.IsKey} ({Describe(c.Annotations).Replace('\n', ',')})")
        );

    /// <summary>The values of every column from the <paramref name="skipped"/>-th on, and the names that belong to their places.</summary>
    public static string Values(IDataView view, int skipped = 0)
    {
        var text = new StringBuilder();
        foreach (var column in view.Schema.Where(c => c.Index >= skipped))
        {
            text.Append(column.Name).Append(':');
            foreach (var annotation in new[] { "KeyValues", "SlotNames" })
            {
                if (column.Annotations.Schema.GetColumnOrNull(annotation) is { Type: VectorDataViewType { ItemType: TextDataViewType } })
                {
                    VBuffer<ReadOnlyMemory<char>> names = default;
                    column.Annotations.GetValue(annotation, ref names);
                    text.Append('[').AppendJoin(',', names.DenseValues()).Append(']');
                }
            }

            var values = column.Type switch
            {
                VectorDataViewType { ItemType: NumberDataViewType type } when type == NumberDataViewType.Single => StageFixture
                    .Vectors(view, column.Name)
                    .Select(v => string.Join(' ', v.Select(Bits))),
                VectorDataViewType { ItemType: BooleanDataViewType } => StageFixture
                    .Column<VBuffer<bool>>(view, column.Name)
                    .Select(v => string.Join(' ', v.DenseValues())),
                KeyDataViewType => StageFixture.Column<uint>(view, column.Name).Select(v => $"{v}"),
                TextDataViewType => StageFixture.Column<ReadOnlyMemory<char>>(view, column.Name).Select(v => v.ToString()),
                NumberDataViewType type when type == NumberDataViewType.Single => StageFixture
                    .Column<float>(view, column.Name)
                    .Select(Bits),
                NumberDataViewType type when type == NumberDataViewType.Int32 => StageFixture
                    .Column<int>(view, column.Name)
                    .Select(v => $"{v}"),
                _ => throw new NotSupportedException($"Column {column.Name} is {column.Type}."),
            };
            text.AppendJoin('|', values).Append('\n');
        }

        return text.ToString();
    }

    private static string Bits(float value) => $"{BitConverter.SingleToUInt32Bits(value):x8}";
}
