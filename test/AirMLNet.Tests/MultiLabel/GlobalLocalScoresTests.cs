using AirMLNet.Heads;
using AirMLNet.MultiLabel;
using static TorchSharp.torch;

namespace AirMLNet.Tests.MultiLabel;

[TestClass]
public sealed class GlobalLocalScoresTests
{
    private const int B = 3,
        C = 4,
        D = 6,
        N = 5;

    private static Tensor Draw(Generator generator, params long[] shape) => randn(shape, ScalarType.Float64, generator: generator);

    [TestMethod]
    [DataRow(LocalAggregation.Softmax, AdapterPlacement.Both, FusionForm.Additive)]
    [DataRow(LocalAggregation.Softmax, AdapterPlacement.Local, FusionForm.Convex)]
    [DataRow(LocalAggregation.Max, AdapterPlacement.Local, FusionForm.Additive)]
    [DataRow(LocalAggregation.Mean, AdapterPlacement.Global, FusionForm.Convex)]
    public void GradientsAreThoseOfFiniteDifferences(LocalAggregation aggregation, AdapterPlacement placement, FusionForm form)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var rule = new GlobalLocalRule
        {
            Kappa = 7,
            Aggregation = aggregation,
            Placement = placement,
            Form = form,
        };
        Tensor[] leaves =
        [
            Draw(generator, C, D),
            Draw(generator, C, D),
            Draw(generator, C, D),
            tensor(0.4, ScalarType.Float64),
            Draw(generator, C).mul(0.1).add(1),
        ];
        var (ig, il, tg, tl) = (Draw(generator, B, D), Draw(generator, B, N, D), Draw(generator, B, D), Draw(generator, B, N, D));
        var keep = ones([B, N], ScalarType.Float64);
        keep[1, 2] = 0;
        var labels = tensor(new double[] { 1, 0, 0, 1, 0, 1, double.NaN, 0, 1, 1, 0, 0 }, [B, C]);
        double Loss() => Total().item<double>();
        Tensor Total()
        {
            var side = new ClassSide(leaves[0], leaves[1], leaves[2], leaves[3], leaves[4]);
            return GlobalLocalLoss
                .Of(
                    (GlobalLocalScores.Of(ig, il, null, side, rule), labels),
                    (GlobalLocalScores.Of(tg, tl, keep, side, rule), labels),
                    0.6,
                    rule
                )
                .Total;
        }
        foreach (var leaf in leaves)
        {
            leaf.requires_grad_(true);
        }
        Total().backward();
        using var off = no_grad();
        foreach (var leaf in leaves)
        {
            var flat = leaf.detach().view(-1); // shares memory
            var gradient = (leaf.grad ?? zeros_like(leaf)).view(-1);
            for (var i = 0; i < flat.numel(); i += 3)
            {
                const double step = 1e-6;
                var value = flat[i].item<double>();
                flat[i] = value + step;
                var above = Loss();
                flat[i] = value - step;
                var below = Loss();
                flat[i] = value;
                Assert.AreEqual((above - below) / (2 * step), gradient[i].item<double>(), 1e-5);
            }
        }
    }

    [TestMethod]
    public void WithoutWeightOrPlacement_TheAdapterChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var (fg, fl, g, l, f) = (
            Draw(generator, B, D),
            Draw(generator, B, N, D),
            Draw(generator, C, D),
            Draw(generator, C, D),
            Draw(generator, C, D)
        );
        var none = GlobalLocalScores.Of(fg, fl, null, new ClassSide(g, l), new GlobalLocalRule { Placement = AdapterPlacement.None });
        var zero = GlobalLocalScores.Of(
            fg,
            fl,
            null,
            new ClassSide(g, l, f, tensor(0.0, ScalarType.Float64)),
            new GlobalLocalRule { Placement = AdapterPlacement.Both }
        );
        Assert.IsTrue(none.LocalLogits.Equals(zero.LocalLogits));
        Assert.IsTrue(none.GlobalLogits.Equals(zero.GlobalLogits));
    }

    [TestMethod]
    public void TheHeatMap_IgnoresPlacesThatDoNotCount_WhateverTheAggregation()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        var places = Draw(generator, B, C, N);
        var keep = ones([B, N], ScalarType.Float64);
        keep[.., 0] = 0;
        places[.., .., 0] = 9;
        foreach (var aggregation in Enum.GetValues<LocalAggregation>())
        {
            var heat = GlobalLocalScores.HeatMap(places, keep, null, new GlobalLocalRule { Aggregation = aggregation });
            Assert.AreEqual(0, heat[.., .., 0].abs().max().item<double>());
            Assert.AreEqual(1, heat.sum(-1).min().item<double>(), 1e-12);
        }
    }

    [TestMethod]
    public void ABranchWithoutWeight_IsNotNeeded()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var side = new ClassSide(Draw(generator, C, D), Draw(generator, C, D));
        var rule = new GlobalLocalRule { Placement = AdapterPlacement.None };
        var texts = (
            GlobalLocalScores.Of(Draw(generator, B, D), Draw(generator, B, N, D), null, side, rule),
            eye(C, dtype: ScalarType.Float64)[..B]
        );
        var images = (GlobalLocalScores.Of(Draw(generator, B, D), Draw(generator, B, N, D), null, side, rule), texts.Item2);
        Assert.AreEqual(
            GlobalLocalLoss.Of(null, texts, 0, rule).Total.item<double>(),
            GlobalLocalLoss.Of(images, texts, 0, rule).Total.item<double>()
        );
        Assert.AreEqual(
            GlobalLocalLoss.Of(images, null, 1, rule).Total.item<double>(),
            GlobalLocalLoss.Of(images, texts, 1, rule).Total.item<double>()
        );
        Assert.ThrowsExactly<ArgumentException>(() => GlobalLocalLoss.Of(images, null, 0.5, rule));
    }
}
