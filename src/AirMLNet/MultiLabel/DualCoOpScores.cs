using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>
/// Scores of a pair of prompts per class, one that says the class is there and one that says it is not (DualCoOp, Sun et al. 2022;
/// <c>docs/methods.md</c> §6.5). The positive prompt alone decides where to look.
/// </summary>
/// <param name="Weights">Softmax over the regions of the sharpened positive cosines, [B, C, R].</param>
/// <param name="Logits">[B, 2, C]: negative, positive.</param>
internal sealed record DualCoOpScores(Tensor Weights, Tensor Logits)
{
    /// <summary>Factor of a cosine in the softmax over regions.</summary>
    public const double RegionScale = 20;

    /// <summary>Factor of the weighted sum over regions.</summary>
    public const double OutputScale = 5;

    /// <summary>Computes them; nothing need be of length 1.</summary>
    /// <param name="regions">[B, R, D].</param>
    /// <param name="positive">[C, D].</param>
    /// <param name="negative">[C, D].</param>
    /// <param name="sharpness">Scalar or number by which cosines are sharpened in the softmax; 20 in DualCoOp.</param>
    /// <param name="scale">The factor of the weighted sum of cosines; 20·5 in DualCoOp.</param>
    public static DualCoOpScores Of(Tensor regions, Tensor positive, Tensor negative, Tensor sharpness, Tensor scale)
    {
        var places = ClipModel.Normalise(regions).transpose(1, 2); // [B, D, R]
        var yes = ClipModel.Normalise(positive).matmul(places); // [B, C, R]
        var no = ClipModel.Normalise(negative).matmul(places);
        var weights = yes.mul(sharpness).softmax(-1);
        return new(weights, stack([Pooled(no), Pooled(yes)], 1));

        Tensor Pooled(Tensor cosines) => cosines.mul(weights).sum(-1).mul(scale);
    }

    /// <summary>The same with DualCoOp's fixed factors.</summary>
    public static DualCoOpScores Of(Tensor regions, Tensor positive, Tensor negative) =>
        Of(regions, positive, negative, tensor((float)RegionScale), tensor((float)(RegionScale * OutputScale)));

    /// <summary>Positive minus negative, [B, C]: what TaI-DPT's variant takes the sigmoid of.</summary>
    public Tensor Difference => Logits.select(1, 1).sub(Logits.select(1, 0));
}
