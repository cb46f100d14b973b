using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Evaluation;
using AirMLNet.Heads;
using AirMLNet.PseudoLabels;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>Losses, selections of pseudo-labels and measures, each by itself. What no stage here computes is listed in a last
/// row.</summary>
internal sealed class LossesCase : ICaseKind
{
    private const string Expected = "expected.json";

    // A further part is one more line here.
    private static readonly ILossesPart[] Parts = [new MultiLabelLossesPart(), new TipAdapterPart(), new AveragePrecisionPart()];

    public string Name => "losses and measures";

    public string Form => "io.safetensors with contrastive.in.* or pseudo.in.*, beside expected.json";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo
        && folder.Has(Expected)
        && folder.Io.Entries.Keys.Any(k =>
            k.StartsWith("contrastive.in.", StringComparison.Ordinal) || k.StartsWith("pseudo.in.", StringComparison.Ordinal) || OfPart(k)
        );

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        var run = new LossesRun(folder, folder.Json(Expected)!);
        List<string> left = [];
        foreach (
            var name in folder
                .Io.Entries.Keys.Where(k => !k.Contains(".in.", StringComparison.Ordinal) && !OfPart(k))
                .Order(StringComparer.Ordinal)
        )
        {
            Add(name, run.Tensors(name));
        }

        foreach (
            var (name, compared) in run.Numbers()
                .Where(n => !OfPart(n.Name) && !OfPart(n.Name.Replace("_ties", "", StringComparison.Ordinal)))
        )
        {
            Add(name, compared);
        }

        foreach (var part in Parts.Where(part => folder.Expected(part.Prefix + "in.").Any()))
        {
            rows.Add(Comparison.Guarded(part.Prefix + "*", () => Whole(part, folder, rows)));
        }

        if (left.Count > 0)
        {
            rows.Add(new("not compared", 0, 0, true, string.Join(", ", left)));
        }

        void Add(string name, Func<VerificationRow>? compared)
        {
            if (compared is null)
            {
                left.Add(name);
            }
            else
            {
                rows.Add(Comparison.Guarded(name, compared));
            }
        }
    }

    private static bool OfPart(string name) => Parts.Any(part => name.StartsWith(part.Prefix, StringComparison.Ordinal));

    private static VerificationRow Whole(ILossesPart part, CaseFolder folder, List<VerificationRow> rows)
    {
        var before = rows.Count;
        part.Run(folder, rows);
        var count = rows.Count - before;
        return Comparison.Exact(part.Prefix + "*", count == 0 ? 1 : 0, Math.Max(1, count), $"{count} outputs");
    }
}

/// <summary>One part of the case.</summary>
internal interface ILossesPart
{
    /// <summary>What the names of its tensors begin with.</summary>
    string Prefix { get; }

    /// <summary>Adds a row for every output of the part.</summary>
    void Run(CaseFolder folder, List<VerificationRow> rows);
}

/// <summary>What a case of losses asks for.</summary>
internal sealed class LossesRun(CaseFolder folder, JsonObject expected)
{
    private const double JsonTolerance = 1e-6;
    private readonly (double Abs, double Rel) _tolerance = folder.Case["tolerance"]?["tensors"] is JsonObject t
        ? ((double)t["abs"]!, (double)t["rel"]!)
        : folder.Tolerance;
    private Dictionary<string, Tensor>? _contrastive;

    /// <summary>The comparison of a tensor; null where nothing here computes it.</summary>
    public Func<VerificationRow>? Tensors(string name) =>
        name.StartsWith("contrastive.", StringComparison.Ordinal)
            ? () =>
                (_contrastive ??= Contrastive()).TryGetValue(name, out var got)
                    ? Comparison.Output(name, got, Float(name), _tolerance)
                    : Comparison.Failed(name, "this output is not known")
        : name == "ensemble.class_weights"
            ? () =>
                Comparison.Output(
                    name,
                    ZeroShotClassifier.Mean(ClipModel.Normalise(Float("ensemble.in.text_features"))),
                    Float(name),
                    _tolerance
                )
        : null;

