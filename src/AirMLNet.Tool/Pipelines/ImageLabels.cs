using AirMLNet.Data;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tool.Pipelines;

/// <summary>Scores of a classifier on labelled images.</summary>
internal static class ImageLabels
{
    /// <summary>
    /// The metrics of a scored view whose text column <c>Label</c> holds class names; the view is read once.
    /// </summary>
    public static MulticlassClassificationMetrics Of(MLContext ml, IDataView scored, string[] classNames)
    {
        // The evaluator may read its input more than once; images are to be encoded once.
        return ml.MulticlassClassification.Evaluate(ml.Data.Cache(WithKeys(ml, scored, classNames)), AdaptSettings.LabelColumn);
    }

    /// <summary>Adds the key of the text column <c>Label</c> among the class names, in their order.</summary>
    public static IDataView WithKeys(MLContext ml, IDataView view, IReadOnlyList<string> classNames) =>
        ml.Transforms.Conversion.MapValueToKey(AdaptSettings.LabelColumn, classNames, "Label").Fit(view).Transform(view);

    /// <summary>Gives each row the class name that its folder means, or says which folder means none.</summary>
    public static void MatchLabels(IReadOnlyList<ImageRow> rows, string[] classNames, string folder)
    {
        Dictionary<string, string?> known = new(StringComparer.Ordinal); // folders, and the class of each
        foreach (var row in rows)
        {
            if (row.Label.Length == 0)
            {
                throw new InvalidDataException(
                    $"'{row.ImagePath}' lies in no class folder; expected '{folder}/CLASS/{Path.GetFileName(row.ImagePath)}'"
                );
            }

            if (!known.TryGetValue(row.Label, out var name))
            {
                known[row.Label] = name = SyntheticImageFolder.ClassOf(row.Label, classNames) is { } c ? classNames[c] : null;
            }

            row.Label =
                name
                ?? throw new InvalidDataException(
                    $"Folder '{row.Label}' in '{folder}' is none of the model's classes: {string.Join(", ", classNames.Take(20))}"
                );
        }
    }
}
