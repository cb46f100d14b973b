using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>ReCLIP: label propagation, losses, and two steps of both copies of a tiny model.</summary>
internal sealed class ReClipCase : ICaseKind
{
    public string Name => "ReCLIP";

    public string Form => "io.safetensors with in.text_weights, in.features_t and in.features_v, beside a case.json with sizes";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Expected("in.").Count(n => n is "text_weights" or "features_t" or "features_v") == 3;

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        var run = new ReClipRun(folder);
        foreach (var name in folder.Expected("out.").Select(n => "out." + n).Concat(folder.Expected("grad.").Select(n => "grad." + n)))
        {
            rows.Add(Comparison.Guarded(name, () => run.Row(name)));
        }
    }
}

/// <summary>One case; every result is kept by the name of its output.</summary>
internal sealed class ReClipRun
{
    private static readonly (double Abs, double Rel) ScoreTolerance = (1e-5, 1e-4);
    private readonly CaseFolder _folder;
    private readonly Dictionary<string, Tensor> _results = new(StringComparer.Ordinal);

    public ReClipRun(CaseFolder folder)
    {
        _folder = folder;
        var settings = new LabelPropagationSettings
        {
            Neighbours = (int)Size("neighbours")!,
            Alpha = (double)Size("alpha")!,
            CutDimension = (int)Size("cut_dim")!,
        };
        var t = Propagate("t", "features_t", settings);
        var v = Propagate("v", "features_v", settings);
        Propagate("v_half_projection", "features_v", settings with { HalfProjection = true });
        if (Size("cut_dim_v_cut") is { } cut)
        {
            Propagate("v_cut", "features_v", settings with { CutDimension = (int)cut });
        }

        _results["out.agree_by_index"] = t.eq(v).to_type(ScalarType.Int64);
        Losses();
        if (folder.Expected("in.").Any(n => n == "step.tokens"))
        {
            Steps();
        }
    }

    public VerificationRow Row(string name)
    {
        if (!_results.TryGetValue(name, out var got))
        {
            return Comparison.Failed(name, "this output is not known");
        }

        if (_folder.Io.Entries[name].DType is ScalarType.Int64 or ScalarType.Byte or ScalarType.Bool)
        {
            return LatteClipRun.Integers(name, got, _folder.Tensor(name, ScalarType.Int64));
        }

        var want = _folder.Tensor(name, ScalarType.Float32);
        return name.StartsWith("grad.", StringComparison.Ordinal)
            ? Comparison.Gradient(name, got, want)
            : Comparison.Output(name, got, want, name.EndsWith(".scores", StringComparison.Ordinal) ? ScoreTolerance : _folder.Tolerance);
    }

    private JsonNode? Size(string name) => _folder.Case["sizes"]?[name];

    private Tensor In(string name, ScalarType type = ScalarType.Float32) => _folder.Tensor("in." + name, type);

    /// <returns>Pseudo-labels by absolute index.</returns>
    private Tensor Propagate(string name, string features, LabelPropagationSettings settings)
    {
        var texts = In("text_weights").t().contiguous(); // [C, D]
        var images = In(features);
        var projection = LabelPropagation.Projection(texts, settings);
        var nodes = LabelPropagation.Nodes(texts, images, projection);
        var graph = NeighbourGraph.Of(nodes, settings.Neighbours);
        var labels = LabelPropagation.Run(texts, images, projection, settings);
        var (classes, count) = (texts.size(0), (long)graph.Count);
        var all = tensor(labels.Labels.Select(l => (long)l).ToArray());
        var own = all.narrow(0, classes, count - classes);
        var index = In("index", ScalarType.Int64).cpu();
        var byIndex = zeros_like(own).scatter(0, index, own);
        var affinity = nodes.matmul(nodes.t()).add(1).div(2).mul(eye(count).neg().add(1));
        foreach (
            var (what, value) in new (string, Tensor)[]
            {
                ("projection", projection),
                ("projected", nodes),
                ("affinity", affinity),
                ("graph", tensor(graph.Dense(graph.Weights), [count, count])),
                ("graph_normalised", tensor(graph.Dense(graph.Normalised), [count, count])),
                ("scores", tensor(labels.Scores, [count, classes])),
                ("labels_nodes", all),
                ("confidence_nodes", tensor(labels.Confidence)),
                ("pseudo_labels_by_index", byIndex),
                ("centroids", tensor(labels.Centroids, texts.shape)),
                ("accuracy", own.eq(In("labels", ScalarType.Int64).cpu()).to_type(ScalarType.Float32).mean()),
                ("cg_iterations", tensor(labels.Iterations.Select(i => (long)i).ToArray())),
                ("cg_residual", tensor(labels.Residuals.Select(r => (float)r).ToArray())),
            }
        )
        {
            _results[$"out.{name}.{what}"] = value;
        }
        return byIndex;
    }

