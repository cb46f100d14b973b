using AirMLNet.Clip;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Pipeline;

/// <summary>The annotations that ML.NET's evaluators and users expect on keys and scores.</summary>
internal static class StageAnnotations
{
    // The official constants are internal; these are their values.
    public const string SlotNamesKind = "SlotNames",
        KeyValuesKind = "KeyValues",
        TrainingLabelValuesKind = "TrainingLabelValues";
    public const string ScoreColumnSetIdKind = "ScoreColumnSetId",
        ScoreColumnKindKind = "ScoreColumnKind",
        ScoreValueKindKind = "ScoreValueKind";
    public static readonly KeyDataViewType SetIdType = new(typeof(uint), int.MaxValue);

    /// <summary>Of features: the name of the CLIP that made them, and the SHA-256 of its weights.</summary>
    public const string ClipNameKind = "ClipName",
        ClipWeightsKind = "ClipWeights";
    private const string Multiclass = "MultiClassClassification";

    /// <summary>Features of a CLIP, which say of which.</summary>
    public static DataViewSchema.DetachedColumn Features(string name, ClipBackbone clip)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue(ClipNameKind, TextDataViewType.Instance, clip.Name.AsMemory());
        annotations.AddPrimitiveValue(ClipWeightsKind, TextDataViewType.Instance, clip.WeightsSha256.AsMemory());
        return new(name, new VectorDataViewType(NumberDataViewType.Single, clip.FeatureDimension), annotations.ToAnnotations());
    }

    /// <summary>The CLIP that a column of features names; null where it names none.</summary>
    public static (string Name, string Weights)? MakerOf(DataViewSchema.Column column) =>
        TextOf(column, ClipNameKind) is { } name && TextOf(column, ClipWeightsKind) is { } weights ? (name, weights) : null;

    /// <summary>A vector of class probabilities whose slots carry the class names.</summary>
    public static DataViewSchema.DetachedColumn ClassVector(string name, IReadOnlyList<string> classNames)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        AddNames(annotations, SlotNamesKind, classNames);
        return new(name, new VectorDataViewType(NumberDataViewType.Single, classNames.Count), annotations.ToAnnotations());
    }

    /// <summary>A vector of decisions whose slots carry the class names.</summary>
    public static DataViewSchema.DetachedColumn ClassFlags(string name, IReadOnlyList<string> classNames)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        AddNames(annotations, SlotNamesKind, classNames);
        return new(name, new VectorDataViewType(BooleanDataViewType.Instance, classNames.Count), annotations.ToAnnotations());
    }

    /// <summary>A UInt32 key over the classes.</summary>
    public static DataViewSchema.DetachedColumn ClassKey(string name, IReadOnlyList<string> classNames)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        AddNames(annotations, KeyValuesKind, classNames);
        return new(name, new KeyDataViewType(typeof(uint), classNames.Count), annotations.ToAnnotations());
    }

    /// <summary>The score column of a multiclass trainer.</summary>
    public static DataViewSchema.DetachedColumn Score(string name, IReadOnlyList<string> classNames, uint setId)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        AddNames(annotations, SlotNamesKind, classNames);
        AddNames(annotations, TrainingLabelValuesKind, classNames);
        AddScoreKind(annotations, setId, "Score");
        return new(name, new VectorDataViewType(NumberDataViewType.Single, classNames.Count), annotations.ToAnnotations());
    }

    /// <summary>The predicted label of a multiclass trainer.</summary>
    public static DataViewSchema.DetachedColumn PredictedLabel(string name, IReadOnlyList<string> classNames, uint setId)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        AddNames(annotations, KeyValuesKind, classNames);
        AddScoreKind(annotations, setId, "PredictedLabel");
        return new(name, new KeyDataViewType(typeof(uint), classNames.Count), annotations.ToAnnotations());
    }

    /// <summary>One more than the largest score set of the schema: the columns of one trainer share a number.</summary>
    public static uint NextSetId(DataViewSchema schema)
    {
        uint largest = 0;
        foreach (var column in schema)
        {
            var kind = column.Annotations.Schema.GetColumnOrNull(ScoreColumnSetIdKind);
            if (kind is not { Type: KeyDataViewType } || kind.Value.Type.RawType != typeof(uint))
            {
                continue;
            }

            uint id = 0;
            column.Annotations.GetValue(ScoreColumnSetIdKind, ref id);
            largest = Math.Max(largest, id);
        }
        return largest + 1;
    }

    /// <summary>The texts of the column's KeyValues, or null where it has none that are texts.</summary>
    public static IReadOnlyList<string>? KeyValues(DataViewSchema.Column column) => Names(column, KeyValuesKind);

    /// <summary>The texts of the column's SlotNames, or null where it has none.</summary>
    public static IReadOnlyList<string>? SlotNames(DataViewSchema.Column column) => Names(column, SlotNamesKind);

    private static string[]? Names(DataViewSchema.Column column, string kind)
    {
        if (column.Annotations.Schema.GetColumnOrNull(kind) is not { Type: VectorDataViewType { ItemType: TextDataViewType } })
        {
            return null;
        }

        VBuffer<ReadOnlyMemory<char>> names = default;
        column.Annotations.GetValue(kind, ref names);
        return [.. names.DenseValues().Select(n => n.ToString())];
    }

    private static string? TextOf(DataViewSchema.Column column, string kind)
    {
        if (column.Annotations.Schema.GetColumnOrNull(kind) is not { Type: TextDataViewType })
        {
            return null;
        }

        ReadOnlyMemory<char> text = default;
        column.Annotations.GetValue(kind, ref text);
        return text.ToString();
    }

    private static void AddNames(DataViewSchema.Annotations.Builder annotations, string kind, IReadOnlyList<string> names)
    {
        var values = names.Select(n => n.AsMemory()).ToArray();
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = (ref VBuffer<ReadOnlyMemory<char>> value) =>
            new VBuffer<ReadOnlyMemory<char>>(values.Length, values).CopyTo(ref value);
        annotations.Add(kind, new VectorDataViewType(TextDataViewType.Instance, values.Length), getter);
    }

    private static void AddScoreKind(DataViewSchema.Annotations.Builder annotations, uint setId, string valueKind)
    {
        annotations.AddPrimitiveValue(ScoreColumnSetIdKind, SetIdType, setId);
        annotations.AddPrimitiveValue(ScoreColumnKindKind, TextDataViewType.Instance, Multiclass.AsMemory());
        annotations.AddPrimitiveValue(ScoreValueKindKind, TextDataViewType.Instance, valueKind.AsMemory());
    }
}
