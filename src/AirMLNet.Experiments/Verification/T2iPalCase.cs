using System.Text.Json.Nodes;
using AirMLNet.Heads;
using AirMLNet.MultiLabel;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>T2I-PAL's equations on given features: both branches, every placement and aggregation, losses and gradients.</summary>
internal sealed class T2iPalCase : ICaseKind
{
    private const string TestRun = "test_";

    public string Name => "T2I-PAL";

    public string Form =>
        "io.safetensors with in.class_global, in.class_local, in.adapter and in.image_local, beside a case.json with settings";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Expected("in.").Count(n => n is "class_global" or "class_local" or "adapter" or "image_local") == 4;

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        var results = new NamedResults(folder);
        var runs = folder.Expected("out.").Concat(folder.Expected("grad.")).Select(n => n.Split('.')[0]).Distinct(StringComparer.Ordinal);
        foreach (var run in runs)
        {
            One(folder, run, results);
        }
        results.Compare(rows);
    }

    private static void One(CaseFolder folder, string run, NamedResults results)
    {
        Tensor In(string name) => folder.Tensor("in." + name, ScalarType.Float32);
        Tensor Leaf(string name) => In(name).requires_grad_(true);
        Tensor g = Leaf("class_global"),
            l = Leaf("class_local"),
            f = Leaf("adapter"),
            alpha = Leaf("alpha"),
            w = run == "learnable_w" ? Leaf("w") : ones_like(In("w")).requires_grad_(true);
        var rule = Rule(folder, run);
        var side = new ClassSide(g, l, f, alpha, w);
        var images = GlobalLocalScores.Of(In("image_global"), In("image_local"), null, side, rule);
        var texts = GlobalLocalScores.Of(In("text_global"), In("text_local"), In("text_mask"), side, rule);
        var lambda = run switch
        {
            "lambda0" => 0,
            "lambda1" => 1,
            _ => Setting(folder, "lambda", 0.7),
        };
        var loss = GlobalLocalLoss.Of((images, In("labels")), (texts, In("text_labels")), lambda, rule);
        loss.Total.backward();
        results[$"out.{run}.loss"] = loss.Total;
        results[$"out.{run}.loss_image_global"] = loss.ImageGlobal!;
        results[$"out.{run}.loss_image_local"] = loss.ImageLocal!;
        results[$"out.{run}.loss_text_global"] = loss.TextGlobal!;
        results[$"out.{run}.loss_text_local"] = loss.TextLocal!;
        Branch(results, $"out.{run}.image.", images, In("image_global"), In("image_local"), f, rule);
        Branch(results, $"out.{run}.text.", texts, In("text_global"), In("text_local"), f, rule);
        foreach (var (name, leaf) in new[] { ("class_global", g), ("class_local", l), ("adapter", f), ("alpha", alpha), ("w", w) })
        {
            results.Gradient($"grad.{run}.{name}", leaf);
        }

        foreach (var test in TestRuns(folder, run))
        {
            var kappa = Setting(folder, $"kappa ({test})", 40);
            var scored = GlobalLocalScores.Of(In("image_global"), In("image_local"), null, side, rule with { Kappa = kappa });
            results[$"out.{run}.{test}.logits_global"] = scored.GlobalLogits;
            results[$"out.{run}.{test}.logits_local"] = scored.LocalLogits;
            results[$"out.{run}.{test}.score"] = scored.Score(rule);
        }
    }

    private static void Branch(
        NamedResults results,
        string prefix,
        GlobalLocalScores scores,
        Tensor global,
        Tensor local,
        Tensor adapter,
        GlobalLocalRule rule
    )
    {
        // A case lists the affinities whether or not they are added.
        var (f, fg, fl) = (Clip.ClipModel.Normalise(adapter), Clip.ClipModel.Normalise(global), Clip.ClipModel.Normalise(local));
        var v = GlobalLocalScores.Attended(scores.Heat, fl);
        results[prefix + "p"] = scores.Cosine;
        results[prefix + "S"] = scores.Places;
        results[prefix + "H"] = scores.Heat;
        results[prefix + "p_prime"] = scores.LocalCosine;
        results[prefix + "v"] = v;
        results[prefix + "A"] = scores.LocalAffinity ?? GlobalLocalScores.Affinity(v.mul(f).sum(-1), rule.Beta);
        results[prefix + "A_global"] = scores.GlobalAffinity ?? GlobalLocalScores.Affinity(fg.matmul(f.t()), rule.Beta);
        results[prefix + "logits_global"] = scores.GlobalLogits;
        results[prefix + "logits_local"] = scores.LocalLogits;
        results[prefix + "score"] = scores.Score(rule);
    }

    private static IEnumerable<string> TestRuns(CaseFolder folder, string run) =>
        folder
            .Expected($"out.{run}.")
            .Select(n => n.Split('.')[0])
            .Where(n => n.StartsWith(TestRun, StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal);

    private static GlobalLocalRule Rule(CaseFolder folder, string run)
    {
        var rule = new GlobalLocalRule
        {
            Kappa = Setting(folder, "kappa (training)", 50),
            Beta = Setting(folder, "beta", 5.5),
            Scale = Setting(folder, "scale", 4),
            Margin = Setting(folder, "margin", 1),
        };
        return run switch
        {
            "main" or "learnable_w" or "lambda0" or "lambda1" => rule,
            "no_adapter" => rule with { Placement = AdapterPlacement.None },
            "global_adapter" => rule with { Placement = AdapterPlacement.Global },
            "both_adapters" => rule with { Placement = AdapterPlacement.Both },
            "mean" => rule with { Aggregation = LocalAggregation.Mean },
            "max" => rule with { Aggregation = LocalAggregation.Max },
            "convex" => rule with { Form = FusionForm.Convex },
            _ => throw new InvalidDataException($"the run {run} is not known"),
        };
    }

    private static double Setting(CaseFolder folder, string name, double usual) =>
        folder.Case["settings"]?[name] is JsonValue v && v.TryGetValue<double>(out var number) ? number : usual;
}
