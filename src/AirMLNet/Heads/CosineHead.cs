using System.Numerics.Tensors;

namespace AirMLNet.Heads;

/// <summary>
/// A classifier on L2-normalised features: p = softmax(s · f · Gᵀ), Eq. 1. Row by row in managed code, so that a row gives the
/// same bits alone, in a batch, and while fitting. The softmax is written out because TensorPrimitives' does not subtract the
/// largest logit: with CLIP's scale of 100 its exponentials would overflow.
/// </summary>
internal sealed class CosineHead
{
    private readonly float[] _weights; // [C, D]
    private readonly bool[] _present; // [C]: a class without a vector gets probability 0
    private readonly float[] _centre; // [D], or empty
    private readonly float[] _offsets; // [C], the cosines of the centre

    /// <param name="weights">Class vectors <c>[C, D]</c>, each of length 1.</param>
    /// <param name="classes">C.</param>
    /// <param name="scale">s, the inverse of the temperature.</param>
    /// <param name="present">False for a class that has no vector; null when all have one.</param>
    /// <param name="centre">What is subtracted from a feature before its cosines are taken, [D]; null for nothing.</param>
    public CosineHead(float[] weights, int classes, double scale, bool[]? present = null, float[]? centre = null)
    {
        if (classes <= 0 || weights.Length % classes != 0)
        {
            throw new ArgumentException(
                $"{weights.Length} weights are not a whole number of vectors for {classes} classes.",
                nameof(weights)
            );
        }

        _weights = weights;
        Classes = classes;
        Dimension = weights.Length / classes;
        Scale = scale;
        _present = present ?? Enumerable.Repeat(true, classes).ToArray();
        _centre = centre ?? [];
        _offsets = [.. Enumerable.Range(0, centre is null ? 0 : classes).Select(c => Cosine(_centre, c))];
    }

    public int Classes { get; }
    public int Dimension { get; }
    public double Scale { get; }
    public ReadOnlySpan<float> Weights => _weights;
    public ReadOnlySpan<bool> Present => _present;

    /// <summary>What is subtracted from a feature before its cosines are taken; empty for nothing.</summary>
    public ReadOnlySpan<float> Centre => _centre;

    /// <summary>The cosine of a feature of length 1 to a class vector; the centre is not subtracted.</summary>
    public float Cosine(ReadOnlySpan<float> feature, int c) => TensorPrimitives.Dot(feature, _weights.AsSpan(c * Dimension, Dimension));

    /// <summary>Fills <paramref name="probabilities"/> [C] for one feature [D].</summary>
    public void Probabilities(ReadOnlySpan<float> feature, Span<float> probabilities)
    {
        var inverseLength = _centre.Length == 0 ? 1 : InverseLength(feature);
        var largest = float.NegativeInfinity;
        for (var c = 0; c < Classes; c++)
        {
            if (!_present[c])
            {
                continue;
            }

            probabilities[c] =
                (float)Scale * (_centre.Length == 0 ? Cosine(feature, c) : (Cosine(feature, c) - _offsets[c]) * inverseLength);
            largest = Math.Max(largest, probabilities[c]);
        }
        double sum = 0;
        for (var c = 0; c < Classes; c++)
        {
            probabilities[c] = _present[c] ? MathF.Exp(probabilities[c] - largest) : 0f;
            sum += probabilities[c];
        }
        var inverse = (float)(1 / sum);
        for (var c = 0; c < Classes; c++)
        {
            probabilities[c] *= inverse;
        }
    }

    /// <summary>p for every row of <paramref name="features"/> [N, D], as [N, C].</summary>
    public float[] Probabilities(ReadOnlyMemory<float> features, CancellationToken cancellation = default)
    {
        var rows = features.Length / Dimension;
        var probabilities = new float[rows * Classes];
        for (var i = 0; i < rows; i++)
        {
            if ((i & 1023) == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            Probabilities(features.Span.Slice(i * Dimension, Dimension), probabilities.AsSpan(i * Classes, Classes));
        }
        return probabilities;
    }

    /// <summary>1/‖f − μ‖, and 0 where they are the same: all classes are then equally probable.</summary>
    private float InverseLength(ReadOnlySpan<float> feature)
    {
        var length = TensorPrimitives.Distance(feature, _centre);
        return length > 0 ? 1 / length : 0;
    }

    /// <summary>Index of the largest value, the first of equals.</summary>
    public static int ArgMax(ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var c = 1; c < values.Length; c++)
        {
            if (values[c] > values[best])
            {
                best = c;
            }
        }
        return best;
    }

    /// <summary>The class vectors as they are saved.</summary>
    public (string Name, float[] Values, long[] Shape) Array(string name) => (name, [.. _weights], [Classes, Dimension]);
}