    private void Losses()
    {
        var (t, v) = (In("loss.features_t"), In("loss.features_v"));
        var (labelsT, labelsV) = (In("loss.pseudo_t", ScalarType.Int64), In("loss.pseudo_v", ScalarType.Int64));
        var logitsT = ReClipStep.Logits(t, In("text_weights").t()).detach().requires_grad_(true);
        var logitsV = ReClipStep.Logits(v, _results["out.v.centroids"].to(_folder.Device)).detach().requires_grad_(true);
        var losses = ReClipStep.Losses(logitsT, logitsV, labelsT, labelsV) ?? throw new InvalidDataException("no labels agree");
        losses.T.backward();
        losses.V.backward();
        _results["out.loss.logits_t"] = logitsT;
        _results["out.loss.logits_v"] = logitsV;
        _results["out.loss.logits_mean"] = logitsT.add(logitsV).div(2);
        _results["out.loss.mask"] = labelsT.eq(labelsV).to_type(ScalarType.Int64);
        _results["out.loss.t"] = losses.T;
        _results["out.loss.v"] = losses.V;
        _results["grad.loss.logits_t"] = logitsT.grad!;
        _results["grad.loss.logits_v"] = logitsV.grad!;
    }

    private void Steps()
    {
        const double rate = 1e-3;
        using var t = ReClipCopy.OfTexts(Model(), rate);
        using var v = ReClipCopy.OfImages(Model(), rate);
        var ids = In("step.tokens", ScalarType.Int64);
        var pixels = In("step.pixel_values");
        var (labelsT, labelsV) = (In("step.pseudo_t", ScalarType.Int64), In("step.pseudo_v", ScalarType.Int64));
        _results["out.step.text_weights_full"] = ReClipStep.ClassVectors(t.Model, ids).t().detach();
        _results["out.step.text_weights_short"] = ReClipStep.ClassVectors(t.Model, ids.narrow(1, 0, 1)).t().detach();
        var steps = _folder.Expected("out.step.s").Select(n => n[..n.IndexOf('.')]).Distinct().Count();
        for (var step = 0; step < steps; step++)
        {
            var logitsT = ReClipStep.Logits(
                ClipModel.Normalise(t.Model.EncodeImage(pixels)),
                ReClipStep.ClassVectors(t.Model, ids.narrow(1, 0, 1))
            );
            var logitsV = ReClipStep.Logits(ClipModel.Normalise(v.Model.EncodeImage(pixels)), In("step.centroids"));
            var losses = ReClipStep.Losses(logitsT, logitsV, labelsT, labelsV) ?? throw new InvalidDataException("no labels agree");
            _results[$"out.step.s{step}.logits_t"] = logitsT.detach();
            _results[$"out.step.s{step}.logits_v"] = logitsV.detach();
            _results[$"out.step.s{step}.logits_mean"] = logitsT.add(logitsV).div(2).detach();
            _results[$"out.step.s{step}.loss_t"] = losses.T.detach();
            _results[$"out.step.s{step}.loss_v"] = losses.V.detach();
            t.Step(losses.T);
            v.Step(losses.V);
            if (step == 0)
            {
                Keep("grad.step.t.", t.Model, p => p.grad);
                Keep("grad.step.v.", v.Model, p => p.grad);
            }
        }

        Keep("out.step.after.t.", t.Model, p => p);
        Keep("out.step.after.v.", v.Model, p => p);
        _results["out.step.text_weights_full_after"] = ReClipStep.ClassVectors(t.Model, ids).t().detach();
    }

    private void Keep(string prefix, ClipModel model, Func<Tensor, Tensor?> what)
    {
        foreach (var (name, parameter) in model.named_parameters().Where(p => p.parameter.requires_grad))
        {
            _results[prefix + ClipWeightNames.OpenAi.Locate(name).Name] = what(parameter)!.detach().clone();
        }
    }

    private ClipModel Model()
    {
        using var files = WeightFiles.Open(_folder.Weights[0]);
        return ClipModel.Load(ClipConfig.Load(_folder.Path), files, _folder.Device);
    }
}
