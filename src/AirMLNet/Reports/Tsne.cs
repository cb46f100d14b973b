using System.Numerics.Tensors;
using AirMLNet.Optimisation;

namespace AirMLNet.Reports;

/// <summary>
/// Exact t-SNE (van der Maaten and Hinton 2008) to two dimensions. O(n²) in time and memory, for some thousand points at most. Rows
/// are computed side by side, sums are taken in their order: the same seed gives the same map whatever the number of threads.
/// </summary>
internal static class Tsne
{
    public const double DefaultPerplexity = 30;
    private const int Exaggerated = 120;
    private const double Exaggeration = 12;

    /// <summary>Embeds points.</summary>
    /// <param name="points">[n, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="seed">Draws where points start.</param>
    /// <param name="iterations">Steps of gradient descent.</param>
    /// <param name="perplexity">Effective number of neighbours; at most a third of the others is taken.</param>
    /// <param name="cancellation">Checked at every step.</param>
    /// <returns>[n, 2].</returns>
    public static double[] Embed(
        float[] points,
        int dimension,
        int seed,
        int iterations = 500,
        double perplexity = DefaultPerplexity,
        CancellationToken cancellation = default
    )
    {
        var n = points.Length / dimension;
        var y = new double[2 * n];
        var random = SeededRandom.Create(seed, 0, 0);
        for (var i = 0; i < y.Length; i++)
        {
            y[i] = 1e-4 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        }

        if (n < 4)
        {
            return y; // nothing to arrange
        }

        var p = Affinities(points, dimension, Math.Max(1, Math.Min(perplexity, (n - 1) / 3.0)));
        var (gains, step) = (new double[2 * n], new double[2 * n]);
        Array.Fill(gains, 1);
        var rate = Math.Max(n / Exaggeration / 4, 50);
        for (var t = 0; t < iterations; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            var gradient = Gradient(p, y, t < Exaggerated ? Exaggeration : 1);
            var momentum = t < Exaggerated ? 0.5 : 0.8;
            for (var i = 0; i < y.Length; i++)
            {
                gains[i] = Math.Max(0.01, Math.Sign(gradient[i]) == Math.Sign(step[i]) ? gains[i] * 0.8 : gains[i] + 0.2);
                step[i] = (momentum * step[i]) - (rate * gains[i] * gradient[i]);
                y[i] += step[i];
            }
        }

        return y;
    }

