using System.Numerics.Tensors;

namespace AirMLNet.Prototypes;

/// <summary>Features without their mean, scaled to length 1 again.</summary>
/// <param name="Values">[N, D]; zeros for a row that is the mean itself.</param>
/// <param name="Mean">The mean of the real rows, [D], or of all rows where none is real: what a row to score is centred by.</param>
internal sealed record CentredFeatures(ReadOnlyMemory<float> Values, float[] Mean)
{
    /// <summary>Centres real rows by the mean of the real ones, and synthetic rows by that of the synthetic ones.</summary>
    /// <param name="features">[N, D], row-major.</param>
    /// <param name="dimension">D.</param>
    /// <param name="synthetic">Which rows are synthetic; empty for none.</param>
    public static CentredFeatures Of(ReadOnlySpan<float> features, int dimension, IReadOnlyList<bool> synthetic)
    {
        var rows = features.Length / dimension;
        bool Synthetic(int row) => synthetic.Count > 0 && synthetic[row];
        var real = MeanOf(features, dimension, row => !Synthetic(row));
        var made = MeanOf(features, dimension, Synthetic);
        var values = new float[features.Length];
        for (var row = 0; row < rows; row++)
        {
            var value = values.AsSpan(row * dimension, dimension);
            TensorPrimitives.Subtract(features.Slice(row * dimension, dimension), (Synthetic(row) ? made : real)!, value);
            var length = TensorPrimitives.Norm(value);
            if (length > 0)
            {
                TensorPrimitives.Divide(value, length, value);
            }
        }
        return new(values, real ?? made ?? new float[dimension]);
    }

    /// <summary>Null where no row counts.</summary>
    private static float[]? MeanOf(ReadOnlySpan<float> features, int dimension, Func<int, bool> counts)
    {
        var sum = new double[dimension];
        var rows = 0;
        for (var row = 0; row < features.Length / dimension; row++)
        {
            if (!counts(row))
            {
                continue;
            }

            rows++;
            for (var d = 0; d < dimension; d++)
            {
                sum[d] += features[row * dimension + d];
            }
        }
        return rows == 0 ? null : Array.ConvertAll(sum, s => (float)(s / rows));
    }
}
