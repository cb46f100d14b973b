using AirMLNet.PseudoLabels;

namespace AirMLNet.Tests.PseudoLabels;

[TestClass]
public sealed class PseudoLabelSelectorTests
{
    private const int Classes = 10;

    /// <summary>Predictions that favour some classes, as zero-shot ones do.</summary>
    private static readonly float[] Biased = Probabilities(
        new Random(7),
        1000,
        [.. Enumerable.Range(0, Classes).Select(c => 0.35 * (c - (Classes / 2)))]
    );

    [TestMethod]
    [DataRow(SelectionRule.Exact)]
    [DataRow(SelectionRule.Deferred)]
    [DataRow(SelectionRule.Leaderboard)]
    public void BiasedPredictions_StarveNoClass(SelectionRule rule)
    {
        var choice = new PseudoLabelSelector(rule, Classes).Select(Biased, 100);
        for (var c = 0; c < Classes; c++)
        {
            Assert.AreEqual(100, choice.Labels.Count(l => l == c), $"class {c}");
        }

        Assert.IsTrue(choice.Images.Zip(choice.Labels).Distinct().Count() == choice.Images.Length, "an image twice for one class");
        Assert.AreEqual(rule == SelectionRule.Deferred, choice.Images.Distinct().Count() == choice.Images.Length);
        var again = new PseudoLabelSelector(rule, Classes).Select(Biased, 100);
        CollectionAssert.AreEqual(choice.Images, again.Images);
        CollectionAssert.AreEqual(choice.Labels, again.Labels);
    }

    [TestMethod]
    public void ExactChoice_HasNoBetterImageOutside()
    {
        var choice = new PseudoLabelSelector(SelectionRule.Exact, Classes).Select(Biased, 37);
        for (var c = 0; c < Classes; c++)
        {
            HashSet<int> own = [.. choice.Images.Where((_, k) => choice.Labels[k] == c)];
            var worst = own.Min(i => Biased[i * Classes + c]);
            Assert.IsTrue(Enumerable.Range(0, 1000).All(i => own.Contains(i) || Biased[i * Classes + c] <= worst), $"class {c}");
        }
    }

    [TestMethod]
    [DataRow(5, 2, 2)]
    [DataRow(6, 3, 2)]
    [DataRow(6, 3, 1)]
    [DataRow(4, 3, 2)] // more places than images
    [DataRow(7, 2, 4)]
    public void DeferredAcceptance_IsTheStableAssignmentThatImagesLikeBest(int images, int classes, int perClass)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            double[] bias = [.. Enumerable.Range(0, classes).Select(_ => 2 * random.NextDouble())];
            var p = Probabilities(random, images, bias);
            var (_, labels, _) = new PseudoLabelSelector(SelectionRule.Deferred, classes).Label(p, perClass, soft: false);

            // As many places are filled as there are images for them.
            Assert.AreEqual(Math.Min(images, classes * perClass), labels.Count(l => l >= 0));
            Assert.IsTrue(Stable(p, labels, classes, perClass), $"seed {seed}: {string.Join(' ', labels)}");

            // Every assignment there is: of the stable ones, none gives any image a class that it likes better.
            var one = new int[images];
            for (long code = 0; code < (long)Math.Pow(classes + 1, images); code++)
            {
                var rest = code;
                for (var i = 0; i < images; i++, rest /= classes + 1)
                {
                    one[i] = (int)(rest % (classes + 1)) - 1;
                }

                if (Enumerable.Range(0, classes).All(c => one.Count(l => l == c) <= perClass) && Stable(p, one, classes, perClass))
                {
                    for (var i = 0; i < images; i++)
                    {
                        Assert.IsLessThanOrEqualTo(Liking(p, labels, i, classes), Liking(p, one, i, classes));
                    }
                }
            }
        }
    }

    [TestMethod]
    public void DeferredAcceptance_DoesNotDependOnTheOrderOfTheImages()
    {
        int[] order = [.. Enumerable.Range(0, 1000)];
        new Random(2).Shuffle(order);
        float[] moved = [.. order.SelectMany(i => Biased[(i * Classes)..((i + 1) * Classes)])];
        var selector = new PseudoLabelSelector(SelectionRule.Deferred, Classes);
        int[] straight = selector.Label(Biased, 60, false).Labels,
            other = selector.Label(moved, 60, false).Labels;
        for (var k = 0; k < order.Length; k++)
        {
            Assert.AreEqual(straight[order[k]], other[k], $"image {order[k]}");
        }
    }

    [TestMethod]
    public void DeferredAcceptance_GivesTiesToTheFirstImage()
    {
        float[] p = [0.7f, 0.3f, 0.7f, 0.3f, 0.7f, 0.3f];
        CollectionAssert.AreEqual(new[] { 0, 1, -1 }, new PseudoLabelSelector(SelectionRule.Deferred, 2).Label(p, 1, soft: false).Labels);
    }

    [TestMethod]
    public void TheRule_GivesTheDeferredChoiceBackRowByRow()
    {
        foreach (var perClass in new[] { 40, 200 }) // full classes, and room for all
        {
            var (rule, labels, _) = new PseudoLabelSelector(SelectionRule.Deferred, Classes).Label(Biased, perClass, soft: false);
            for (var i = 0; i < 1000; i++)
            {
                Assert.AreEqual(labels[i], rule.LabelOf(Biased.AsSpan(i * Classes, Classes), out _), $"row {i}");
            }
        }
    }

    /// <summary>Whether no image and class would rather have each other than what they have.</summary>
    private static bool Stable(float[] p, int[] labels, int classes, int perClass)
    {
        for (var i = 0; i < labels.Length; i++)
        {
            for (var c = 0; c < classes; c++)
            {
                var wants = labels[i] != c && (labels[i] < 0 || p[i * classes + c] > p[i * classes + labels[i]]);
                int[] members = [.. Enumerable.Range(0, labels.Length).Where(k => labels[k] == c)];
                if (wants && (members.Length < perClass || members.Any(k => p[k * classes + c] < p[i * classes + c])))
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static float Liking(float[] p, int[] labels, int image, int classes) =>
        labels[image] < 0 ? -1 : p[image * classes + labels[image]];

    /// <summary>Softmax of random logits and a bias of the classes.</summary>
    private static float[] Probabilities(Random random, int images, double[] bias)
    {
        var p = new float[images * bias.Length];
        for (var i = 0; i < images; i++)
        {
            double[] e = [.. bias.Select(b => Math.Exp(b + 3 * random.NextDouble()))];
            for (var c = 0; c < bias.Length; c++)
            {
                p[i * bias.Length + c] = (float)(e[c] / e.Sum());
            }
        }
        return p;
    }
}
