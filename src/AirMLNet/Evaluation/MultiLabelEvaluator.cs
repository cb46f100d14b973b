using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Evaluation;

/// <summary>The rule of an average precision.</summary>
public enum AveragePrecisionRule
{
    /// <summary>The mean precision at the rank of each positive; what DualCoOp, TaI-DPT and T2I-PAL report.</summary>
    AllPoints,

    /// <summary>The mean of the best precision at eleven recalls: PASCAL VOC 2007.</summary>
    ElevenPoints,

    /// <summary>The area under the best precision at each recall: PASCAL VOC since 2010.</summary>
    Area,
}

/// <summary>How scores of many labels are evaluated.</summary>
public sealed record MultiLabelEvaluationOptions
{
    /// <summary>The rule of the average precision.</summary>
    public AveragePrecisionRule Rule { get; init; }

    /// <summary>Counts unknown labels as negative, as the published code does; otherwise they are left out.</summary>
    public bool UnknownIsNegative { get; init; }
}

/// <summary>How right scores and decisions of many labels are; all 0..1 (<c>docs/methods.md</c> §6.6).</summary>
public sealed record MultiLabelClassificationMetrics
{
    /// <summary>mAP, the mean over the classes; a class without positives counts as 0.</summary>
    public required double MeanAveragePrecision { get; init; }

    /// <summary>The average precision of each class, in the order of the slots.</summary>
    public required IReadOnlyList<double> PerClassAveragePrecision { get; init; }

    /// <summary>The class names, where the labels or scores have slot names; otherwise numbers from 0.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>Mean precision of the classes.</summary>
    public required double ClassPrecision { get; init; }

    /// <summary>Mean recall of the classes; a class without positives counts as 0.</summary>
    public required double ClassRecall { get; init; }

    /// <summary>CF1, the harmonic mean of mean precision and mean recall.</summary>
    public required double ClassF1 { get; init; }

    /// <summary>The mean of the classes' F1, which DualCoOp reports.</summary>
    public required double MeanClassF1 { get; init; }

    /// <summary>Precision of all decisions.</summary>
    public required double OverallPrecision { get; init; }

    /// <summary>Recall of all labels.</summary>
    public required double OverallRecall { get; init; }

    /// <summary>OF1.</summary>
    public required double OverallF1 { get; init; }

    /// <summary>OF1 of the three labels of the highest score in each row, which zero-shot papers report.</summary>
    public required double TopThreeF1 { get; init; }
}

/// <summary>Reads scored data and evaluates it.</summary>
internal static class MultiLabelEvaluator
{
    private const string Stage = "MultiLabelClassification.Evaluate";
    private const int Top = 3;

    public static MultiLabelClassificationMetrics Evaluate(
        IDataView data,
        (string Labels, string Score, string Predicted) columns,
        MultiLabelEvaluationOptions options
    )
    {
        ArgumentNullException.ThrowIfNull(data);
        var score = InputColumn.Vector(columns.Score).Find(data.Schema, Stage);
        var classes = ((VectorDataViewType)score.Type).Size;
        var label = InputColumn.Vector(columns.Labels, classes).Find(data.Schema, Stage);
        var predicted = data.Schema.GetColumnOrNull(columns.Predicted);
        if (predicted is not { Type: VectorDataViewType { ItemType: BooleanDataViewType, Size: var size } } || size != classes)
        {
            throw new ArgumentException(
                $"{Stage}: column '{columns.Predicted}' is {predicted?.Type.ToString() ?? "missing"}; "
                    + $"expected a vector of {classes} Boolean."
            );
        }
        List<float> scores = [],
            labels = [];
        List<bool> chosen = [];
        var rows = new TrainingRows(data, Stage);
        rows.Values<VBuffer<float>, bool>(score, v => Add(scores, v.DenseValues()));
        rows.Values<VBuffer<float>, bool>(
            label,
            v =>
            {
                LabelVectors.Check(v.DenseValues(), Stage, columns.Labels, labels.Count / classes);
                return Add(labels, options.UnknownIsNegative ? v.DenseValues().Select(l => float.IsNaN(l) ? 0 : l) : v.DenseValues());
            }
        );
        rows.Values<VBuffer<bool>, bool>(predicted, v => Add(chosen, v.DenseValues()));
        rows.Read(CancellationToken.None);
        if (scores.FindIndex(float.IsNaN) is var bad and >= 0)
        {
            throw new InvalidDataException($"{Stage}: column '{columns.Score}' holds NaN in row {bad / classes}; expected numbers.");
        }

        return Of(
            ([.. scores], [.. labels], [.. chosen]),
            StageAnnotations.SlotNames(label) ?? StageAnnotations.SlotNames(score) ?? [.. Enumerable.Range(0, classes).Select(c => $"{c}")],
            options.Rule
        );

        static bool Add<T>(List<T> list, IEnumerable<T> values)
        {
            list.AddRange(values);
            return true;
        }
    }

    /// <summary>Evaluates matrices [N, C].</summary>
    public static MultiLabelClassificationMetrics Of(
        (float[] Scores, float[] Labels, bool[] Chosen) rows,
        IReadOnlyList<string> names,
        AveragePrecisionRule rule
    )
    {
        Func<IReadOnlyList<float>, IReadOnlyList<bool>, double> precision = rule switch
        {
            AveragePrecisionRule.ElevenPoints => (s, p) => AveragePrecision.ElevenPoint(s, p),
            AveragePrecisionRule.Area => AveragePrecision.Area,
            _ => (s, p) => AveragePrecision.Published(s, p),
        };
        var perClass = MultiLabelPrecision.PerClass(rows.Scores, rows.Labels, names.Count, precision);
        var counts = MultiLabelCounts.Of(rows.Chosen, rows.Labels, names.Count);
        return new MultiLabelClassificationMetrics
        {
            MeanAveragePrecision = perClass.Average(),
            PerClassAveragePrecision = new ValueList<double>(perClass),
            ClassNames = new ValueList<string>(names),
            ClassPrecision = counts.ClassPrecision,
            ClassRecall = counts.ClassRecall,
            ClassF1 = counts.ClassF1,
            MeanClassF1 = counts.MeanClassF1,
            OverallPrecision = counts.OverallPrecision,
            OverallRecall = counts.OverallRecall,
            OverallF1 = counts.OverallF1,
            TopThreeF1 = MultiLabelCounts.Of(MultiLabelCounts.Top(rows.Scores, names.Count, Top), rows.Labels, names.Count).OverallF1,
        };
    }
}
