using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AirMLNet.Clip;
using AirMLNet.MultiLabel;
using AirMLNet.Optimisation;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>TaI-DPT's caption branch: all tokens of captions, shared and class-specific prompts, two steps of SGD, the learning
/// rates.</summary>
internal sealed partial class TaiDptCase : ICaseKind
{
    private static readonly (double Abs, double Rel) MaskedTolerance = (1e-4, 1e-5);

    public string Name => "TaI-DPT captions";

    public string Form =>
        "io.safetensors with in.captions, in.labels, in.prompt_tokens and in.NAME.ctx_global, and weights of a text tower";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Expected("in.").Count(n => n is "captions" or "labels" or "prompt_tokens") == 3 && folder.Weights.Count > 0;

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        using var text = TextSide.Load(folder);
        var results = new NamedResults(folder);
        foreach (var context in folder.Expected("in.").Where(n => n.EndsWith(".ctx_global", StringComparison.Ordinal)))
        {
            One(folder, text, context[..^".ctx_global".Length], results);
        }
        results.Compare(rows, name => name.EndsWith("masked_kappa_cos", StringComparison.Ordinal) ? MaskedTolerance : folder.Tolerance);
        foreach (var (name, rates) in folder.Case["lr_schedule"] as JsonObject ?? [])
        {
            rows.Add(Comparison.Guarded("lr_schedule " + name, () => Rates(name, (JsonArray)rates!)));
        }
    }

    private static void One(CaseFolder folder, TextSide text, string run, NamedResults results)
    {
        var ids = folder.Tensor("in.captions", ScalarType.Int64);
        var labels = folder.Tensor("in.labels", ScalarType.Float32);
        var rule = new GlobalLocalRule
        {
            Kappa = Size(folder, "kappa", 50),
            Scale = Size(folder, "scale", 4),
            Margin = Size(folder, "margin", 1),
            Placement = AdapterPlacement.None,
        };
        var ctxGlobal = new Parameter(folder.Tensor($"in.{run}.ctx_global", ScalarType.Float32));
        var ctxLocal = new Parameter(folder.Tensor($"in.{run}.ctx_local", ScalarType.Float32));
        var length = (int)ctxGlobal.size(-2);
        using var prompts = new ContextPrompts(text.Tower, text.Projection, folder.Tensor("in.prompt_tokens", ScalarType.Int64), length);
        Tensor local;
        using (no_grad())
        {
            local = text.Projection.Project(text.Tower.EncodeAll(ids)); // [B, L, D]
        }
        var global = local[arange(ids.size(0), ScalarType.Int64, ids.device), text.Tower.EndPositions(ids)];
        var keep = ids.ne(0);
        results[$"out.{run}.caption_sequence"] = local;
        results[$"out.{run}.caption_sequence_normalised"] = ClipModel.Normalise(local);
        var rate = Double(folder.Case["lr"], 0.02);
        using var optimizer = optim.SGD([ctxGlobal, ctxLocal], rate, momentum: 0.9, weight_decay: 5e-4);
        for (var step = 0; folder.Io.Entries.ContainsKey($"out.{run}.s{step}.loss"); step++)
        {
            if (step > 0)
            {
                optimizer.step();
                results[$"out.{run}.after{step}.ctx_global"] = ctxGlobal.clone();
                results[$"out.{run}.after{step}.ctx_local"] = ctxLocal.clone();
            }
            optimizer.zero_grad();
            var (g, l) = (prompts.ClassFeatures(ctxGlobal), prompts.ClassFeatures(ctxLocal));
            var scores = GlobalLocalScores.Of(global, local, keep, new ClassSide(g, l), rule);
            var loss = GlobalLocalLoss.Of(null, (scores, labels), 0, rule);
            foreach (var tensor in new[] { g, l, scores.GlobalLogits, scores.LocalLogits })
            {
                tensor.retain_grad();
            }
            loss.Total.backward();
            results[$"out.{run}.s{step}.loss"] = loss.Total;
            if (step == 0)
            {
                First(results, run, rule, keep, labels, scores, loss, (g, l), (ctxGlobal, ctxLocal));
            }
        }
    }

    private static void First(
        NamedResults results,
        string run,
        GlobalLocalRule rule,
        Tensor keep,
        Tensor labels,
        GlobalLocalScores scores,
        GlobalLocalLoss loss,
        (Tensor Global, Tensor Local) classes,
        (Tensor Global, Tensor Local) context
    )
    {
        var kept = keep.to_type(ScalarType.Float32).unsqueeze(1);
        results[$"out.{run}.masked_kappa_cos"] = GlobalLocalScores.MaskedLogits(scores.Places, kept, null, rule.Kappa).transpose(1, 2);
        results[$"out.{run}.spatial_weights"] = scores.Heat.transpose(1, 2);
        results[$"out.{run}.class_features_global"] = classes.Global;
        results[$"out.{run}.class_features_local"] = classes.Local;
        results[$"out.{run}.logits_global"] = scores.GlobalLogits;
        results[$"out.{run}.logits_local"] = scores.LocalLogits;
        results[$"out.{run}.loss_global"] = loss.TextGlobal!;
        results[$"out.{run}.loss_local"] = loss.TextLocal!;
        results[$"out.{run}.loss_per_sample"] = MultiLabelLosses
            .Ranking(scores.GlobalLogits, labels, rule.Margin)
            .add(MultiLabelLosses.Ranking(scores.LocalLogits, labels, rule.Margin));
        results.Gradient($"grad.{run}.ctx_global", context.Global);
        results.Gradient($"grad.{run}.ctx_local", context.Local);
        results.Gradient($"grad.{run}.class_features_global", classes.Global);
        results.Gradient($"grad.{run}.class_features_local", classes.Local);
        results.Gradient($"grad.{run}.logits_global", scores.GlobalLogits);
        results.Gradient($"grad.{run}.logits_local", scores.LocalLogits);
    }

    private static VerificationRow Rates(string name, JsonArray expected)
    {
        var match = SchedulePattern().Match(name);
        if (!match.Success)
        {
            return Comparison.Failed("lr_schedule " + name, "\"lr L epochs E warm-up W at R\" was expected");
        }
        double Value(string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        var worst = expected
            .Select(
                (want, e) =>
                    Math.Abs(
                        LearningRateSchedule.Dassl(Value("lr"), e, (int)Value("epochs"), (int)Value("warm"), Value("rate")) - (double)want!
                    )
            )
            .Max();
        var relative = worst / Value("lr");
        return new("lr_schedule " + name, worst, relative, relative <= 1e-9 && expected.Count == (int)Value("epochs"));
    }

    private static double Size(CaseFolder folder, string name, double usual) => Double(folder.Case["sizes"]?[name], usual);

    private static double Double(JsonNode? node, double usual) => node is JsonValue v && v.TryGetValue<double>(out var d) ? d : usual;

    [GeneratedRegex(@"^lr (?<lr>\S+) epochs (?<epochs>\d+) warm-up (?<warm>\d+) at (?<rate>\S+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex SchedulePattern();

    /// <summary>A text tower with its projection, without an image tower.</summary>
    private sealed class TextSide : nn.Module
    {
        private readonly ClipTextTower text_model;
        private readonly ClipWeight text_projection;
        private readonly Parameter logit_scale;

        private TextSide(ClipTextConfig config, long dimension)
            : base(nameof(TextSide))
        {
            text_model = new ClipTextTower(config);
            text_projection = new ClipWeight(dimension, config.HiddenSize);
            logit_scale = Layers.LayerParameter.Create();
            RegisterComponents();
        }

        public ClipTextTower Tower => text_model;

        public ClipWeight Projection => text_projection;

        public static TextSide Load(CaseFolder folder)
        {
            using var files = WeightFiles.Open(folder.Weights[0]);
            var config = ClipConfigFile.Read(folder.File("config.json"));
            var model = ModelWeights.Build(
                new TextSide(config.Text, config.ProjectionDim),
                folder.Device,
                made => ModelWeights.Fill(made, files, ClipWeightNames.OpenAi.Locate, ClipWeightNames.IsIgnored, "OpenAI")
            );
            foreach (var parameter in model.parameters())
            {
                parameter.requires_grad = false;
            }
            return model;
        }
    }
}
