using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Clip;

/// <summary>CLIP's symmetric contrastive loss (Radford et al. 2021, figure 3) and the bounds of its scale.</summary>
internal static class ContrastiveLoss
{
    /// <summary>The largest logarithm of the scale in training.</summary>
    public static readonly double MaxLogitScale = Math.Log(100);

    /// <summary>
    /// Half the sum of both cross-entropies, as OpenCLIP's <c>ClipLoss</c> (LatteCLIP, Eq. 3, prints the sum): row i of the images
    /// belongs to row i of the texts.
    /// </summary>
    /// <param name="images">[B, E].</param>
    /// <param name="texts">[B, E]; not necessarily of length 1.</param>
    /// <param name="scale">The factor of the products, a scalar: exp of the model's logarithm.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Of(Tensor images, Tensor texts, Tensor scale)
    {
        using var scope = NewDisposeScope();
        var logits = images.matmul(texts.t()).mul(scale); // [B, B]
        var targets = arange(logits.size(0), ScalarType.Int64, logits.device);
        return F.cross_entropy(logits, targets).add(F.cross_entropy(logits.t(), targets)).mul(0.5).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps the scale within 1..100, as in CLIP's own training.</summary>
    public static void ClampScale(Parameter logitScale)
    {
        using var off = no_grad();
        logitScale.clamp_(0, MaxLogitScale);
    }
}
