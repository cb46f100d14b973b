using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>
/// A tiny model trained on given batches, by LatteCLIP's rule or by FLYP's; every result is kept by the name of its output.
/// </summary>
internal sealed class LatteClipTraining : IDisposable
{
    // The parameters' own tolerance, as case.json states it in words.
    private static readonly (double Abs, double Rel) ParameterTolerance = (5e-5, 1e-4);
    private readonly CaseFolder _folder;
    private readonly Dictionary<string, List<Tensor>> _steps = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _results = new(StringComparer.Ordinal);
    private readonly ClipModel _model;

    public LatteClipTraining(CaseFolder folder, bool flyp)
    {
        (_folder, IsFlyp) = (folder, flyp);
        using var files = WeightFiles.Open(folder.Weights.First(w => !Path.GetFileName(w).Contains("after", StringComparison.Ordinal)));
        _model = ClipModel.Load(ClipConfig.Load(folder.Path), files, folder.Device);
        var classes = folder.Tensor("in.train.class_tokens", ScalarType.Int64);
        var labels = Ids("zs_labels");
        int[] zeroShot = [.. labels.data<long>().ToArray().Select(l => (int)l)];
        using var latte = flyp ? null : Latte(classes, zeroShot);
        using var own = flyp ? new FlypObjective(classes, zeroShot) : null;
        Train(latte, (IFineTuneObjective?)latte ?? own!);
    }

    public bool IsFlyp { get; }

    public VerificationRow Row(string name)
    {
        var gradient = name.StartsWith("grad.", StringComparison.Ordinal);
        var what = name[(name.IndexOf('.', name.IndexOf('.') + 1) + 1)..]; // after "out.train."
        var key = (gradient ? "grad." : "") + what;
        if (!_results.TryGetValue(key, out var got))
        {
            if (!_steps.TryGetValue(what, out var all))
            {
                return Comparison.Failed(name, "this output is not known");
            }
            got = stack(all);
        }

        if (what == "ft_labels")
        {
            return LatteClipRun.Integers(name, got, _folder.Tensor(name, ScalarType.Int64));
        }

        var want = _folder.Tensor(name, ScalarType.Float32);
        return gradient ? Comparison.Gradient(name, got, want)
            : what.StartsWith("watch.", StringComparison.Ordinal) || what.StartsWith("final.", StringComparison.Ordinal)
                ? Parameter(name, what, got, want)
            : Comparison.Output(name, got, want, _folder.Tolerance);
    }

    /// <summary>All parameters after the last step.</summary>
    public IEnumerable<VerificationRow> WeightsAfter()
    {
        using var after = WeightFiles.Open(Directory.GetFiles(_folder.Path, "weights_after*.safetensors")[0]);
        foreach (var (name, got) in Named(_model.state_dict()))
        {
            var want = after.Get(name).to(_folder.Device).reshape(got.shape);
            yield return Comparison.Guarded("weights_after." + name, () => Parameter("weights_after." + name, name, got, want));
        }
    }

    public void Dispose() => _model.Dispose();

    private LatteObjective Latte(Tensor classes, int[] zeroShot)
    {
        var initial = FlypObjective.ClassFeatures(ClipTowers.Of(_model).Text, classes);
        _results["bank0"] = initial;
        TextRows Texts(string name) => new(Ids(name).data<long>().ToArray(), [.. Enumerable.Repeat(true, zeroShot.Length)]);
        return new LatteObjective(
            initial,
            classes,
            zeroShot,
            Texts("image_text_ids"),
            Texts("group_text_ids"),
            LatteClipCase.RuleOf(_folder, "corrected"),
            GroupTextSource.Own,
            seed: 0
        );
    }

    private void Train(LatteObjective? latte, IFineTuneObjective objective)
    {
        var pixels = _folder.Tensor("in.train.pixels", ScalarType.Float32); // [epochs, batches, B, 3, H, W]
        var (epochs, batches, size) = (pixels.size(0), pixels.size(1), pixels.size(2));
        var arguments = _folder.Case["train_args"]!;
        var schedule = new FineTuneSchedule
        {
            LearningRate = (double)arguments["lr"]!,
            WeightDecay = (double)arguments["wd"]!,
            WarmUpSteps = (int)arguments["warmup_steps"]!,
        };
        var steps = (int)arguments["total_steps"]!;
        using var optimizer = new FineTuneOptimizer(_model, schedule);
        for (var step = 0; step < epochs * batches; step++)
        {
            if (step % batches == 0)
            {
                objective.BeginEpoch((int)(step / batches), resumed: false);
            }

            long[] batch = [.. Enumerable.Range(0, (int)size).Select(i => (step * size) + i)];
            var some = pixels[step / batches][step % batches];
            optimizer.Begin(step, steps);
            // What is compared of the first step's features; the step itself encodes them once more.
            if (step == 0)
            {
                using var off = no_grad();
                _results["step0.image_features"] = ClipTowers.Of(_model).Image(some);
            }

            var loss = FineTuneStep.Backward(ClipTowers.Of(_model), some, batch, objective, (int)size);
            if (step == 0)
            {
                Gradients();
            }

            objective.AfterBackward();
            optimizer.Step();
            Note("lr", tensor(schedule.At(step, steps), ScalarType.Float32));
            if (latte is not null)
            {
                Note(latte, step);
            }

            Note("loss", tensor(loss, ScalarType.Float32));
            Note("logit_scale_after", _model.logit_scale);
            foreach (var (name, value) in Named(_model.state_dict()))
            {
                Note("watch." + name, value);
                _results["final." + name] = value.detach().clone();
            }
        }
    }

    private void Note(LatteObjective latte, int step)
    {
        var last = latte.Last!;
        Note("loss_ft", last.CurrentLoss);
        Note("loss_zs", last.ZeroShotLoss);
        Note("ft_labels", last.CurrentLabels);
        Note("bank_after", latte.Bank.Prototypes);
        if (step == 0)
        {
            _results["step0.tbar_ft"] = last.Mix.Current.clone();
            _results["step0.tbar_zs"] = last.Mix.ZeroShot.clone();
        }
    }

    private void Note(string name, Tensor value)
    {
        if (!_steps.TryGetValue(name, out var all))
        {
            _steps[name] = all = [];
        }
        all.Add(value.detach().clone());
    }

    private void Gradients()
    {
        var gradients = _model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad ?? zeros_like(p.parameter));
        foreach (var (name, value) in Named(gradients))
        {
            _results["grad.step0." + name] = value.clone();
        }
    }

    // The gradient of a key's bias is zero in exact arithmetic; Adam makes steps of its rounding noise.
    private static VerificationRow Parameter(string label, string name, Tensor got, Tensor want)
    {
        if (name.EndsWith("attn.in_proj_bias", StringComparison.Ordinal))
        {
            Tensor Without(Tensor t)
            {
                var width = t.size(-1) / 3;
                return cat([t.narrow(-1, 0, width), t.narrow(-1, 2 * width, width)], -1);
            }
            (got, want) = (Without(got), Without(want));
        }
        return Comparison.Output(label, got, want, ParameterTolerance);
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Named(IReadOnlyDictionary<string, Tensor> state) =>
        ClipWeightNames.OpenAi.InFile(state);

    private Tensor Ids(string name) => _folder.Tensor("in.train." + name, ScalarType.Int64).cpu().contiguous();
}
