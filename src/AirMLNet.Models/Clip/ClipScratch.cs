using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Clip;

/// <summary>
/// The memory that the blocks of a tower share when nothing is kept for a backward pass. Fresh memory of this size comes from
/// the system page by page, which costs as much as a tenth of the matrix product that fills it; twelve blocks pay it once.
/// </summary>
internal sealed class ClipScratch : IDisposable
{
    private ClipScratch(Tensor x, long batch, long heads, long inner)
    {
        var (rows, width) = (x.size(0), x.size(1));
        long[] split = [batch, heads, rows / batch, width / heads];
        Width = New([rows, width]);
        Inner = New([rows, inner]);
        Query = New(split);
        Key = New(split);
        Value = New(split);

        // Blocks open scopes of their own: the buffers outlive these.
        Tensor New(long[] shape) => empty(shape, x.dtype, x.device).DetachFromDisposeScope();
    }

    /// <summary>[R, W], free between the steps of a block.</summary>
    public Tensor Width { get; }

    /// <summary>[R, inner].</summary>
    public Tensor Inner { get; }

    /// <summary>[B, H, N, D].</summary>
    public Tensor Query { get; }

    /// <summary>[B, H, N, D].</summary>
    public Tensor Key { get; }

    /// <summary>[B, H, N, D].</summary>
    public Tensor Value { get; }

    /// <summary>Buffers for rows like <paramref name="x"/>, or null where they may not be used or do not pay: with gradients and on a GPU,
    /// whose allocator keeps its memory.</summary>
    public static ClipScratch? For(Tensor x, long batch, long heads, long inner) =>
        is_grad_enabled() || x.device_type != DeviceType.CPU ? null : new ClipScratch(x, batch, heads, inner);

    /// <inheritdoc/>
    public void Dispose()
    {
        Width.Dispose();
        Inner.Dispose();
        Query.Dispose();
        Key.Dispose();
        Value.Dispose();
    }
}
