using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Scores with the names of their classes, best first.</summary>
public static class ClassScoreExtensions
{
    /// <summary>The classes of the row that a cursor or another row stands on, best first.</summary>
    /// <param name="row">A row of a scored view.</param>
    /// <param name="scoreColumn">The column of scores, <c>Vector&lt;Single, C&gt;</c>.</param>
    /// <returns>C pairs; of equal scores the first class comes first.</returns>
    /// <exception cref="InvalidDataException">There is no such column, or its classes have no names.</exception>
    public static IReadOnlyList<(string Name, float Score)> ClassScores(this DataViewRow row, string scoreColumn = "Score")
    {
        ArgumentNullException.ThrowIfNull(row);
        var names = NamesOf(row.Schema, scoreColumn);
        VBuffer<float> scores = default;
        row.GetGetter<VBuffer<float>>(row.Schema[scoreColumn])(ref scores);
        return Sorted(names, [.. scores.DenseValues()]);
    }

    /// <summary>The classes of one example, best first: predicts and names in one call.</summary>
    /// <typeparam name="TSource">The example.</typeparam>
    /// <typeparam name="TPrediction">
    /// A class with the scores, as <c>float[]</c> or <c>VBuffer&lt;float&gt;</c>, in a member named or mapped to the column.
    /// </typeparam>
    /// <param name="engine">An engine of a classifier.</param>
    /// <param name="example">What is classified.</param>
    /// <param name="scoreColumn">The column of scores.</param>
    /// <returns>C pairs; of equal scores the first class comes first.</returns>
    /// <exception cref="InvalidDataException">There is no such column or member, or the classes have no names.</exception>
    public static IReadOnlyList<(string Name, float Score)> ClassScores<TSource, TPrediction>(
        this PredictionEngine<TSource, TPrediction> engine,
        TSource example,
        string scoreColumn = "Score"
    )
        where TSource : class
        where TPrediction : class, new()
    {
        ArgumentNullException.ThrowIfNull(engine);
        return ClassScores(engine.OutputSchema, ScoresOf(engine.Predict(example), scoreColumn), scoreColumn);
    }

    /// <summary>The classes of scores that were read already, best first.</summary>
    /// <param name="schema">Schema of the scored view.</param>
    /// <param name="scores">[C], as the column holds them.</param>
    /// <param name="scoreColumn">The column that they are from.</param>
    /// <returns>C pairs; of equal scores the first class comes first.</returns>
    /// <exception cref="InvalidDataException">There is no such column, its classes have no names, or there are not C scores.</exception>
    public static IReadOnlyList<(string Name, float Score)> ClassScores(
        this DataViewSchema schema,
        float[] scores,
        string scoreColumn = "Score"
    )
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(scores);
        var names = NamesOf(schema, scoreColumn);
        return names.Count == scores.Length
            ? Sorted(names, scores)
            : throw new InvalidDataException($"{scores.Length} scores were given, but column '{scoreColumn}' has {names.Count} classes.");
    }

    /// <summary>The names of a score's slots; where they have none, the key values of <c>PredictedLabel</c>.</summary>
    /// <exception cref="InvalidDataException">There is no such column, or its classes have no names.</exception>
    internal static IReadOnlyList<string> NamesOf(DataViewSchema schema, string scoreColumn)
    {
        if (schema.GetColumnOrNull(scoreColumn) is not { Type: VectorDataViewType { ItemType: NumberDataViewType } type } column)
        {
            throw new InvalidDataException(
                $"There is no column '{scoreColumn}' of a score for each class; a classifier writes one. The columns are "
                    + string.Join(", ", schema.Select(c => c.Name))
                    + "."
            );
        }

        VBuffer<ReadOnlyMemory<char>> names = default;
        if (column.HasSlotNames(type.Size))
        {
            column.GetSlotNames(ref names);
        }
        else if (schema.GetColumnOrNull("PredictedLabel") is { } label && label.HasKeyValues())
        {
            label.GetKeyValues(ref names);
        }

        return names.Length == type.Size && names.Length > 0
            ? [.. names.DenseValues().Select(n => n.ToString())]
            : throw new InvalidDataException($"The classes of column '{scoreColumn}' have no names: neither SlotNames nor KeyValues.");
    }

    private static bool HasKeyValues(this DataViewSchema.Column column) =>
        column.Annotations.Schema.GetColumnOrNull("KeyValues") is { Type: VectorDataViewType { ItemType: TextDataViewType } };

    private static bool HasSlotNames(this DataViewSchema.Column column, int size) =>
        column.Annotations.Schema.GetColumnOrNull("SlotNames") is { Type: VectorDataViewType { ItemType: TextDataViewType } names }
        && names.Size == size;

    private static (string Name, float Score)[] Sorted(IReadOnlyList<string> names, float[] scores) =>
        [.. Enumerable.Range(0, scores.Length).OrderByDescending(c => scores[c]).Select(c => (names[c], scores[c]))];

    private static float[] ScoresOf<T>(T prediction, string column)
        where T : class
    {
        var member = typeof(T)
            .GetMembers(BindingFlags.Public | BindingFlags.Instance)
            .Where(m => m is PropertyInfo or FieldInfo)
            .FirstOrDefault(m => NameOf(m) == column);
        var value = member switch
        {
            PropertyInfo property => property.GetValue(prediction),
            FieldInfo field => field.GetValue(prediction),
            _ => null,
        };
        return value switch
        {
            float[] scores => scores,
            VBuffer<float> scores => [.. scores.DenseValues()],
            _ => throw new InvalidDataException(
                $"{typeof(T).Name} has no float[] or VBuffer<float> for column '{column}'; give it a property 'float[] {column}'."
            ),
        };
    }

    // ColumnNameAttribute keeps its name from others: it is read as it was written.
    private static string NameOf(MemberInfo member) =>
        member.CustomAttributes.FirstOrDefault(a => a.AttributeType == typeof(ColumnNameAttribute))?.ConstructorArguments[0].Value as string
        ?? member.Name;
}
