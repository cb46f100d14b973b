using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AirMLNet.Evaluation;
using AirMLNet.MultiLabel;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>Ranking, asymmetric, focal and cross-entropy losses, with their gradients.</summary>
internal sealed partial class MultiLabelLossesPart : ILossesPart
{
    public string Prefix => "multilabel.";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        foreach (
            var name in folder.Expected(Prefix).Where(n => n.EndsWith(".loss", StringComparison.Ordinal)).Select(n => n[..^".loss".Length])
        )
        {
            var logits = folder.Tensor("multilabel.in.logits", ScalarType.Float32).requires_grad_(true);
            var labels = folder.Tensor("multilabel.in.targets", ScalarType.Float32);
            rows.Add(
                Comparison.Guarded(
                    Prefix + name,
                    () =>
                    {
                        var loss = Loss(name, logits, labels);
                        loss.backward();
                        return Losses.Row(folder, Prefix + name + ".loss", loss);
                    }
                )
            );
            if (logits.grad is { } gradient)
            {
                rows.Add(
                    Comparison.Gradient(Prefix + name + ".grad", gradient, folder.Tensor(Prefix + name + ".grad", ScalarType.Float32))
                );
            }
        }
    }

    private static Tensor Loss(string name, Tensor logits, Tensor labels)
    {
        if (RankingPattern().Match(name) is { Success: true } match)
        {
            // A margin of 0.5 is written 05.
            var margin = match.Groups["margin"].Value;
            var m = double.Parse(margin.StartsWith('0') && margin.Length > 1 ? "0." + margin[1..] : margin, CultureInfo.InvariantCulture);
            var scale = double.Parse(match.Groups["scale"].Value, CultureInfo.InvariantCulture);
            return MultiLabelLosses.Ranking(logits.mul(scale), labels, m).mean();
        }
        var settings = new AsymmetricLossSettings();
        return name switch
        {
            "asl" => MultiLabelLosses.Asymmetric(logits.sigmoid(), labels, settings).mean(),
            "dualcoop_asl_partial" => MultiLabelLosses.Asymmetric(logits.sigmoid(), labels, settings).sum().div(logits.size(0)),
            "focal" => MultiLabelLosses.Focal(logits, labels, 2).mean(),
            "bce" => MultiLabelLosses.Focal(logits, labels, 0).mean(),
            _ => throw new InvalidDataException("this loss is not known"),
        };
    }

    [GeneratedRegex(@"^ranking_s(?<scale>\d+)_m(?<margin>\d+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex RankingPattern();
}

/// <summary>Tip-Adapter's expressions, of which T2I-PAL's adapter is one.</summary>
internal sealed class TipAdapterPart : ILossesPart
{
    private const double ClipScale = 100;

    public string Prefix => "tip.";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        var settings = folder.Json("expected.json")!["tip_adapter"] as JsonObject ?? [];
        var features = In("features"); // [N, D]
        var affinity = features.matmul(In("cache_keys")); // [N, K]
        var activation = GlobalLocalScores.Affinity(affinity, (double?)settings["beta"] ?? 5.5);
        var cache = activation.matmul(In("cache_values"));
        var clip = features.matmul(In("clip_weights")).mul(ClipScale);
        foreach (
            var (name, got) in new[]
            {
                ("affinity", affinity),
                ("activation", activation),
                ("cache_logits", cache),
                ("clip_logits", clip),
                ("logits", clip.add(cache.mul((double?)settings["alpha"] ?? 1))),
            }
        )
        {
            rows.Add(Comparison.Guarded(Prefix + name, () => Losses.Row(folder, Prefix + name, got)));
        }

        Tensor In(string name) => folder.Tensor("tip.in." + name, ScalarType.Float32);
    }
}

/// <summary>Average precision by several rules, with and without ties.</summary>
internal sealed class AveragePrecisionPart : ILossesPart
{
    public string Prefix => "map.";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        var expected = folder.Json("expected.json")!;
        var labels = Values(folder, "map.in.targets");
        var classes = (int)folder.Tensor("map.in.targets", ScalarType.Float32).size(1);
        var scores = Values(folder, "map.in.scores");
        double[] Of(float[] of, Func<IReadOnlyList<float>, IReadOnlyList<bool>, double> rule) =>
            MultiLabelPrecision.PerClass(of, labels, classes, rule);
        var voc07 = Of(scores, (s, p) => AveragePrecision.ElevenPoint(s, p));
        var voc10 = Of(scores, AveragePrecision.Area);
        var published = Of(scores, (s, p) => AveragePrecision.Published(s, p));
        var sklearn = Of(scores, (s, p) => AveragePrecision.Published(s, p, TieRule.Together, epsilon: 0));
        Dictionary<string, double[]> figures = new(StringComparer.Ordinal)
        {
            ["map/per_class_ap_voc07_11pt"] = voc07,
            ["map/per_class_ap_voc07_11pt_exact_thresholds"] = Of(scores, (s, p) => AveragePrecision.ElevenPoint(s, p, exact: true)),
            ["map/mean_ap_voc07_11pt"] = [voc07.Average()],
            ["map/per_class_ap_voc10_area"] = voc10,
            ["map/mean_ap_voc10_area"] = [voc10.Average()],
            ["map/per_class_ap_precision_at_hits"] = published,
            ["map/mAP_tai_dpt_x100"] = [100 * published.Average()],
            ["map/per_class_ap_sklearn"] = sklearn,
            ["map/mean_ap_sklearn"] = [sklearn.Average()],
        };
        if (folder.Io.Entries.ContainsKey("map_ties.in.scores"))
        {
            figures["map_ties/per_class_ap_sklearn"] = Of(
                Values(folder, "map_ties.in.scores"),
                (s, p) => AveragePrecision.Published(s, p, TieRule.Together, epsilon: 0)
            );
        }
        foreach (var section in new[] { "map", "map_ties" })
        {
            foreach (var (key, node) in expected[section] as JsonObject ?? [])
            {
                if (node is JsonArray || (node is JsonValue v && v.TryGetValue<double>(out _)))
                {
                    var name = $"{section}/{key}";
                    rows.Add(Comparison.Guarded(name, () => Figure(name, figures, node)));
                }
            }
        }
    }

    private static VerificationRow Figure(string name, Dictionary<string, double[]> figures, JsonNode node)
    {
        if (!figures.TryGetValue(name, out var got))
        {
            return Comparison.Failed(name, "this figure is not known");
        }
        double[] want = node is JsonArray all ? [.. all.Select(n => (double)n!)] : [(double)node];
        var worst = got.Length == want.Length ? got.Zip(want, (g, w) => Math.Abs(g - w)).Max() : double.NaN;
        return new(name, worst, worst / want.Max(Math.Abs), worst <= 1e-6);
    }

    private static float[] Values(CaseFolder folder, string name) =>
        folder.Tensor(name, ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}

/// <summary>What the parts share.</summary>
internal static class Losses
{
    public static readonly (double Abs, double Rel) Tolerance = (1e-5, 1e-5);

    public static VerificationRow Row(CaseFolder folder, string name, Tensor got) =>
        Comparison.Output(name, got, folder.Tensor(name, ScalarType.Float32), Tolerance);
}
