using AirMLNet.Evaluation;

namespace AirMLNet.Reports;

/// <summary>All numbers of a report about a model of many labels.</summary>
internal sealed class MultiLabelFigures
{
    private const float UsualThreshold = 0.5f;

    /// <param name="rows">The photos.</param>
    /// <param name="names">C names.</param>
    /// <param name="thresholds">Of each class; null where the stage that decides is another's.</param>
    public MultiLabelFigures(IReadOnlyList<MultiLabelRow> rows, IReadOnlyList<string> names, IReadOnlyList<float>? thresholds)
    {
        (Rows, Classes, KnowsThresholds) = (rows, names.Count, thresholds is not null);
        Thresholds = thresholds ?? [.. Enumerable.Repeat(UsualThreshold, names.Count)];
        Labelled = [.. rows.Where(r => r.Labels is not null)];
        Metrics =
            Labelled.Count == 0
                ? null
                : MultiLabelEvaluator.Of(
                    (
                        [.. Labelled.SelectMany(r => r.Score)],
                        [.. Labelled.SelectMany(r => r.Labels!)],
                        [.. Labelled.SelectMany(r => r.Predicted)]
                    ),
                    names,
                    AveragePrecisionRule.AllPoints
                );
    }

    public IReadOnlyList<MultiLabelRow> Rows { get; }

    public int Classes { get; }

    /// <summary>Whether the thresholds are the model's; otherwise a half stands for them where photos are sorted.</summary>
    public bool KnowsThresholds { get; }

    public IReadOnlyList<float> Thresholds { get; }

    public IReadOnlyList<MultiLabelRow> Labelled { get; }

    /// <summary>By the published rules; null without labels.</summary>
    public MultiLabelClassificationMetrics? Metrics { get; }

    /// <summary>Photos without any label by the model.</summary>
    public int Empty => Rows.Count(r => !r.Predicted.Contains(true));

    public int Predicted(int c) => Rows.Count(r => r.Predicted[c]);

    public int Positives(int c) => Labelled.Count(r => r.Labels![c] == 1);

    /// <summary>Of the photos that show the class, those that the model says show it.</summary>
    public Share Recall(int c) => Of(Labelled.Where(r => r.Labels![c] == 1), r => r.Predicted[c]);

    /// <summary>Of the photos that the model says show the class, those that do.</summary>
    public Share Precision(int c) => Of(Labelled.Where(r => r.Predicted[c]), r => r.Labels![c] == 1);

    /// <summary>Photos whose best class is far from its threshold, above or below, first.</summary>
    public IReadOnlyList<MultiLabelRow> Surest =>
        [.. Rows.OrderByDescending(r => Math.Abs(r.Margin(Thresholds))).ThenBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>Photos whose best class is farthest above its threshold first.</summary>
    public IReadOnlyList<MultiLabelRow> Clearest =>
        [.. Rows.OrderByDescending(r => r.Margin(Thresholds)).ThenBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>Photos with labels, by the number of mistakes.</summary>
    public IReadOnlyList<MultiLabelRow> MostMistakes =>
        [.. Labelled.OrderByDescending(r => r.Missed.Count + r.Wrong.Count).ThenBy(r => r.Name, StringComparer.Ordinal)];

    private static Share Of(IEnumerable<MultiLabelRow> rows, Func<MultiLabelRow, bool> hit)
    {
        MultiLabelRow[] all = [.. rows];
        return new(all.Count(hit), all.Length);
    }
}
