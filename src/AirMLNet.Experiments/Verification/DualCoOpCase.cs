using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.MultiLabel;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>DualCoOp's region features, pair logits and losses, and TaI-DPT's variant of them.</summary>
internal sealed class DualCoOpCase : ICaseKind
{
    private const string PoolPrefix = "visual.attnpool.";

    public string Name => "DualCoOp";

    public string Form => "io.safetensors with in.class_pos, in.class_neg, in.target and in.NAME.map, and weights of visual.attnpool";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Expected("in.").Count(n => n is "class_pos" or "class_neg" or "target") == 3 && folder.Weights.Count > 0;

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        using var pool = Pool(folder);
        var results = new NamedResults(folder);
        foreach (var map in folder.Expected("in.").Where(n => n.EndsWith(".map", StringComparison.Ordinal)))
        {
            var grid = map[..^".map".Length];
            Pairs(folder, pool, grid, results);
            Single(folder, grid, results);
            TaiDpt(folder, pool, grid, results);
        }
        results.Compare(rows);
    }

    private static ClipAttentionPool Pool(CaseFolder folder)
    {
        using var files = WeightFiles.Open(folder.Weights[0]);
        var positions = files.Shape(PoolPrefix + "positional_embedding"); // [1 + S², W]
        var side = (long)Math.Round(Math.Sqrt(positions[0] - 1));
        const long heads = 1; // regions take no attention
        var pool = new ClipAttentionPool(side, positions[1], heads, files.Shape(PoolPrefix + "c_proj.weight")[0]);
        return ModelWeights.Build(
            pool,
            folder.Device,
            model => ModelWeights.Fill(model, files, name => new WeightSource(PoolPrefix + name), ClipWeightNames.IsIgnored, "OpenAI")
        );
    }

    private static void Pairs(CaseFolder folder, ClipAttentionPool pool, string grid, NamedResults results)
    {
        Tensor pos = Leaf(folder, "class_pos"),
            neg = Leaf(folder, "class_neg");
        var regions = pool.Regions(In(folder, grid + ".map"), ClipPositions.Bicubic).detach(); // [B, R, D]
        var scores = DualCoOpScores.Of(
            regions,
            pos,
            neg,
            tensor((float)Number(folder, "region_scale", DualCoOpScores.RegionScale)),
            tensor(
                (float)(
                    Number(folder, "region_scale", DualCoOpScores.RegionScale) * Number(folder, "output_scale", DualCoOpScores.OutputScale)
                )
            )
        );
        scores.Logits.retain_grad();
        var p = MultiLabelLosses.PositiveProbability(scores.Logits);
        var labels = Labels(folder);
        var full = labels.nan_to_num(0);
        var settings = Asl(folder);
        var loss = MultiLabelLosses.Asymmetric(p, labels, settings).sum();
        loss.backward();
        results[$"out.{grid}.regions"] = regions.transpose(1, 2);
        results[$"out.{grid}.spatial_weights"] = scores.Weights;
        results[$"out.{grid}.logits"] = scores.Logits;
        results[$"out.{grid}.probability_positive"] = p;
        results[$"out.{grid}.loss"] = loss;
        results[$"out.{grid}.loss_int_target"] = loss; // the type of the target makes no difference
        results[$"out.{grid}.loss_full_labels"] = MultiLabelLosses.Asymmetric(p, full, settings).sum();
        var single = full_like(labels, double.NaN);
        single[0, 0] = 1;
        results[$"out.{grid}.loss_single_known"] = MultiLabelLosses.Asymmetric(p, single, settings).sum();
        results.Gradient($"grad.{grid}.class_pos", pos);
        results.Gradient($"grad.{grid}.class_neg", neg);
        results.Gradient($"grad.{grid}.logits", scores.Logits);
    }

    private static void Single(CaseFolder folder, string grid, NamedResults results)
    {
        if (!folder.Io.Entries.ContainsKey("in.single_prompt_logits"))
        {
            return;
        }
        var labels = Labels(folder).nan_to_num(0);
        foreach (var (which, prompt) in new[] { (2, "positive"), (3, "negative") })
        {
            var logits = Leaf(folder, "single_prompt_logits");
            var p = which == 2 ? logits.sigmoid() : 1 - logits.sigmoid();
            var loss = MultiLabelLosses.Asymmetric(p, labels, Asl(folder)).sum();
            loss.backward();
            results[$"out.{grid}.loss{which}_{prompt}_prompt"] = loss;
            results.Gradient($"grad.{grid}.loss{which}_logits", logits);
        }
    }

    private static void TaiDpt(CaseFolder folder, ClipAttentionPool pool, string grid, NamedResults results)
    {
        if (!folder.Io.Entries.ContainsKey("in.tai.temperature"))
        {
            return;
        }
        Tensor pos = Leaf(folder, "class_pos"),
            neg = Leaf(folder, "class_neg"),
            temperature = Leaf(folder, "tai.temperature"),
            sharpness = Leaf(folder, "tai.spatial_T");
        var regions = pool.Locations(In(folder, grid + ".map")).detach();
        var local = DualCoOpScores.Of(regions, pos, neg, sharpness.exp(), temperature.exp()).Difference;
        local.retain_grad();
        var global = DualCoOpScores
            .Of(In(folder, "tai.global").unsqueeze(1), pos, neg, sharpness.exp(), temperature.exp())
            .Difference.detach(); // one region: its weight is 1
        var loss = MultiLabelLosses
            .Asymmetric(local.sigmoid(), Labels(folder), Asl(folder) with { Epsilon = 1e-8 })
            .sum()
            .div(local.size(0));
        loss.backward();
        results[$"out.{grid}.tai.logits_local"] = local;
        results[$"out.{grid}.tai.logits_global"] = global;
        results[$"out.{grid}.tai.loss"] = loss;
        results.Gradient($"grad.{grid}.tai.class_pos", pos);
        results.Gradient($"grad.{grid}.tai.class_neg", neg);
        results.Gradient($"grad.{grid}.tai.temperature", temperature);
        results.Gradient($"grad.{grid}.tai.spatial_T", sharpness);
        results.Gradient($"grad.{grid}.tai.logits_local", local);
    }

    /// <summary>1, 0, and NaN for the case's −1.</summary>
    private static Tensor Labels(CaseFolder folder)
    {
        var target = In(folder, "target");
        return target.masked_fill(target.lt(0), double.NaN);
    }

    private static AsymmetricLossSettings Asl(CaseFolder folder)
    {
        double Of(string name, double usual) => folder.Config["asl"]?[name] is JsonValue v && v.TryGetValue<double>(out var d) ? d : usual;
        return new(Of("gamma_neg", 2), Of("gamma_pos", 1), Of("clip", 0.05), Of("eps", 1e-6));
    }

    private static double Number(CaseFolder folder, string name, double usual) =>
        folder.Config[name] is JsonValue v && v.TryGetValue<double>(out var d) ? d : usual;

    private static Tensor In(CaseFolder folder, string name) => folder.Tensor("in." + name, ScalarType.Float32);

    private static Tensor Leaf(CaseFolder folder, string name) => In(folder, name).requires_grad_(true);
}
