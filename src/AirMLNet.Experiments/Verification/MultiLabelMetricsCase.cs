using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Evaluation;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>Average precision by every rule, precision and recall, and ensembles.</summary>
internal sealed class MultiLabelMetricsCase : ICaseKind
{
    private const string Expected = "expected.json";

    public string Name => "multi-label metrics";

    public string Form => "io.safetensors with in.scores, in.labels and in.scores_ties, and expected.json";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Has(Expected) && folder.Expected("in.").Count(n => n is "scores" or "labels" or "scores_ties") == 3;

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        var run = new MultiLabelMetricsRun(folder);
        var tensors = Tolerance(folder, "tensors");
        foreach (var name in folder.Expected("out."))
        {
            // What an unstable sort gave is not to be reproduced.
            if (name != "ap.ties.published_as_run")
            {
                rows.Add(Comparison.Guarded("out." + name, () => run.Tensor(name, tensors)));
            }
        }
        foreach (var (name, value) in Leaves(folder.Json(Expected)!, ""))
        {
            rows.Add(Comparison.Guarded(name, () => run.Number(name, value)));
        }
    }

    private static double Tolerance(CaseFolder folder, string kind) =>
        folder.Case["tolerance"]?[kind]?["abs"] is JsonValue v && v.TryGetValue<double>(out var d) ? d : 1e-6;

    /// <summary>The numbers of a JSON object, by their dotted names; null for one that is not a number in the reference.</summary>
    private static IEnumerable<(string Name, double? Value)> Leaves(JsonObject node, string prefix)
    {
        foreach (var (key, value) in node)
        {
            switch (value)
            {
                case JsonObject inner:
                    foreach (var leaf in Leaves(inner, $"{prefix}{key}/"))
                    {
                        yield return leaf;
                    }
                    break;
                case JsonValue v when v.TryGetValue<double>(out var number):
                    yield return (prefix + key, number);
                    break;
                case null:
                    yield return (prefix + key, null);
                    break;
                default:
                    break; // notes and lists of classes
            }
        }
    }
}

/// <summary>The figures of one case.</summary>
internal sealed class MultiLabelMetricsRun
{
    private const double Percent = 1e-4,
        Fraction = 1e-6;
    private readonly CaseFolder _folder;
    private readonly int _rows,
        _classes;
    private readonly float[] _labels,
        _scores;

    public MultiLabelMetricsRun(CaseFolder folder)
    {
        _folder = folder;
        _labels = In("labels");
        _scores = In("scores");
        _rows = (int)folder.Tensor("in.labels", ScalarType.Float32).size(0);
        _classes = _labels.Length / _rows;
    }

    public VerificationRow Tensor(string name, double tolerance)
    {
        if (name.StartsWith("ensemble.r", StringComparison.Ordinal))
        {
            var fused = Ensemble(double.Parse(name["ensemble.r".Length..], CultureInfo.InvariantCulture));
            return Row(fused, [_rows, _classes]);
        }
        var aps = name switch
        {
            "ap.published" => Aps(_scores, _labels, (s, p) => AveragePrecision.Published(s, p)),
            "ap.voc11" => Aps(_scores, _labels, (s, p) => AveragePrecision.ElevenPoint(s, p)),
            "ap.voc_area" => Aps(_scores, _labels, AveragePrecision.Area),
            "ap.ties.ascending_index" => Aps(In("scores_ties"), _labels, (s, p) => AveragePrecision.Published(s, p)),
            "ap.ties.descending_index" => Aps(In("scores_ties"), _labels, (s, p) => AveragePrecision.Published(s, p, TieRule.Descending)),
            "ap.ties.sklearn_threshold_groups" => Aps(
                In("scores_ties"),
                _labels,
                (s, p) => AveragePrecision.Published(s, p, TieRule.Together, epsilon: 0)
            ),
            "ap.ties.first16.published_as_run" => Aps(
                In("scores_ties")[..(16 * _classes)],
                _labels[..(16 * _classes)],
                (s, p) => AveragePrecision.Published(s, p, TieRule.Descending)
            ),
            "ap.unknown.published_as_negative" => Aps(
                _scores,
                [.. In("labels_unknown_nan").Select(l => float.IsNaN(l) ? 0 : l)],
                (s, p) => AveragePrecision.Published(s, p)
            ),
            "ap.unknown.dropped" => Aps(_scores, In("labels_unknown_nan"), (s, p) => AveragePrecision.Published(s, p)),
            "ap.unknown.meter_difficult_skipped" => Aps(
                _scores,
                In("labels_unknown_nan"),
                (s, p) => AveragePrecision.Published(s, p, epsilon: 0)
            ),
            _ => (double[]?)null,
        };
        return aps is null ? Comparison.Failed("out." + name, "this output is not known") : Row([.. aps.Select(a => (float)a)], [_classes]);

        VerificationRow Row(float[] got, long[] shape) =>
            Comparison.Output(
                "out." + name,
                Tensors.Of(got, shape),
                _folder.Tensor("out." + name, ScalarType.Float32).cpu(),
                (tolerance, 0)
            );
    }

