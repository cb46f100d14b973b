using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Notebooks;

/// <summary>How often models name photos right, side by side.</summary>
internal static class ModelComparison
{
    /// <summary>The table: a row for each model, its accuracy, and that of each class.</summary>
    /// <exception cref="ArgumentException">A column is missing, or no photo has a label.</exception>
    public static NotebookView Of(IDataView photos, string labelColumn, IReadOnlyList<(string Name, ITransformer Model)> models)
    {
        List<(string Name, List<(string Right, string Said)> Photos)> runs =
        [
            .. models.Select(m => (m.Name, Said(m.Model.Transform(photos), labelColumn).Where(p => p.Right.Length > 0).ToList())),
        ];
        if (runs.Any(run => run.Photos.Count == 0))
        {
            throw new ArgumentException(
                $"Column '{labelColumn}' gives no photo a label; LoadFromImageFolder does with labelsFromSubfolders.",
                nameof(labelColumn)
            );
        }

        var classes = runs.SelectMany(r => r.Photos.Select(p => p.Right)).Distinct().Order(StringComparer.Ordinal).ToList();
        string[] heads = ["model", $"right of {runs.Select(r => r.Photos.Count).FirstOrDefault()} photos", .. classes];
        List<string[]> rows =
        [
            .. runs.Select(run =>
                new[] { run.Name, Share(run.Photos) }.Concat(classes.Select(c => Share([.. run.Photos.Where(p => p.Right == c)]))).ToArray()
            ),
        ];
        return new(NotebookView.Table(heads, rows), NotebookView.Columns(heads, rows));
    }

    private static string Share(List<(string Right, string Said)> photos) =>
        photos.Count == 0 ? "–" : NotebookView.Percent(photos.Count(p => p.Right == p.Said) / (double)photos.Count);

    private static IEnumerable<(string Right, string Said)> Said(IDataView scored, string labelColumn)
    {
        DataViewSchema.Column label = Column(scored, labelColumn),
            predicted = Column(scored, "PredictedLabel");
        using var cursor = scored.GetRowCursor([label, predicted]);
        Func<string> right = Reader(cursor, label),
            said = Reader(cursor, predicted);
        while (cursor.MoveNext())
        {
            yield return (right(), said());
        }
    }

    private static DataViewSchema.Column Column(IDataView view, string name) =>
        view.Schema.GetColumnOrNull(name)
        ?? throw new ArgumentException(
            $"There is no column '{name}'; the columns are {string.Join(", ", view.Schema.Select(c => c.Name))}.",
            nameof(name)
        );

    private static Func<string> Reader(DataViewRow row, DataViewSchema.Column column) =>
        column.Type is TextDataViewType or KeyDataViewType
            ? ImageGallery.Words(row, column)
            : throw new ArgumentException($"Column '{column.Name}' is {column.Type}, expected names: text or a key.", nameof(column));
}
