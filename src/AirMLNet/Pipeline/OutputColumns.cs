using Microsoft.ML;
using Microsoft.ML.Data;
using Kind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace AirMLNet.Pipeline;

/// <summary>Predicted columns. Their constructor is a friend member, which is why they are made here.</summary>
internal static class OutputColumns
{
    private static readonly SchemaShape SlotNames = Names(StageAnnotations.SlotNamesKind);
    private static readonly SchemaShape KeyValues = Names(StageAnnotations.KeyValuesKind);
    private static readonly SchemaShape Maker = new([Text(StageAnnotations.ClipNameKind), Text(StageAnnotations.ClipWeightsKind)]);

    public static SchemaShape.Column Vector(string name) => new(name, Kind.Vector, NumberDataViewType.Single, false);

    public static SchemaShape.Column Features(string name) => new(name, Kind.Vector, NumberDataViewType.Single, false, Maker);

    public static SchemaShape.Column Single(string name) => new(name, Kind.Scalar, NumberDataViewType.Single, false);

    public static SchemaShape.Column Text(string name) => new(name, Kind.Scalar, TextDataViewType.Instance, false);

    public static SchemaShape.Column ClassVector(string name) => new(name, Kind.Vector, NumberDataViewType.Single, false, SlotNames);

    public static SchemaShape.Column ClassFlags(string name) => new(name, Kind.Vector, BooleanDataViewType.Instance, false, SlotNames);

    public static SchemaShape.Column ClassKey(string name) => new(name, Kind.Scalar, NumberDataViewType.UInt32, true, KeyValues);

    public static SchemaShape.Column Score(string name) =>
        new(
            name,
            Kind.Vector,
            NumberDataViewType.Single,
            false,
            Scored(StageAnnotations.SlotNamesKind, StageAnnotations.TrainingLabelValuesKind)
        );

    public static SchemaShape.Column PredictedLabel(string name) =>
        new(name, Kind.Scalar, NumberDataViewType.UInt32, true, Scored(StageAnnotations.KeyValuesKind));

    public static SchemaShape.Column? Find(SchemaShape schema, string name)
    {
        foreach (var column in schema)
        {
            if (column.Name == name)
            {
                return column;
            }
        }
        return null;
    }

    /// <summary>The schema with columns added; one of the same name is hidden by the new one.</summary>
    public static SchemaShape Add(SchemaShape schema, params SchemaShape.Column[] columns) =>
        new(schema.Where(old => columns.All(c => c.Name != old.Name)).Concat(columns));

    private static SchemaShape Names(params string[] kinds) =>
        new(kinds.Select(kind => new SchemaShape.Column(kind, Kind.Vector, TextDataViewType.Instance, false)));

    private static SchemaShape Scored(params string[] names) =>
        new(
            Names(names)
                .Concat([
                    new(StageAnnotations.ScoreColumnSetIdKind, Kind.Scalar, NumberDataViewType.UInt32, true),
                    new(StageAnnotations.ScoreColumnKindKind, Kind.Scalar, TextDataViewType.Instance, false),
                    new(StageAnnotations.ScoreValueKindKind, Kind.Scalar, TextDataViewType.Instance, false),
                ])
        );
}
