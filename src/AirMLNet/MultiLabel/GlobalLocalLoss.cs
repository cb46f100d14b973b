using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>L = λ·L_images + (1 − λ)·L_captions; each is the ranking loss of its global and of its local logits, mean over its
/// rows.</summary>
/// <param name="ImageGlobal">A scalar; null where the branch is not computed.</param>
/// <param name="ImageLocal">A scalar.</param>
/// <param name="TextGlobal">A scalar.</param>
/// <param name="TextLocal">A scalar.</param>
/// <param name="Total">L, a scalar.</param>
internal sealed record GlobalLocalLoss(Tensor? ImageGlobal, Tensor? ImageLocal, Tensor? TextGlobal, Tensor? TextLocal, Tensor Total)
{
    /// <summary>The loss of a step.</summary>
    /// <param name="images">Scores and labels [B, C] of the images; null for none.</param>
    /// <param name="texts">Scores and labels of the captions; null for none.</param>
    /// <param name="lambda">λ, 0..1.</param>
    /// <param name="rule">The margin.</param>
    /// <exception cref="ArgumentException">A branch that has weight is missing.</exception>
    public static GlobalLocalLoss Of(
        (GlobalLocalScores Scores, Tensor Labels)? images,
        (GlobalLocalScores Scores, Tensor Labels)? texts,
        double lambda,
        GlobalLocalRule rule
    )
    {
        if ((lambda > 0 && images is null) || (lambda < 1 && texts is null))
        {
            throw new ArgumentException($"λ is {lambda}, but there are no {(images is null ? "images" : "captions")}.", nameof(lambda));
        }

        var (ig, il) = Branch(images);
        var (tg, tl) = Branch(texts);
        Tensor? total = null;
        foreach (var (term, weight) in new[] { (ig, lambda), (il, lambda), (tg, 1 - lambda), (tl, 1 - lambda) })
        {
            // A branch without weight takes no part at all: the other alone is then the same to the bit.
            if (term is not null && weight > 0)
            {
                total = total is null ? term.mul(weight) : total.add(term.mul(weight));
            }
        }

        return new(ig, il, tg, tl, total!);

        (Tensor?, Tensor?) Branch((GlobalLocalScores Scores, Tensor Labels)? branch) =>
            branch is { } b
                ? (
                    MultiLabelLosses.Ranking(b.Scores.GlobalLogits, b.Labels, rule.Margin).mean(),
                    MultiLabelLosses.Ranking(b.Scores.LocalLogits, b.Labels, rule.Margin).mean()
                )
                : (null, null);
    }
}