    /// <summary>Symmetric joint probabilities p_ij, [n, n], each row's conditional ones at the perplexity.</summary>
    internal static double[] Affinities(float[] points, int dimension, double perplexity)
    {
        var n = points.Length / dimension;
        var conditional = new double[n * n];
        Parallel.For(
            0,
            n,
            i =>
            {
                var distances = Distances(points, dimension, i);
                Conditional(distances, i, perplexity, conditional.AsSpan(i * n, n));
            }
        );
        var joint = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                joint[(i * n) + j] = i == j ? 0 : Math.Max(1e-12, (conditional[(i * n) + j] + conditional[(j * n) + i]) / (2 * n));
            }
        }

        return joint;
    }

    /// <summary>p_{j|i}: the precision is found by bisection.</summary>
    internal static void Conditional(double[] distances, int i, double perplexity, Span<double> row)
    {
        var (low, high, precision) = (0.0, double.PositiveInfinity, 1.0);
        var target = Math.Log(perplexity);
        var nearest = distances.Where((_, j) => j != i).Min();
        for (var attempt = 0; attempt < 200; attempt++)
        {
            double sum = 0,
                weighted = 0;
            for (var j = 0; j < row.Length; j++)
            {
                // Distances beyond the nearest one: the same probabilities, without underflow of all of them.
                var beyond = distances[j] - nearest;
                row[j] = j == i ? 0 : Math.Exp(-precision * beyond);
                sum += row[j];
                weighted += row[j] * beyond;
            }

            var entropy = Math.Log(sum) + (precision * weighted / sum);
            for (var j = 0; j < row.Length; j++)
            {
                row[j] /= sum;
            }

            if (Math.Abs(entropy - target) < 1e-7)
            {
                return;
            }

            (low, high) = entropy > target ? (precision, high) : (low, precision);
            precision = double.IsInfinity(high) ? precision * 2 : (low + high) / 2;
        }
    }

    /// <summary>The gradient of the divergence with all p_ij multiplied by the exaggeration, [n, 2].</summary>
    internal static double[] Gradient(double[] p, double[] y, double exaggeration)
    {
        var n = y.Length / 2;
        var total = Normaliser(y);
        var gradient = new double[2 * n];
        Parallel.For(
            0,
            n,
            i =>
            {
                double gx = 0,
                    gy = 0;
                for (var j = 0; j < n; j++)
                {
                    var (dx, dy) = (y[2 * i] - y[2 * j], y[(2 * i) + 1] - y[(2 * j) + 1]);
                    var kernel = 1 / (1 + (dx * dx) + (dy * dy));
                    var force = ((exaggeration * p[(i * n) + j]) - (kernel / total)) * kernel;
                    gx += force * dx;
                    gy += force * dy;
                }

                gradient[2 * i] = 4 * gx;
                gradient[(2 * i) + 1] = 4 * gy;
            }
        );
        return gradient;
    }

    /// <summary>The divergence Σ p_ij log(p_ij/q_ij) of a map.</summary>
    internal static double Divergence(double[] p, double[] y)
    {
        var n = y.Length / 2;
        var total = Normaliser(y);
        double sum = 0;
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                if (i != j)
                {
                    sum += p[(i * n) + j] * Math.Log(p[(i * n) + j] / (Kernel(y, i, j) / total));
                }
            }
        }

        return sum;
    }

    /// <summary>
    /// Trustworthiness of a map (Venna and Kaski 2001), 0..1: 1 where all k nearest neighbours in the map are among the k nearest of the
    /// points. Wrong ones count by how far they are in truth.
    /// </summary>
    internal static double Trustworthiness(float[] points, int dimension, double[] map, int k)
    {
        var n = points.Length / dimension;
        var penalties = new long[n];
        Parallel.For(
            0,
            n,
            i =>
            {
                var ranks = new int[n];
                var order = Nearest(i, Distances(points, dimension, i));
                for (var r = 0; r < order.Length; r++)
                {
                    ranks[order[r]] = r + 1;
                }

                double[] near = [.. Enumerable.Range(0, n).Select(j => 1 / Kernel(map, i, j))];
                penalties[i] = Nearest(i, near).Take(k).Sum(j => (long)Math.Max(0, ranks[j] - k));
            }
        );
        return 1 - (2.0 * penalties.Sum() / ((double)n * k * ((2 * n) - (3 * k) - 1)));
    }

    private static int[] Nearest(int i, double[] distances) =>
        [.. Enumerable.Range(0, distances.Length).Where(j => j != i).OrderBy(j => distances[j]).ThenBy(j => j)];

    private static double[] Distances(float[] points, int dimension, int i)
    {
        var distances = new double[points.Length / dimension];
        var own = points.AsSpan(i * dimension, dimension);
        for (var j = 0; j < distances.Length; j++)
        {
            var distance = (double)TensorPrimitives.Distance<float>(own, points.AsSpan(j * dimension, dimension));
            distances[j] = distance * distance;
        }

        return distances;
    }

    private static double Normaliser(double[] y)
    {
        var n = y.Length / 2;
        var sums = new double[n];
        Parallel.For(
            0,
            n,
            i =>
            {
                double sum = 0;
                for (var j = 0; j < n; j++)
                {
                    sum += j == i ? 0 : Kernel(y, i, j);
                }

                sums[i] = sum;
            }
        );
        return sums.Sum();
    }

    private static double Kernel(double[] y, int i, int j)
    {
        var (dx, dy) = (y[2 * i] - y[2 * j], y[(2 * i) + 1] - y[(2 * j) + 1]);
        return 1 / (1 + (dx * dx) + (dy * dy));
    }
}