    /// <summary>The comparisons of what expected.json lists; null where nothing here computes it.</summary>
    public IEnumerable<(string Name, Func<VerificationRow>? Compared)> Numbers()
    {
        foreach (var (section, node) in expected)
        {
            if (node is not JsonObject values || section.EndsWith("_notes", StringComparison.Ordinal))
            {
                continue;
            }

            foreach (var (key, value) in values)
            {
                if (
                    value is null
                    || key is "note" or "notes" or "reference" or "sources" or "k" or "image_paths" or "max_confidences_distinct"
                )
                {
                    continue;
                }

                var name = $"{section}.{key}";
                yield return (
                    name,
                    section switch
                    {
                        "harmonic_mean" when key == "cases" => () => HarmonicMeans(name, (JsonArray)value),
                        "pseudo" or "pseudo_ties" => Selection(
                            name,
                            key,
                            section == "pseudo" ? "pseudo.in.probs" : "pseudo.in.probs_ties",
                            values
                        ),
                        "accuracy" when key == "top1" => () => Number(name, 100 * Accuracy(), (double)value),
                        _ => null,
                    }
                );
            }
        }
    }

    private Dictionary<string, Tensor> Contrastive()
    {
        Tensor Leaf(string name) => Float("contrastive.in." + name).requires_grad_(true);
        var (images, texts, scale) = (Leaf("image_features"), Leaf("text_features"), Leaf("logit_scale"));
        var loss = ContrastiveLoss.Of(images, texts, scale);
        loss.backward();
        return new(StringComparer.Ordinal)
        {
            ["contrastive.loss"] = loss.detach(),
            ["contrastive.grad.image_features"] = images.grad!,
            ["contrastive.grad.text_features"] = texts.grad!,
            ["contrastive.grad.logit_scale"] = scale.grad!,
        };
    }

    private Func<VerificationRow>? Selection(string name, string key, string tensor, JsonObject values)
    {
        if (key is not ("argmax_torch" or "grip_leaderboard" or "grip_leaderboard_k1" or "column_top_k_stable"))
        {
            return null;
        }

        return () =>
        {
            var probabilities = Float(tensor).cpu();
            var (p, classes) = (probabilities.data<float>().ToArray(), (int)probabilities.size(1));
            if (key == "argmax_torch")
            {
                var wanted = Ints(values[key]!);
                // Of equals no order is laid down.
                var tied = values["rows_with_tied_argmax"] is { } list ? Ints(list) : [];
                var got = Enumerable.Range(0, wanted.Length).Select(i => CosineHead.ArgMax(p.AsSpan(i * classes, classes)));
                return Exact(name, [.. got.Where((_, i) => !tied.Contains(i))], [.. wanted.Where((_, i) => !tied.Contains(i))]);
            }

            var k = key == "grip_leaderboard_k1" ? 1 : (int)values["k"]!;
            var chosen = key == "column_top_k_stable" ? TopKPerClass.Select(p, classes, k) : TopKPerClass.SelectLeaderboard(p, classes, k);
            var want = (JsonObject)values[key]!;
            int[] Lines(Func<int, int[]> list) => [.. Enumerable.Range(0, classes).SelectMany(c => list(c).Append(-1))];
            return Exact(name, Lines(c => chosen[c]), Lines(c => Ints(want[$"{c}"]!)));
        };
    }

    private static VerificationRow HarmonicMeans(string name, JsonArray cases)
    {
        var largest = cases.Max(c => Math.Abs(ClassificationScores.HarmonicMean((double)c!["a"]!, (double)c["b"]!) - (double)c["h"]!));
        return new(name, largest, largest, largest <= JsonTolerance, $"{cases.Count} pairs");
    }

    private double Accuracy()
    {
        var logits = Float("acc.in.logits").cpu();
        var (rows, classes, values) = ((int)logits.size(0), (int)logits.size(1), logits.data<float>().ToArray());
        var truth = folder.Tensor("acc.in.labels", ScalarType.Int64).cpu().data<long>().ToArray();
        return ClassificationScores
            .Of(
                [.. Enumerable.Range(0, rows).Select(i => CosineHead.ArgMax(values.AsSpan(i * classes, classes)))],
                [.. truth.Select(l => (int)l)]
            )
            .Accuracy;
    }

    private static VerificationRow Number(string name, double got, double want) =>
        new(
            name,
            Math.Abs(got - want),
            want == 0 ? 0 : Math.Abs(got / want - 1),
            Math.Abs(got - want) <= JsonTolerance * Math.Max(1, want)
        );

    private static VerificationRow Exact(string name, int[] got, int[] want) =>
        got.Length != want.Length
            ? Comparison.Failed(name, $"{got.Length} values, expected {want.Length}")
            : Comparison.Exact(name, got.Zip(want).Count(p => p.First != p.Second), want.Length, null);

    private static int[] Ints(JsonNode node) => [.. ((JsonArray)node).Select(n => (int)n!)];

    private Tensor Float(string name) => folder.Tensor(name, ScalarType.Float32);
}
