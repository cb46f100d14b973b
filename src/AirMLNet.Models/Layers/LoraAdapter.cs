using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Layers;

/// <summary>
/// The low-rank update of a linear layer (Hu et al. 2021): y += scale · (x·Aᵀ)·Bᵀ, with scale = α / r. Both matrices are
/// trainable and may be of a wider type than the layer: they are then the master weights, cast for each use.
/// </summary>
internal sealed class LoraAdapter : IDisposable
{
    /// <summary>Creates an adapter of given matrices, which it owns.</summary>
    /// <param name="down">A, [r, in].</param>
    /// <param name="up">B, [out, r].</param>
    /// <param name="scale">α / r.</param>
    /// <exception cref="ArgumentException">The matrices do not fit each other.</exception>
    public LoraAdapter(Parameter down, Parameter up, double scale)
    {
        ArgumentNullException.ThrowIfNull(down);
        ArgumentNullException.ThrowIfNull(up);
        if (down.dim() != 2 || up.dim() != 2 || down.size(0) != up.size(1))
        {
            throw new ArgumentException(
                $"LoRA matrices [r, in] and [out, r] were expected, not [{string.Join(", ", down.shape)}] and "
                    + $"[{string.Join(", ", up.shape)}]."
            );
        }
        (Down, Up, Scale) = (down, up, scale);
    }

    /// <summary>A, [r, in].</summary>
    public Parameter Down { get; }

    /// <summary>B, [out, r].</summary>
    public Parameter Up { get; }

    /// <summary>α / r.</summary>
    public double Scale { get; set; }

    /// <summary>r.</summary>
    public long Rank => Down.size(0);

    /// <summary>What is added to the layer's output.</summary>
    /// <param name="x">[…, in].</param>
    /// <returns>[…, out].</returns>
    internal Tensor Forward(Tensor x)
    {
        // The factor goes where the numbers are fewest.
        var inner = F.linear(x, Down.to_type(x.dtype)); // […, r]
        return F.linear(Scale == 1 ? inner : inner.mul(Scale), Up.to_type(x.dtype));
    }

    /// <summary>What is added to the layer's weight, scale · B·A.</summary>
    /// <returns>[out, in].</returns>
    public Tensor Delta()
    {
        using var scope = NewDisposeScope();
        return Up.mm(Down).mul(Scale).MoveToOuterDisposeScope();
    }

    /// <summary>Frees both matrices.</summary>
    public void Dispose()
    {
        Down.Dispose();
        Up.Dispose();
    }
}
