using AirMLNet.Clip;
using AirMLNet.FineTuning;
using static TorchSharp.torch;

namespace AirMLNet.Tests.FineTuning;

[TestClass]
public sealed class LabelPropagationTests
{
    private const int Images = 200,
        Classes = 6,
        Dimension = 24;

    [TestMethod]
    public void TheExactOptionEqualsADenseSolve_AndTheCapDoesNot()
    {
        using var scope = NewDisposeScope();
        var (texts, images) = Data();
        var exact = new LabelPropagationSettings { Exact = true, Neighbours = 10 };
        var projection = LabelPropagation.Projection(texts, exact);
        var found = LabelPropagation.Run(texts, images, projection, exact);
        var nodes = LabelPropagation.Nodes(texts, images, projection);
        var count = Images + Classes;

        // The published code's dense matrices.
        var affinity = nodes.matmul(nodes.t()).add(1).div(2).mul(eye(count).neg().add(1));
        var (values, indices) = affinity.topk(10, 1);
        var top = zeros_like(affinity).scatter(1, indices, values);
        var w = top.add(top.t()).div(2).to_type(ScalarType.Float64);
        var root = w.sum(1).pow(-0.5);
        var system = eye(count, dtype: ScalarType.Float64).sub(w.mul(root.unsqueeze(0)).mul(root.unsqueeze(1)).mul(0.99));
        var expected = linalg
            .solve(system, eye(count, dtype: ScalarType.Float64).narrow(1, 0, Classes))
            .contiguous()
            .data<double>()
            .ToArray();
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found.Scores[i], 1e-5 + (1e-5 * Math.Abs(expected[i])));
        }

        var capped = LabelPropagation.Run(texts, images, projection, exact with { Exact = false, MostIterations = 5 });
        Assert.IsTrue(capped.Iterations.All(i => i == 5));
        Assert.IsGreaterThan(1e-5, capped.Scores.Zip(expected, (a, b) => Math.Abs(a - b)).Max());
    }

    [TestMethod]
    public void ImagesGetTheClassTheyLieAt_AndCentroidsCountTheTexts()
    {
        using var scope = NewDisposeScope();
        var (texts, images) = Data();
        var settings = new LabelPropagationSettings { Neighbours = 10 };
        var found = LabelPropagation.Run(texts, images, LabelPropagation.Projection(texts, settings), settings);
        var right = Enumerable.Range(0, Images).Count(i => found.Labels[Classes + i] == i % Classes);
        Assert.IsGreaterThan(0.9 * Images, right);

        var all = cat([texts, images]);
        var members = Enumerable.Range(0, Classes + Images).Where(i => found.Labels[i] == 2).Select(i => all[i]).ToArray();
        var mean = ClipModel.Normalise(stack(members).mean([0L]));
        Assert.IsTrue(tensor(found.Centroids, [Classes, Dimension])[2].allclose(mean, 1e-4, 1e-5));
    }

    [TestMethod]
    public void TheProjectionTakesTheCommonDirectionAway()
    {
        using var scope = NewDisposeScope();
        var (texts, _) = Data();
        var projection = LabelPropagation.Projection(texts, new());
        var (u, _, _) = linalg.svd(texts.t(), fullMatrices: false);
        Assert.IsLessThan(1e-5f, projection.matmul(u.select(1, 0)).norm().item<float>());
        Assert.AreEqual(Classes - 1, projection.trace().item<float>(), 1e-4);
        Assert.AreEqual(2, LabelPropagation.Projection(texts, new() { CutDimension = 3 }).trace().item<float>(), 1e-4);
    }

    [TestMethod]
    public void FewerNodesThanNeighbours_AreAllNeighbours()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var graph = NeighbourGraph.Of(randn([4, 3], generator: generator), 20);
        Assert.HasCount(12, graph.Columns);
        var dense = graph.Dense(graph.Weights);
        for (var i = 0; i < 4; i++)
        {
            Assert.AreEqual(0, dense[(i * 4) + i]);
            for (var j = 0; j < 4; j++)
            {
                Assert.AreEqual(dense[(i * 4) + j], dense[(j * 4) + i]);
            }
        }
    }

    private static (Tensor Texts, Tensor Images) Data()
    {
        using var generator = new Generator(3);
        var texts = ClipModel.Normalise(randn([Classes, Dimension], generator: generator).add(0.5));
        var noise = randn([Images, Dimension], generator: generator).mul(0.12);
        var index = arange(Images, ScalarType.Int64).remainder(Classes);
        return (texts, ClipModel.Normalise(texts.index_select(0, index).add(noise)));
    }
}
