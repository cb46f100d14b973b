using AirMLNet.Reports;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tool.Pipelines;

/// <summary>One image and what the model says about it.</summary>
internal sealed record ScoredImage(string ImagePath, string PredictedLabel, float[] Score);

/// <summary>Reads the scores of a transformed view, row by row.</summary>
internal static class ScoredImages
{
    /// <summary>The class names in the order of the score's slots.</summary>
    public static string[] ClassNames(DataViewSchema schema)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (schema.GetColumnOrNull(MultiLabelRow.PredictedLabels) is { } many)
        {
            many.GetSlotNames(ref names);
            return [.. names.DenseValues().Select(name => name.ToString())];
        }

        if (schema.GetColumnOrNull("PredictedLabel") is not { } column || schema.GetColumnOrNull("Score") is null)
        {
            throw new InvalidDataException(
                "The model gives no columns 'PredictedLabel' and 'Score', so it is not a classifier written by 'airml adapt'"
            );
        }

        column.GetKeyValues(ref names);
        return names.DenseValues().Select(name => name.ToString()).ToArray();
    }

    /// <summary>Whether the model decides about each class by itself.</summary>
    public static bool IsOfManyLabels(DataViewSchema schema) => schema.GetColumnOrNull(MultiLabelRow.PredictedLabels) is not null;

    public static IEnumerable<ScoredImage> Read(IDataView scored)
    {
        var schema = scored.Schema;
        var names = ClassNames(schema);
        var many = schema.GetColumnOrNull(MultiLabelRow.PredictedLabels);
        var (path, score, predicted) = (schema["ImagePath"], schema["Score"], many ?? schema["PredictedLabel"]);
        using var cursor = scored.GetRowCursor([path, score, predicted]);
        var getPath = cursor.GetGetter<ReadOnlyMemory<char>>(path);
        var getScore = cursor.GetGetter<VBuffer<float>>(score);
        var getPredicted = many is null ? cursor.GetGetter<uint>(predicted) : null;
        var getMany = many is null ? null : cursor.GetGetter<VBuffer<bool>>(predicted);
        ReadOnlyMemory<char> pathValue = default;
        VBuffer<float> scoreValue = default;
        uint key = 0;
        VBuffer<bool> flags = default;
        while (cursor.MoveNext())
        {
            getPath(ref pathValue);
            getScore(ref scoreValue);
            var label = getMany is null ? One() : Many();
            yield return new ScoredImage(pathValue.ToString(), label, scoreValue.DenseValues().ToArray());
        }

        string One()
        {
            getPredicted!(ref key);
            return key == 0 ? "" : names[key - 1];
        }

        string Many()
        {
            getMany!(ref flags);
            return string.Join(", ", flags.DenseValues().Zip(names).Where(pair => pair.First).Select(pair => pair.Second));
        }
    }
}
