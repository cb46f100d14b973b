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
        if (schema.GetColumnOrNull("PredictedLabel") is not { } column || schema.GetColumnOrNull("Score") is null)
        {
            throw new InvalidDataException(
                "The model gives no columns 'PredictedLabel' and 'Score', so it is not a classifier written by 'airml adapt'"
            );
        }

        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetKeyValues(ref names);
        return names.DenseValues().Select(name => name.ToString()).ToArray();
    }

    public static IEnumerable<ScoredImage> Read(IDataView scored)
    {
        var schema = scored.Schema;
        var names = ClassNames(schema);
        var (path, score, predicted) = (schema["ImagePath"], schema["Score"], schema["PredictedLabel"]);
        using var cursor = scored.GetRowCursor([path, score, predicted]);
        var getPath = cursor.GetGetter<ReadOnlyMemory<char>>(path);
        var getScore = cursor.GetGetter<VBuffer<float>>(score);
        var getPredicted = cursor.GetGetter<uint>(predicted);
        ReadOnlyMemory<char> pathValue = default;
        VBuffer<float> scoreValue = default;
        uint key = 0;
        while (cursor.MoveNext())
        {
            getPath(ref pathValue);
            getScore(ref scoreValue);
            getPredicted(ref key);
            var label = key == 0 ? "" : names[key - 1];
            yield return new ScoredImage(pathValue.ToString(), label, scoreValue.DenseValues().ToArray());
        }
    }
}
