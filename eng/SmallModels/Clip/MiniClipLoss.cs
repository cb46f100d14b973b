using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace AirMLNet.SmallModels;

/// <summary>CLIP's symmetric contrastive loss (Radford et al. 2021, figure 3) with given targets.</summary>
internal static class MiniClipLoss
{
    /// <summary>Mean of image-to-text and text-to-image cross-entropy.</summary>
    /// <param name="images">[B, E], normalised.</param>
    /// <param name="texts">[B, E], normalised.</param>
    /// <param name="logitScale">Logarithm of the scale.</param>
    /// <param name="targets">[B, B], symmetric, each row a distribution.</param>
    public static Tensor Contrastive(Tensor images, Tensor texts, Parameter logitScale, float[] targets)
    {
        var size = images.shape[0];
        var logits = images.matmul(texts.t()) * logitScale.exp(); // [B, B]
        var wanted = tensor(targets, [size, size]); // [B, B]
        var both = functional.log_softmax(logits, 1) + functional.log_softmax(logits.t(), 1);
        return -(wanted * both).sum() / (2 * size);
    }

    /// <summary>The loss as a number.</summary>
    /// <exception cref="ArithmeticException">It is infinite or not a number; the message names the step.</exception>
    public static double Finite(Tensor loss, int step)
    {
        double value = loss.item<float>();
        return double.IsFinite(value)
            ? value
            : throw new ArithmeticException(
                $"The loss is not finite at step {step + 1}; an earlier checkpoint is intact. Try a smaller learning rate."
            );
    }
}
