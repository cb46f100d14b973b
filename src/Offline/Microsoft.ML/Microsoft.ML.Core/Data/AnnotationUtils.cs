namespace Microsoft.ML.Data;

/// <summary>The names of the usual annotations, and helpers for them.</summary>
internal static class AnnotationUtils
{
    public static class Kinds
    {
        public const string SlotNames = "SlotNames";
        public const string KeyValues = "KeyValues";
        public const string IsNormalized = "IsNormalized";
        public const string ScoreColumnKind = "ScoreColumnKind";
        public const string ScoreColumnSetId = "ScoreColumnSetId";
        public const string ScoreValueKind = "ScoreValueKind";
        public const string TrainingLabelValues = "TrainingLabelValues";
    }

    public static class Const
    {
        public static class ScoreColumnKind
        {
            public const string MulticlassClassification = "MultiClassClassification";
        }

        public static class ScoreValueKind
        {
            public const string Score = "Score";
            public const string PredictedLabel = "PredictedLabel";
        }
    }

    /// <summary>Whether the column has slot names that fit its known size.</summary>
    public static bool HasSlotNames(DataViewSchema.Column column) =>
        column.Type is VectorDataViewType { IsKnownSize: true } vector
        && column.Annotations?.Schema.GetColumnOrNull(Kinds.SlotNames)?.Type is VectorDataViewType names
        && names.Size == vector.Size
        && names.ItemType is TextDataViewType;

    public static KeyDataViewType GetKeyType(DataViewType type) => (type is VectorDataViewType vector ? vector.ItemType : type) as KeyDataViewType;

    public static PrimitiveDataViewType GetItemType(DataViewType type) => type is VectorDataViewType vector ? vector.ItemType : type as PrimitiveDataViewType;

    /// <summary>Whether the column is a key (or a vector of keys) with one value of <paramref name="itemType"/> for each.</summary>
    public static bool HasKeyValues(DataViewSchema.Column column, DataViewType itemType)
    {
        if (GetKeyType(column.Type) is not { } key)
            return false;
        return column.Annotations?.Schema.GetColumnOrNull(Kinds.KeyValues)?.Type is VectorDataViewType values
            && (ulong)values.Size == key.Count
            && (itemType is null || values.ItemType.Equals(itemType));
    }
}
