using System.Globalization;
using AirMLNet.FineTuning;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>One rule on given features, step after step; every result is kept by the name of its output.</summary>
internal sealed class LatteClipRun
{
    private readonly CaseFolder _folder;
    private readonly Dictionary<string, Tensor> _results = new(StringComparer.Ordinal);
    private readonly string _tag;

    public LatteClipRun(CaseFolder folder, string tag, MixerRule rule)
    {
        (_folder, _tag) = (folder, tag);
        using var bank = new PrototypeBank(In("bank0"));
        var images = In("image_features"); // [steps, B, D]
        var labels = folder.Tensor($"in.{tag}.zs_labels", ScalarType.Int64);
        for (var step = 0; step < images.size(0); step++)
        {
            Step(step, rule, bank, images[step], labels[step]);
        }
    }

    public VerificationRow Row(string name)
    {
        var parts = name.Split('.', 4); // out.TAG.RUN.sK.what
        var gradient = parts[0] == "grad";
        var key = (gradient ? "grad." : "") + parts[3];
        if (!_results.TryGetValue(key, out var got))
        {
            return Comparison.Failed(name, "this output is not known");
        }

        if (key.EndsWith("ft_labels", StringComparison.Ordinal))
        {
            return Integers(name, got, _folder.Tensor(name, ScalarType.Int64));
        }

        var want = _folder.Tensor(name, ScalarType.Float32);
        return gradient ? Comparison.Gradient(name, got, want) : Comparison.Output(name, got, want, _folder.Tolerance);
    }

    /// <summary>A row for whole numbers, which must be equal.</summary>
    internal static VerificationRow Integers(string name, Tensor got, Tensor want) =>
        got.shape.SequenceEqual(want.shape)
            ? Comparison.Exact(name, got.ne(want).sum().item<long>() is var different ? (int)different : 0, (int)want.numel(), null)
            : Comparison.Failed(name, $"shape [{string.Join(", ", got.shape)}], expected [{string.Join(", ", want.shape)}]");

    private void Step(int step, MixerRule rule, PrototypeBank bank, Tensor image, Tensor zeroShot)
    {
        Tensor Leaf(Tensor values) => values.detach().clone().requires_grad_(true);
        var classes = In("class_text"); // [C, D]
        var current = bank.Classify(image);
        var f = Leaf(image);
        var texts = new LatteTexts(
            Leaf(In("image_text")[step]),
            Leaf(In("group_text")[step]),
            Leaf(classes.index_select(0, current)),
            Leaf(classes.index_select(0, zeroShot))
        );
        var terms = LatteTerms.Of(f, texts, bank, current, zeroShot, In("logit_scale").exp(), rule);
        terms.Total(rule).backward();
        bank.Update(rule, (zeroShot, terms.Mix.ZeroShot.detach()), (current, terms.Mix.Current.detach()));
        var at = string.Create(CultureInfo.InvariantCulture, $"s{step}.");
        foreach (
            var (name, value) in new (string, Tensor?)[]
            {
                ("ft_labels", current),
                ("w_image", terms.Mix.ImageWeight),
                ("w_group", terms.Mix.GroupWeight),
                ("w_class_ft", terms.Mix.CurrentClassWeight),
                ("w_class_zs", terms.Mix.ZeroShotClassWeight),
                ("tbar_ft", terms.Mix.Current),
                ("tbar_zs", terms.Mix.ZeroShot),
                ("loss_ft", terms.CurrentLoss),
                ("loss_zs", terms.ZeroShotLoss),
                ("bank_after", bank.Prototypes),
            }
        )
        {
            _results[at + name] = value!.detach().clone();
        }

        foreach (
            var (name, leaf) in new[]
            {
                ("image_features", f),
                ("image_text", texts.Image!),
                ("group_text", texts.Group!),
                ("class_text_ft", texts.CurrentClass!),
                ("class_text_zs", texts.ZeroShotClass!),
            }
        )
        {
            _results["grad." + at + name] = leaf.grad is { } gradient ? gradient.clone() : zeros_like(leaf);
        }
    }

    private Tensor In(string name) => _folder.Tensor($"in.{_tag}.{name}", ScalarType.Float32);
}

/// <summary>The gradient of a batch in chunks against that of the whole.</summary>
internal sealed class LatteClipAccumulation
{
    private readonly CaseFolder _folder;
    private readonly Dictionary<string, Tensor> _results = new(StringComparer.Ordinal);

    public LatteClipAccumulation(CaseFolder folder)
    {
        _folder = folder;
        var count = (int)folder.Tensor("in.accum.image_features", ScalarType.Float32).size(0);
        var chunks = (int?)folder.Case["sizes"]?["accum"]?["chunks"] ?? 3;
        Gradients(count, "");
        Gradients((count + chunks - 1) / chunks, "accum.");
        _results["openclip_logit_scale_grad"] = _results["grad.accum.logit_scale"].mul(chunks); // as OpenCLIP's loop leaves it
    }

    public VerificationRow Row(string name)
    {
        var gradient = name.StartsWith("grad.", StringComparison.Ordinal);
        var what = name[(gradient ? "grad.accum." : "out.accum.").Length..];
        if (!_results.TryGetValue((gradient ? "grad." : "") + what, out var got))
        {
            return Comparison.Failed(name, "this output is not known");
        }

        var want = _folder.Tensor(name, ScalarType.Float32);
        return gradient || what.EndsWith("_grad", StringComparison.Ordinal)
            ? Comparison.Gradient(name, got, want)
            : Comparison.Output(name, got, want, _folder.Tolerance);
    }

    private void Gradients(int chunk, string prefix)
    {
        var images = _folder.Tensor("in.accum.image_features", ScalarType.Float32).requires_grad_(true);
        var texts = _folder.Tensor("in.accum.text_features", ScalarType.Float32).requires_grad_(true);
        var scale = _folder.Tensor("in.accum.logit_scale", ScalarType.Float32).requires_grad_(true);
        var towers = new ClipTowers(some => some.mul(1), some => some.mul(1), scale);
        var loss = FineTuneStep.Backward(towers, images, [], new Given(texts), chunk);
        _results["loss"] = tensor(loss, ScalarType.Float32);
        _results[$"grad.{prefix}image_features"] = images.grad!.clone();
        _results[$"grad.{prefix}text_features"] = texts.grad!.clone();
        _results[$"grad.{prefix}logit_scale"] = scale.grad!.clone();
    }

    /// <summary>The contrastive loss with given texts.</summary>
    private sealed class Given(Tensor texts) : IFineTuneObjective
    {
        public IReadOnlyDictionary<string, Tensor> State { get; } = new Dictionary<string, Tensor>();

        public void BeginEpoch(int epoch, bool resumed) { }

        public Tensor Texts(ClipTowers towers, Tensor images, long[] rows) => texts;

        public Tensor Loss(Tensor images, Tensor features, Tensor scale) => Clip.ContrastiveLoss.Of(images, features, scale);

        public void AfterBackward() { }
    }
}
