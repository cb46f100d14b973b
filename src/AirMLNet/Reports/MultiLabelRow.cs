using AirMLNet.Data;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Reports;

/// <summary>One photo and all that a model of many labels says of it.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Name">What the report calls it.</param>
/// <param name="Score">[C].</param>
/// <param name="Predicted">[C], the decisions.</param>
/// <param name="Labels">[C], 1 and 0; null where nothing is known of it.</param>
internal sealed record MultiLabelRow(string Path, string Name, float[] Score, bool[] Predicted, float[]? Labels)
{
    /// <summary>The classes, the likeliest first.</summary>
    private IEnumerable<int> Ranked => Enumerable.Range(0, Score.Length).OrderByDescending(c => Score[c]);

    /// <summary>Classes that were predicted and are there, or of which nothing is known.</summary>
    public IReadOnlyList<int> Found => [.. Ranked.Where(c => Predicted[c] && Labels?[c] is null or 1)];

    /// <summary>Classes that are there and were not predicted.</summary>
    public IReadOnlyList<int> Missed => [.. Ranked.Where(c => !Predicted[c] && Labels?[c] == 1)];

    /// <summary>Classes that were predicted and are not there.</summary>
    public IReadOnlyList<int> Wrong => [.. Ranked.Where(c => Predicted[c] && Labels?[c] == 0)];

    /// <summary>The class that is farthest above its threshold, or least below it.</summary>
    public int Best(IReadOnlyList<float> thresholds) => Enumerable.Range(0, Score.Length).MaxBy(c => Score[c] - thresholds[c]);

    /// <summary>How far that class is above its threshold; negative for below.</summary>
    public float Margin(IReadOnlyList<float> thresholds) => Best(thresholds) is var c ? Score[c] - thresholds[c] : 0;

    /// <summary>Scores photos.</summary>
    public static IReadOnlyList<MultiLabelRow> Read(
        MLContext ml,
        ReportModel model,
        IReadOnlyList<(string Path, string Name, int Label)> photos,
        AdaptationReportOptions options
    )
    {
        var truth = options.LabelFile is { } file ? LabelFile.Read(file, model.ClassNames) : null;
        var view = model.Model.Transform(ml.Data.LoadFromEnumerable(ReportRow.Rows(photos, options.CancellationToken)));
        var (score, predicted) = (view.Schema["Score"], view.Schema[PredictedLabels]);
        using var cursor = view.GetRowCursor([score, predicted]);
        var (readScore, readPredicted) = (cursor.GetGetter<VBuffer<float>>(score), cursor.GetGetter<VBuffer<bool>>(predicted));
        VBuffer<float> scores = default;
        VBuffer<bool> decisions = default;
        List<MultiLabelRow> rows = new(photos.Count);
        while (cursor.MoveNext())
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            readScore(ref scores);
            readPredicted(ref decisions);
            var (path, name, _) = photos[rows.Count];
            rows.Add(new(path, name, [.. scores.DenseValues()], [.. decisions.DenseValues()], truth?.Of(path)));
            options.Progress?.Report(new ProgressReport("Report", "scoring photos", rows.Count, photos.Count));
        }

        if (truth?.Unfound() is { } unfound && rows.Exists(r => r.Labels is not null))
        {
            ((IHostEnvironment)ml).Register("Report", seed: 0).Warn(unfound);
        }
        return truth is not null && rows.TrueForAll(r => r.Labels is null)
            ? throw new InvalidDataException(
                $"{options.LabelFile} has no line for any of the {rows.Count} photos, such as {rows[0].Name}; paths begin at its folder."
            )
            : rows;
    }

    /// <summary>The column of decisions.</summary>
    public const string PredictedLabels = "PredictedLabels";

    /// <summary>Whether a model writes decisions about many labels.</summary>
    public static bool IsFor(DataViewSchema schema, int classes) =>
        schema.GetColumnOrNull(PredictedLabels) is { Type: VectorDataViewType { ItemType: BooleanDataViewType } type }
        && type.Size == classes;
}