    public VerificationRow Number(string name, double? want)
    {
        if (name == "smallest_distance_to_threshold")
        {
            var distance = In("probabilities").Min(p => Math.Abs((double)p - 0.5));
            return Compare(distance, Fraction);
        }
        var parts = name.Split('/');
        var got = parts[0] switch
        {
            "mAP_published" => 100 * Aps(_scores, _labels, (s, p) => AveragePrecision.Published(s, p)).Average(),
            "mAP_published_classes_with_positives_only" => 100
                * Aps(_scores, _labels, (s, p) => AveragePrecision.Published(s, p)).Where((_, c) => HasPositive(c)).Average(),
            "mAP_unknown_published_as_negative" => 100
                * Aps(
                        _scores,
                        [.. In("labels_unknown_nan").Select(l => float.IsNaN(l) ? 0 : l)],
                        (s, p) => AveragePrecision.Published(s, p)
                    )
                    .Average(),
            "mAP_unknown_dropped" => 100 * Aps(_scores, In("labels_unknown_nan"), (s, p) => AveragePrecision.Published(s, p)).Average(),
            "tai_global_local_merge_0.5_of_scores_and_scores_other" => Map(Half(_scores, In("scores_other"))),
            "dualcoop_validate" when parts[1] == "mAP" => Map(_scores),
            "dualcoop_validate" => Counts(_labels, Chosen(In("probabilities"), 0.5f), _classes, parts[1]),
            "own_threshold" => Counts(_labels, Chosen(In("probabilities"), 0.5f), _classes, parts[1]),
            "meter_overall_all_classes" => Meter(false, null, parts[1]),
            "meter_overall_classes_with_positives" => Meter(true, null, parts[1]),
            "meter_overall_top3_classes_with_positives" => Meter(true, 3, parts[1]),
            "dualcoop_calc_F1_top3" => Counts(_labels, MultiLabelCounts.Top(In("probabilities"), _classes, 3), _classes, parts[1] + "_O"),
            var ensemble when ensemble.StartsWith("ensemble_r", StringComparison.Ordinal) => parts[1] switch
            {
                "first" => Map(_scores),
                "second" => Map(In("scores_other")),
                _ => Map(Ensemble(double.Parse(ensemble["ensemble_r".Length..], CultureInfo.InvariantCulture))),
            },
            _ => double.PositiveInfinity,
        };
        return double.IsPositiveInfinity(got)
            ? Comparison.Failed(name, "this figure is not known")
            : Compare(got, parts[0].StartsWith("meter", StringComparison.Ordinal) ? Fraction : Percent);

        VerificationRow Compare(double value, double tolerance)
        {
            if (want is not { } number)
            {
                return new(name, 0, 0, double.IsNaN(value), double.IsNaN(value) ? "not a number, as expected" : $"{value}, not NaN");
            }
            var difference = Math.Abs(value - number);
            return new(name, difference, difference / Math.Max(Math.Abs(number), 1e-12), difference <= tolerance);
        }
    }

    private double Map(float[] scores) => 100 * Aps(scores, _labels, (s, p) => AveragePrecision.Published(s, p)).Average();

    // The first file of a case's ensembles holds the scores of both of a model's branches.
    private float[] Ensemble(double share) => ScoreEnsemble.Fuse(Half(_scores, In("scores_ties")), In("scores_other"), share);

    private static float[] Half(float[] a, float[] b) => [.. a.Select((x, i) => (x * 0.5f) + (b[i] * 0.5f))];

    private double Meter(bool onlyWithPositives, int? top, string figure)
    {
        int[] classes = [.. Enumerable.Range(0, _classes).Where(c => !onlyWithPositives || HasPositive(c))];
        var scores = Columns(In("scores_zero_threshold"), classes);
        var chosen = top is { } k ? MultiLabelCounts.Top(scores, classes.Length, k, 0) : Chosen(scores, 0, orEqual: true);
        return Counts(Columns(_labels, classes), chosen, classes.Length, figure, 1, double.NaN);
    }

    private static double Counts(float[] labels, bool[] chosen, int classes, string figure, double factor = 100, double emptyRecall = 0)
    {
        var counts = MultiLabelCounts.Of(chosen, labels, classes, emptyRecall);
        return factor
            * figure switch
            {
                "P_C" or "CP" => counts.ClassPrecision,
                "R_C" or "CR" => counts.ClassRecall,
                "F_C" or "CF1_mean_of_F" => counts.MeanClassF1,
                "CF1" or "CF1_of_means" => counts.ClassF1,
                "P_O" or "OP" => counts.OverallPrecision,
                "R_O" or "OR" => counts.OverallRecall,
                "F_O" or "OF1" or "F1_O" => counts.OverallF1,
                _ => double.PositiveInfinity,
            };
    }

    private bool HasPositive(int c) => Enumerable.Range(0, _rows).Any(r => _labels[(r * _classes) + c] == 1);

    private static bool[] Chosen(float[] scores, float threshold, bool orEqual = false) =>
        [.. scores.Select(s => s > threshold || (orEqual && s >= threshold))];

    private float[] Columns(float[] matrix, int[] classes) =>
        [.. Enumerable.Range(0, _rows).SelectMany(r => classes.Select(c => matrix[(r * _classes) + c]))];

    private double[] Aps(float[] scores, float[] labels, Func<IReadOnlyList<float>, IReadOnlyList<bool>, double> rule) =>
        MultiLabelPrecision.PerClass(scores, labels, _classes, rule);

    private float[] In(string name) => _folder.Tensor("in." + name, ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
