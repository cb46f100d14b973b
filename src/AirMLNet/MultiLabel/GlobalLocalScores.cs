using AirMLNet.Clip;
using AirMLNet.Heads;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>What scores are computed with: class features of both prompts, the adapter, and the two factors that may be learned.</summary>
/// <param name="Global">G, [C, D], class features of the global prompt.</param>
/// <param name="Local">L, [C, D], of the local prompt.</param>
/// <param name="Adapter">F, [C, D]; null without one.</param>
/// <param name="Alpha">α, a scalar; null without an adapter.</param>
/// <param name="Attention">w, [C], the factor inside the softmax of Eq. 8; null for 1.</param>
internal sealed record ClassSide(Tensor Global, Tensor Local, Tensor? Adapter = null, Tensor? Alpha = null, Tensor? Attention = null);

/// <summary>
/// Scores of one branch, images or captions (T2I-PAL, Eq. 2–6 and 8; <c>docs/methods.md</c> §6.3). Features and class vectors need not be
/// of length 1: they are normalised here. Both branches share every parameter.
/// </summary>
internal sealed record GlobalLocalScores
{
    /// <summary>p, the cosine of the global feature to each class: [B, C].</summary>
    public required Tensor Cosine { get; init; }

    /// <summary>S, the cosine of each place to each class: [B, C, N].</summary>
    public required Tensor Places { get; init; }

    /// <summary>H, the heat map of each class over the places, each row of sum 1: [B, C, N].</summary>
    public required Tensor Heat { get; init; }

    /// <summary>p′, the cosines of the places weighted by the heat map: [B, C].</summary>
    public required Tensor LocalCosine { get; init; }

    /// <summary>A, the affinity of the attended feature to the adapter, in (0, 1]: [B, C]; null where no adapter is used here.</summary>
    public Tensor? LocalAffinity { get; init; }

    /// <summary>The same of the global feature.</summary>
    public Tensor? GlobalAffinity { get; init; }

    /// <summary>The logits of the global branch, [B, C].</summary>
    public required Tensor GlobalLogits { get; init; }

    /// <summary>The logits of the local branch, [B, C].</summary>
    public required Tensor LocalLogits { get; init; }

    /// <summary>The score: both logits by their shares, [B, C].</summary>
    /// <param name="rule">The share.</param>
    public Tensor Score(GlobalLocalRule rule) => GlobalLogits.mul(rule.GlobalShare).add(LocalLogits.mul(1 - rule.GlobalShare));

    /// <summary>Computes them.</summary>
    /// <param name="global">f^g, [B, D].</param>
    /// <param name="local">f^l, [B, N, D].</param>
    /// <param name="keep">[B, N], 1 for a place that counts; null for all. A row needs one.</param>
    /// <param name="side">Class features and adapter.</param>
    /// <param name="rule">Scale, κ, β and forms.</param>
    public static GlobalLocalScores Of(Tensor global, Tensor local, Tensor? keep, ClassSide side, GlobalLocalRule rule)
    {
        Tensor fg = ClipModel.Normalise(global),
            fl = ClipModel.Normalise(local);
        var cosine = fg.matmul(ClipModel.Normalise(side.Global).t()); // [B, C]
        var places = ClipModel.Normalise(side.Local).matmul(fl.transpose(1, 2)); // [B, C, N]
        var heat = HeatMap(places, keep, side.Attention, rule);
        var localCosine = heat.mul(places).sum(-1); // [B, C]
        Tensor? localAffinity = null,
            globalAffinity = null;
        if (side.Adapter is { } f)
        {
            var adapter = ClipModel.Normalise(f); // [C, D]
            if (rule.Placement.HasFlag(AdapterPlacement.Local))
            {
                localAffinity = Affinity(Attended(heat, fl).mul(adapter).sum(-1), rule.Beta);
            }
            if (rule.Placement.HasFlag(AdapterPlacement.Global))
            {
                globalAffinity = Affinity(fg.matmul(adapter.t()), rule.Beta);
            }
        }

        return new GlobalLocalScores
        {
            Cosine = cosine,
            Places = places,
            Heat = heat,
            LocalCosine = localCosine,
            LocalAffinity = localAffinity,
            GlobalAffinity = globalAffinity,
            GlobalLogits = Joined(cosine, globalAffinity).mul(rule.Scale),
            LocalLogits = Joined(localCosine, localAffinity).mul(rule.Scale),
        };

        Tensor Joined(Tensor p, Tensor? affinity) =>
            affinity is null ? p
            : rule.Form == FusionForm.Additive ? p.add(affinity.mul(side.Alpha!))
            : p.mul(1 - side.Alpha!).add(affinity.mul(side.Alpha!));
    }

    /// <summary>H of Eq. 4; with w, Eq. 8: softmax over the places of κ·w·S.</summary>
    /// <param name="places">S, [B, C, N].</param>
    /// <param name="keep">[B, N], or null.</param>
    /// <param name="attention">w, [C], or null.</param>
    /// <param name="rule">κ and the aggregation.</param>
    public static Tensor HeatMap(Tensor places, Tensor? keep, Tensor? attention, GlobalLocalRule rule)
    {
        var kept = keep?.to_type(places.dtype).unsqueeze(1); // [B, 1, N]
        switch (rule.Aggregation)
        {
            case LocalAggregation.Mean:
                var even = kept is null ? ones_like(places) : kept.expand_as(places);
                return even.div(even.sum(-1, true)).detach();
            case LocalAggregation.Max:
                var best = Masked(places.detach(), kept).argmax(-1, true); // the first of equals
                return zeros_like(places).scatter(-1, best, ones_like(best, places.dtype)).detach();
            default:
                return MaskedLogits(places, kept, attention, rule.Kappa).softmax(-1);
        }
    }

    /// <summary>What the softmax over places is taken of.</summary>
    /// <param name="places">S, [B, C, N].</param>
    /// <param name="kept">[B, 1, N], or null.</param>
    /// <param name="attention">w, [C], or null.</param>
    /// <param name="kappa">κ.</param>
    public static Tensor MaskedLogits(Tensor places, Tensor? kept, Tensor? attention, double kappa)
    {
        var sharpened = attention is null ? places : places.mul(attention.view(1, -1, 1));
        return Masked(sharpened, kept).mul(kappa);
    }

    /// <summary>v of Eq. 5: the places' features weighted by the heat map, of length 1: [B, C, D].</summary>
    public static Tensor Attended(Tensor heat, Tensor local) => ClipModel.Normalise(heat.matmul(local));

    /// <summary>exp(−β(1 − cosine)): Tip-Adapter's form (Zhang et al. 2022, Eq. 5).</summary>
    public static Tensor Affinity(Tensor cosine, double beta) => cosine.sub(1).mul(beta).exp();

    // As TaI-DPT does it: what is not kept lies so far down that its weight is exactly 0.
    private static Tensor Masked(Tensor values, Tensor? kept) => kept is null ? values : values.sub((1 - kept).mul(10000));
}
