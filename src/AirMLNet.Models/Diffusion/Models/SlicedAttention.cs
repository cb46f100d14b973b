using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>
/// softmax(q·k)·v without ever holding all scores: queries go through in slices of which each has its scores in the
/// processor's cache. The result is the same; with gradients wanted it is computed in one piece.
/// </summary>
internal static class SlicedAttention
{
    /// <summary>Enough for large matrix products, little enough for a cache.</summary>
    public const long DefaultScoreBytes = 2L << 20;

    /// <param name="q">[G, N, D], already scaled; G is batch times heads.</param>
    /// <param name="k">[G, D, M].</param>
    /// <param name="v">[G, M, D].</param>
    /// <param name="scoreBytes">Most bytes of scores in a slice; a slice has one query at least.</param>
    /// <param name="upcast">Whether scores are computed in float32.</param>
    /// <returns>[G, N, D].</returns>
    public static Tensor Attend(Tensor q, Tensor k, Tensor v, long scoreBytes, bool upcast)
    {
        var (groups, queries, keys) = (q.size(0), q.size(1), k.size(2));
        var size = upcast ? 4 : q.element_size();
        var total = groups * queries * keys * size;
        if (total <= scoreBytes || (is_grad_enabled() && (q.requires_grad || k.requires_grad || v.requires_grad)))
        {
            return Whole(q, k, v, upcast);
        }
        using var scope = NewDisposeScope();
        var result = empty_like(q);
        var perGroup = queries * keys * size;
        if (perGroup <= scoreBytes)
        {
            var step = Math.Max(1, scoreBytes / perGroup);
            for (long g = 0; g < groups; g += step)
            {
                using var slice = NewDisposeScope();
                var n = Math.Min(step, groups - g);
                result.narrow(0, g, n).copy_(Whole(q.narrow(0, g, n), k.narrow(0, g, n), v.narrow(0, g, n), upcast));
            }
            return result.MoveToOuterDisposeScope();
        }
        // Slices of equal size: a last one of a few queries would be slow.
        var slices = (perGroup + scoreBytes - 1) / scoreBytes;
        var length = Math.Max(1, (queries + slices - 1) / slices);
        for (long g = 0; g < groups; g++)
        {
            for (long from = 0; from < queries; from += length)
            {
                using var slice = NewDisposeScope();
                var n = Math.Min(length, queries - from);
                result
                    .narrow(0, g, 1)
                    .narrow(1, from, n)
                    .copy_(Whole(q.narrow(0, g, 1).narrow(1, from, n), k.narrow(0, g, 1), v.narrow(0, g, 1), upcast));
            }
        }
        return result.MoveToOuterDisposeScope();
    }

    private static Tensor Whole(Tensor q, Tensor k, Tensor v, bool upcast)
    {
        using var scope = NewDisposeScope();
        if (upcast && q.dtype != ScalarType.Float32)
        {
            return q.to_type(ScalarType.Float32)
                .bmm(k.to_type(ScalarType.Float32))
                .softmax(-1)
                .to_type(v.dtype)
                .bmm(v)
                .MoveToOuterDisposeScope();
        }
        var scores = q.bmm(k); // [G, N, M]
        var weights = scores.softmax(-1);
        scores.Dispose();
        return weights.bmm(v).MoveToOuterDisposeScope();
    }
}
