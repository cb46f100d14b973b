using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.MultiLabel;

/// <summary>Settings of the asymmetric loss (Ridnik et al. 2021).</summary>
/// <param name="GammaNegative">γ−, the focus on hard negatives.</param>
/// <param name="GammaPositive">γ+.</param>
/// <param name="Clip">How much is added to the probability of a negative being one.</param>
/// <param name="Epsilon">The least probability whose logarithm is taken; 1e-6 in DualCoOp, 1e-8 in TaI-DPT.</param>
internal sealed record AsymmetricLossSettings(
    double GammaNegative = 2,
    double GammaPositive = 1,
    double Clip = 0.05,
    double Epsilon = 1e-8
);

/// <summary>
/// Losses of many labels per row (<c>docs/methods.md</c> §6.2 and §6.5). Labels are [B, C]: 1, 0, and NaN where unknown, which counts
/// neither way. Differentiable with respect to the logits.
/// </summary>
internal static class MultiLabelLosses
{
    /// <summary>
    /// Σ over pairs of a positive i and a negative j of max(0, m − z_i + z_j), with z the scaled logits: T2I-PAL's Eq. 7, TaI-DPT's
    /// ranking loss. A row without a positive or without a negative gives 0.
    /// </summary>
    /// <param name="logits">z, [B, C].</param>
    /// <param name="labels">[B, C].</param>
    /// <param name="margin">m.</param>
    /// <returns>[B], the loss of each row.</returns>
    public static Tensor Ranking(Tensor logits, Tensor labels, double margin)
    {
        using var scope = NewDisposeScope();
        var positive = labels.eq(1).to_type(logits.dtype); // [B, C]
        var negative = labels.eq(0).to_type(logits.dtype);
        var hinge = logits.unsqueeze(2).sub(logits.unsqueeze(1)).add(margin).relu(); // [B, j, i]: m + z_j − z_i
        return hinge.mul(negative.unsqueeze(2)).mul(positive.unsqueeze(1)).sum([1, 2]).MoveToOuterDisposeScope();
    }

    /// <summary>The asymmetric loss of each entry; unknown entries give 0. The focusing weight carries no gradient.</summary>
    /// <param name="probabilities">Probability of each label, [B, C].</param>
    /// <param name="labels">[B, C].</param>
    /// <param name="settings">γ, clip and ε.</param>
    /// <returns>[B, C].</returns>
    public static Tensor Asymmetric(Tensor probabilities, Tensor labels, AsymmetricLossSettings settings)
    {
        using var scope = NewDisposeScope();
        var positive = labels.eq(1).to_type(probabilities.dtype);
        var negative = labels.eq(0).to_type(probabilities.dtype);
        var absent = (1 - probabilities).add(settings.Clip).clamp(max: 1);
        var log = positive
            .mul(probabilities.clamp(min: settings.Epsilon).log())
            .add(negative.mul(absent.clamp(min: settings.Epsilon).log()));
        Tensor weight;
        using (no_grad())
        {
            var right = probabilities.mul(positive).add(absent.mul(negative));
            weight = (1 - right).pow(positive.mul(settings.GammaPositive).add(negative.mul(settings.GammaNegative)));
        }
        return log.mul(weight).neg().MoveToOuterDisposeScope();
    }

    /// <summary>The probability of the positive one of a pair, from DualCoOp's logits [B, 2, C] (negative, positive): [B, C].</summary>
    public static Tensor PositiveProbability(Tensor pairs) => pairs.softmax(1).select(1, 1);

    /// <summary>Binary cross-entropy of each entry times |y − p|^γ (Lin et al. 2017, without α).</summary>
    /// <param name="logits">[B, C].</param>
    /// <param name="labels">[B, C], all known.</param>
    /// <param name="gamma">γ; 0 gives the cross-entropy.</param>
    /// <returns>[B, C].</returns>
    public static Tensor Focal(Tensor logits, Tensor labels, double gamma)
    {
        using var scope = NewDisposeScope();
        var targets = labels.to_type(logits.dtype);
        var entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction: nn.Reduction.None);
        return (gamma == 0 ? entropy : entropy.mul(targets.sub(logits.sigmoid()).abs().pow(gamma))).MoveToOuterDisposeScope();
    }
}
