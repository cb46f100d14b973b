using AirMLNet.Clip;
using Microsoft.ML;
using Microsoft.ML.Data;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace AirMLNet.Pipeline;

/// <summary>
/// A column that a stage reads and what it must be, in ML.NET's terms of a <see cref="SchemaShape"/>: the same check serves a
/// predicted schema and a real one. A message names the stage, the column, the type found and the type expected.
/// </summary>
internal sealed record InputColumn
{
    private InputColumn(string name, VectorKind kind, DataViewType itemType, string expected) =>
        (Name, Kind, ItemType, Expected) = (name, kind, itemType, expected);

    public string Name { get; }

    /// <summary>Whether the input may lack the column.</summary>
    public bool Optional { get; init; }

    private VectorKind Kind { get; }

    private DataViewType ItemType { get; }

    private string Expected { get; }

    private bool IsKey { get; init; }

    /// <summary>Whether a column of MLImage will do as well.</summary>
    private bool OrImage { get; init; }

    /// <summary>Length of the vector; only a real schema knows it.</summary>
    private int? Size { get; init; }

    /// <summary>Names of the key's values, in their order; only a real schema knows them.</summary>
    private IReadOnlyList<string>? KeyValues { get; init; }

    /// <summary>The CLIP whose features are read; only a real schema knows it.</summary>
    private ClipBackbone? Clip { get; init; }

    public static InputColumn Vector(string name, int? size = null) =>
        new(
            name,
            VectorKind.Vector,
            NumberDataViewType.Single,
            size is { } n ? $"a vector of {n} Single" : "a vector of Single of known size"
        )
        {
            Size = size,
        };

    /// <summary>Features of a CLIP. A column that says which CLIP made it must name this one: each has a space of its own.</summary>
    public static InputColumn Features(string name, ClipBackbone clip) => Vector(name, clip.FeatureDimension) with { Clip = clip };

    public static InputColumn Single(string name) => new(name, VectorKind.Scalar, NumberDataViewType.Single, "Single");

    public static InputColumn Text(string name) => new(name, VectorKind.Scalar, TextDataViewType.Instance, "Text");

    /// <summary>A UInt32 key over classes.</summary>
    public static InputColumn Label(string name) =>
        new(name, VectorKind.Scalar, NumberDataViewType.UInt32, "Key<UInt32> with KeyValues") { IsKey = true };

    /// <summary>A UInt32 key over the given classes. Where its values have names, they must be the class names in their order.</summary>
    public static InputColumn Label(string name, IReadOnlyList<string> classNames) =>
        new(
            name,
            VectorKind.Scalar,
            NumberDataViewType.UInt32,
            $"Key<UInt32, {classNames.Count}> with the class names as KeyValues; "
                + $"Transforms.Conversion.MapValueToKey(\"{name}\", classNames) makes one of texts"
        )
        {
            IsKey = true,
            KeyValues = classNames,
        };

    /// <summary>Paths of images, or images.</summary>
    public static InputColumn Image(string name) =>
        new(name, VectorKind.Scalar, TextDataViewType.Instance, "Text (image paths) or MLImage") { OrImage = true };

    /// <summary>Checks a predicted schema, which does not know the length of vectors and the names of keys.</summary>
    /// <exception cref="ArgumentException">The column is missing or has another type.</exception>
    public void Check(SchemaShape schema, string stage)
    {
        if (OutputColumns.Find(schema, Name) is not { } column)
        {
            if (!Optional)
            {
                throw Missing(stage, schema.Select(c => c.Name));
            }
        }
        else if (!Fits(column.Kind, column.ItemType, column.IsKey))
        {
            var kind = column.Kind == VectorKind.Scalar ? "" : "a vector of ";
            throw Mismatch(stage, $"{kind}{(column.IsKey ? "Key of " : "")}{column.ItemType}");
        }
    }

    /// <summary>The column of a real schema; null where it is optional and missing.</summary>
    /// <exception cref="ArgumentException">The column is missing, or has another type, length or other names.</exception>
    public DataViewSchema.Column? FindOrNull(DataViewSchema schema, string stage)
    {
        if (schema.GetColumnOrNull(Name) is not { } column)
        {
            return Optional ? null : throw Missing(stage, schema.Where(c => !c.IsHidden).Select(c => c.Name));
        }

        if (Clip is { } clip && StageAnnotations.MakerOf(column) is { } made && made.Weights != clip.WeightsSha256)
        {
            throw new ArgumentException(
                $"{stage}: column '{Name}' has features of the CLIP '{made.Name}', whose weights are others than those of '{clip.Name}'; "
                    + "expected features of the stage's own CLIP."
            );
        }

        SchemaShape.GetColumnTypeShape(column.Type, out var kind, out var itemType, out var isKey);
        if (!Fits(kind, itemType, isKey) || (Size is { } size && ((VectorDataViewType)column.Type).Size != size))
        {
            throw Mismatch(stage, column.Type.ToString());
        }

        if (KeyValues is { } names)
        {
            CheckNames(column, names, stage);
        }

        return column;
    }

    /// <summary>The same, for a column that is not optional.</summary>
    public DataViewSchema.Column Find(DataViewSchema schema, string stage) => FindOrNull(schema, stage)!.Value;

    /// <summary>The error of a column that is not what was expected.</summary>
    public ArgumentException Mismatch(string stage, string? found) => new($"{stage}: column '{Name}' is {found}; expected {Expected}.");

    private bool Fits(VectorKind kind, DataViewType itemType, bool isKey) =>
        (kind == Kind && itemType.Equals(ItemType) && isKey == IsKey) || (OrImage && itemType.RawType == typeof(MLImage));

    private void CheckNames(DataViewSchema.Column column, IReadOnlyList<string> classNames, string stage)
    {
        var keys = StageAnnotations.KeyValues(column);
        if (keys is not null && !keys.SequenceEqual(classNames))
        {
            throw new ArgumentException(
                $"{stage}: the names of column '{Name}' are [{string.Join(", ", keys)}]; expected the class names in their order, "
                    + $"[{string.Join(", ", classNames)}], as Transforms.Conversion.MapValueToKey(\"{Name}\", classNames) gives them."
            );
        }
        if (keys is null && ((KeyDataViewType)column.Type).Count != (ulong)classNames.Count)
        {
            throw Mismatch(stage, column.Type.ToString());
        }
    }

    private ArgumentException Missing(string stage, IEnumerable<string> columns) =>
        new($"{stage}: there is no column '{Name}'; expected {Expected}. The input has: {string.Join(", ", columns)}.");
}
