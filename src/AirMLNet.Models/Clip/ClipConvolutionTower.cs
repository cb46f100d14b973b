using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// An image tower of convolutions: a stem and four stages that end in a map of a 32nd of the image's size, which is pooled.
/// </summary>
internal abstract class ClipConvolutionTower(string name) : nn.Module(name)
{
    private const int LeastSide = 32;

    /// <summary>The feature map before pooling.</summary>
    /// <param name="pixels">[B, 3, H, W], normalised as the model's preprocessor does; H and W at least 32.</param>
    /// <returns>[B, C, H/32, W/32].</returns>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public Tensor Map(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Stages(pixels)[^1].MoveToOuterDisposeScope();
    }

    /// <summary>Pools a map: [B, C, H, W] to [B, E], the image feature.</summary>
    /// <param name="map">The last map.</param>
    /// <param name="positions">What becomes of positions, where the tower has any.</param>
    public abstract Tensor Pool(Tensor map, ClipPositions positions = ClipPositions.Bicubic);

    /// <summary>The image feature, then one of each location as the pool sees it: [B, 1 + H·W, E].</summary>
    /// <param name="map">The last map.</param>
    /// <param name="positions">What becomes of positions, where the tower has any.</param>
    public abstract Tensor PoolAll(Tensor map, ClipPositions positions = ClipPositions.Bicubic);

    /// <summary>Projects each location of a map by itself: [B, H·W, E] (docs/methods.md §6.2).</summary>
    /// <param name="map">The last map.</param>
    public abstract Tensor Locations(Tensor map);

    /// <summary>The mean and each location with positions added, projected by itself: [B, 1 + H·W, E] (docs/methods.md §6.5).</summary>
    /// <param name="map">The last map.</param>
    public abstract Tensor Regions(Tensor map);

    /// <summary>The stem and the four stages, for checks against a reference.</summary>
    /// <param name="pixels">As of <see cref="Map"/>.</param>
    internal abstract IReadOnlyList<Tensor> Stages(Tensor pixels);

    private protected static void CheckShape(Tensor pixels, long channels)
    {
        if (pixels.dim() != 4 || pixels.size(1) != channels || pixels.size(2) < LeastSide || pixels.size(3) < LeastSide)
        {
            throw new ArgumentException(
                $"Images of shape [B, {channels}, H, W] with H and W at least {LeastSide} were expected, not "
                    + $"[{string.Join(", ", pixels.shape)}].",
                nameof(pixels)
            );
        }
    }
}
