using AirMLNet.Heads;

namespace AirMLNet.PseudoLabels;

/// <summary>
/// What pseudo-labels are chosen from: the fused probabilities of the unlabelled images over the classes that may be given.
/// </summary>
/// <param name="Rows">Row numbers of the pool, ascending.</param>
/// <param name="Values">[pool, C_u].</param>
internal sealed record PoolProbabilities(int[] Rows, float[] Values)
{
    /// <param name="text">p of all rows, [N, C].</param>
    /// <param name="image">p̂ of all rows, [N, C]; empty for none.</param>
    /// <param name="fusion">Eq. 7.</param>
    /// <param name="subset">The classes that may be given.</param>
    /// <param name="inPool">Whether a row is unlabelled.</param>
    public static PoolProbabilities Of(
        ReadOnlySpan<float> text,
        ReadOnlySpan<float> image,
        Fusion fusion,
        ClassSubset subset,
        Func<int, bool> inPool
    )
    {
        var classes = subset.All;
        int[] rows = [.. Enumerable.Range(0, text.Length / classes).Where(inPool)];
        var values = new float[rows.Length * subset.Count];
        var other = new float[subset.Count];
        for (var k = 0; k < rows.Length; k++)
        {
            var row = values.AsSpan(k * subset.Count, subset.Count);
            subset.Restrict(text.Slice(rows[k] * classes, classes), row);
            if (image.IsEmpty)
            {
                continue;
            }

            subset.Restrict(image.Slice(rows[k] * classes, classes), other);
            fusion.Into(row, other);
        }
        return new(rows, values);
    }
}
