using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Layers;

/// <summary>
/// The low-rank update of a layer (Hu et al. 2021): y += scale · (x·Aᵀ)·Bᵀ, with scale = α / r; of a convolution, A is one with its
/// kernel and r channels, and B mixes these (LoCon). Both are trainable and may be of a wider type than the layer: they are then the
/// master weights, cast for each use.
/// </summary>
internal sealed class LoraAdapter : IDisposable
{
    /// <summary>Creates an adapter of given matrices, which it owns.</summary>
    /// <param name="down">A, [r, in], or [r, in, K, K] for a convolution.</param>
    /// <param name="up">B, [out, r].</param>
    /// <param name="scale">α / r.</param>
    /// <exception cref="ArgumentException">The matrices do not fit each other.</exception>
    public LoraAdapter(Parameter down, Parameter up, double scale)
    {
        ArgumentNullException.ThrowIfNull(down);
        ArgumentNullException.ThrowIfNull(up);
        if (down.dim() is not (2 or 4) || up.dim() != 2 || down.size(0) != up.size(1))
        {
            throw new ArgumentException(
                $"LoRA matrices [r, in] or [r, in, K, K] and [out, r] were expected, not [{string.Join(", ", down.shape)}] and "
                    + $"[{string.Join(", ", up.shape)}]."
            );
        }
        (Down, Up, Scale) = (down, up, scale);
    }

    /// <summary>A, [r, in] or [r, in, K, K].</summary>
    public Parameter Down { get; }

    /// <summary>B, [out, r].</summary>
    public Parameter Up { get; }

    /// <summary>α / r, times what the user asked for.</summary>
    public double Scale { get; set; }

    /// <summary>r.</summary>
    public long Rank => Down.size(0);

    /// <summary>Whether the adapter can be added to a weight.</summary>
    /// <param name="weight">Shape of the weight, [out, in] or [out, in, K, K].</param>
    public bool Fits(long[] weight) => Down.shape[1..].SequenceEqual(weight[1..]) && Up.size(0) == weight[0];

    /// <exception cref="ArgumentException">The adapter does not fit a weight of this shape.</exception>
    public void Check(long[] weight)
    {
        if (!Fits(weight))
        {
            throw new ArgumentException(
                $"The adapter is [{string.Join(", ", Down.shape)}] and [{string.Join(", ", Up.shape)}]; the layer is "
                    + $"[{string.Join(", ", weight)}]."
            );
        }
    }

    /// <summary>What is added to a matrix product's output.</summary>
    /// <param name="x">[…, in].</param>
    /// <returns>[…, out].</returns>
    internal Tensor Forward(Tensor x)
    {
        // The factor goes where the numbers are fewest.
        var inner = F.linear(x, Down.to_type(x.dtype)); // […, r]
        return F.linear(Scale == 1 ? inner : inner.mul(Scale), Up.to_type(x.dtype));
    }

    /// <summary>What is added to a convolution's output.</summary>
    /// <param name="x">[B, in, H, W].</param>
    /// <param name="stride">The layer's.</param>
    /// <param name="padding">The layer's.</param>
    /// <returns>[B, out, H', W'].</returns>
    internal Tensor Forward(Tensor x, long[] stride, long[] padding)
    {
        var inner = F.conv2d(x, Down.to_type(x.dtype), null, stride, padding); // [B, r, H', W']
        return F.conv2d(Scale == 1 ? inner : inner.mul(Scale), Up.to_type(x.dtype).unsqueeze(-1).unsqueeze(-1));
    }

    /// <summary>What is added to the layer's weight, scale · B·A.</summary>
    /// <returns>[out, in] or [out, in, K, K].</returns>
    public Tensor Delta()
    {
        using var scope = NewDisposeScope();
        return Up.mm(Down.flatten(1)).mul(Scale).view([Up.size(0), .. Down.shape[1..]]).MoveToOuterDisposeScope();
    }

    /// <summary>Frees both matrices.</summary>
    public void Dispose()
    {
        Down.Dispose();
        Up.Dispose();
    }
}
