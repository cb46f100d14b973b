using AirMLNet.Reports;

namespace AirMLNet.Tests.Reports;

[TestClass]
public sealed class TsneTests
{
    private const int Dimension = 20;

    [TestMethod]
    public void The_gradient_is_that_of_the_divergence()
    {
        var points = Clusters(4, 3, 1);
        var p = Tsne.Affinities(points, Dimension, 3);
        var random = new Random(5);
        double[] y = [.. Enumerable.Range(0, 24).Select(_ => random.NextDouble() * 3)];

        var gradient = Tsne.Gradient(p, y, 1);

        const double step = 1e-5;
        for (var i = 0; i < y.Length; i++)
        {
            double[] more = [.. y],
                less = [.. y];
            more[i] += step;
            less[i] -= step;
            var numeric = (Tsne.Divergence(p, more) - Tsne.Divergence(p, less)) / (2 * step);
            Assert.AreEqual(numeric, gradient[i], 1e-6);
        }
    }

    [TestMethod]
    [DataRow(2.0)]
    [DataRow(7.5)]
    public void Conditional_probabilities_have_the_perplexity(double perplexity)
    {
        double[] distances = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144];
        var row = new double[distances.Length];

        Tsne.Conditional(distances, 0, perplexity, row);

        Assert.AreEqual(1, row.Sum(), 1e-9);
        Assert.AreEqual(0, row[0]);
        Assert.AreEqual(perplexity, Math.Exp(-row.Where(v => v > 0).Sum(v => v * Math.Log(v))), 1e-4);
    }

    [TestMethod]
    public void Neighbours_stay_neighbours_far_better_than_by_the_two_widest_directions()
    {
        var points = Clusters(30, 4, 3);

        var map = Tsne.Embed(points, Dimension, seed: 1);

        var trust = Tsne.Trustworthiness(points, Dimension, map, 7);
        double[] twoDirections =
        [
            .. Enumerable.Range(0, 120).SelectMany(i => new double[] { points[i * Dimension], points[(i * Dimension) + 1] }),
        ];
        Assert.IsGreaterThan(0.93, trust);
        Assert.IsGreaterThan(Tsne.Trustworthiness(points, Dimension, twoDirections, 7), trust);
        for (var i = 0; i < 120; i++)
        {
            var nearest = Enumerable.Range(0, 120).Where(j => j != i).MinBy(j => Square(map, i, j));
            Assert.AreEqual(i / 30, nearest / 30, $"point {i}");
        }
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_map()
    {
        var points = Clusters(8, 3, 2);

        var first = Tsne.Embed(points, Dimension, 4, 60);

        CollectionAssert.AreEqual(first, Tsne.Embed(points, Dimension, 4, 60));
        CollectionAssert.AreNotEqual(first, Tsne.Embed(points, Dimension, 5, 60));
    }

    [TestMethod]
    public void A_map_that_keeps_all_distances_is_fully_trustworthy()
    {
        var random = new Random(3);
        float[] plane = [.. Enumerable.Range(0, 80).Select(_ => random.NextSingle())];

        Assert.AreEqual(1, Tsne.Trustworthiness(plane, 2, [.. plane.Select(v => (double)v)], 5), 1e-12);
    }

    private static double Square(double[] map, int i, int j) =>
        Math.Pow(map[2 * i] - map[2 * j], 2) + Math.Pow(map[(2 * i) + 1] - map[(2 * j) + 1], 2);

    // Unit vectors around as many directions as there are clusters.
    private static float[] Clusters(int each, int clusters, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable
                .Range(0, each * clusters)
                .SelectMany(i =>
                {
                    float[] v =
                    [
                        .. Enumerable.Range(0, Dimension).Select(d => (random.NextSingle() * 0.5f) + (d == 4 + (i / each) ? 3 : 0)),
                    ];
                    var length = MathF.Sqrt(v.Sum(x => x * x));
                    return v.Select(x => x / length);
                }),
        ];
    }
}
