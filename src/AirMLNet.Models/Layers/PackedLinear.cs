using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace AirMLNet.Layers;

/// <summary>
/// A linear layer whose weights never change, alpha·x·Wᵀ + beta·b, with a copy of them in the layout that oneDNN multiplies fastest. MKL
/// lays the weights out anew in every product, a quarter of the time of a single image in ViT-B/32 (docs/performance.md).
/// </summary>
internal sealed class PackedLinear : IDisposable
{
    // The way to the operator costs 16 µs more than torch's own product; a smaller matrix gains less than that.
    private const long FewestWeights = 1L << 18;

    private readonly double _alpha;
    private readonly double _beta;
    private readonly Tensor _weight;
    private readonly Tensor? _bias;

    private PackedLinear(Tensor weight, Tensor? bias, double alpha, double beta)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        (_alpha, _beta) = (alpha, beta);
        _bias = (beta == 1 ? bias?.alias() : bias?.mul(beta))?.DetachFromDisposeScope();
        _weight = OneDnnOperators.Pack(alpha == 1 ? weight : weight.mul(alpha)).DetachFromDisposeScope();
    }

    /// <summary>Lays out a layer's weights.</summary>
    /// <param name="weight">W, [out, in].</param>
    /// <param name="bias">b, [out].</param>
    /// <param name="alpha">The factor of the product.</param>
    /// <param name="beta">The factor of the bias.</param>
    /// <returns>Null where torch's own product is as good, or the only one there is.</returns>
    public static PackedLinear? Of(Tensor weight, Tensor? bias, double alpha, double beta)
    {
        if (
            weight.device_type != TorchSharp.DeviceType.CPU
            || weight.dtype is not (ScalarType.Float32 or ScalarType.BFloat16)
            || weight.numel() < FewestWeights
            || !OneDnnOperators.Available
        )
        {
            return null;
        }
        try
        {
            return new PackedLinear(weight, bias, alpha, beta);
        }
        catch (ExternalException) // oneDNN has no products of bfloat16 for every processor
        {
            return null;
        }
    }

    /// <summary>Whether the layer was packed with these factors.</summary>
    public bool Has(double alpha, double beta) => (alpha, beta) == (_alpha, _beta);

    /// <param name="x">[…, in], without gradient.</param>
    /// <returns>[…, out].</returns>
    public Tensor Forward(Tensor x) => OneDnnOperators.Linear(x, _weight, _bias);

    public void Dispose()
    {
        _weight.Dispose();
        _bias?.Dispose();
    }
}
