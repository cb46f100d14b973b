using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>The normal distribution of an image's latents that <see cref="AutoencoderKL.Encode"/> gives.</summary>
internal sealed class LatentDistribution : IDisposable
{
    private const double LeastLogVariance = -30;
    private const double MostLogVariance = 20;

    private LatentDistribution(Tensor moments, Tensor mean, Tensor logVariance) =>
        (Moments, Mean, LogVariance) = (moments, mean, logVariance);

    /// <summary>What the encoder gave, [B, 2·latent, h, w].</summary>
    public Tensor Moments { get; }

    /// <summary>The means, [B, latent, h, w].</summary>
    public Tensor Mean { get; }

    /// <summary>The logarithms of the variances, −30..20, [B, latent, h, w].</summary>
    public Tensor LogVariance { get; }

    /// <param name="moments">[B, 2·latent, h, w], taken over: means, then logarithms of variances. What is made of it goes to the outer
    /// dispose scope.</param>
    internal static LatentDistribution Of(Tensor moments)
    {
        var channels = moments.size(1) / 2;
        return new(
            moments,
            moments.narrow(1, 0, channels).MoveToOuterDisposeScope(),
            moments.narrow(1, channels, channels).clamp(LeastLogVariance, MostLogVariance).MoveToOuterDisposeScope()
        );
    }

    /// <summary>The deviations, [B, latent, h, w]; a new tensor.</summary>
    public Tensor Deviation()
    {
        using var scope = NewDisposeScope();
        return LogVariance.mul(0.5).exp().MoveToOuterDisposeScope();
    }

    /// <summary>Latents from standard normal noise; a new tensor.</summary>
    /// <param name="noise">[B, latent, h, w].</param>
    public Tensor Sample(Tensor noise)
    {
        using var scope = NewDisposeScope();
        return Mean.add(Deviation().mul(noise)).MoveToOuterDisposeScope();
    }

    /// <summary>The divergence from the standard normal distribution, of each image; a new tensor, [B].</summary>
    public Tensor Divergence()
    {
        using var scope = NewDisposeScope();
        return Mean.square().add(LogVariance.exp()).sub(1).sub(LogVariance).mul(0.5).flatten(1).sum(1).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Moments.Dispose();
        Mean.Dispose();
        LogVariance.Dispose();
    }
}
