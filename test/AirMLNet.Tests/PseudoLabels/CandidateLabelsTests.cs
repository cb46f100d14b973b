using AirMLNet.PseudoLabels;

namespace AirMLNet.Tests.PseudoLabels;

[TestClass]
public sealed class CandidateLabelsTests
{
    [TestMethod]
    [DataRow(0.0, 1.0)]
    [DataRow(0.5, 2.5)]
    [DataRow(0.75, 3.25)]
    [DataRow(0.9, 3.7)]
    [DataRow(1.0, 4.0)]
    public void Quantile_InterpolatesLinearly(double share, double expected) =>
        Assert.AreEqual(expected, CandidateLabels.Quantile([4, 1, 3, 2], share), 1e-9);

    [TestMethod]
    public void Quantile_OnAValue_IsThatValue()
    {
        // 0.29·100 is 28.999999999999996 in doubles.
        Assert.AreEqual(29.0, CandidateLabels.Quantile([.. Enumerable.Range(0, 101).Select(i => (float)i)], 0.29));
    }

    [TestMethod]
    public void Candidates_TakeTheLabelThatCrossesTheMass_AndNeverNone()
    {
        var rule = new CandidateRule(0.7, [0, 0, 0]);
        CollectionAssert.AreEqual(new[] { 1 }, rule.Candidates([0.1f, 0.8f, 0.1f]));
        CollectionAssert.AreEqual(new[] { 1, 0 }, rule.Candidates([0.3f, 0.6f, 0.1f]));
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, rule.Candidates([0.35f, 0.35f, 0.3f])); // 0.7 does not exceed 0.7
        CollectionAssert.AreEqual(new[] { 2, 0, 1 }, new CandidateRule(5, [0, 0, 0]).Candidates([0.25f, 0.25f, 0.5f]));
    }

    [TestMethod]
    public void Candidates_AreCutByTheClassesQuantiles() =>
        CollectionAssert.AreEqual(new[] { 0 }, new CandidateRule(0.95, [0.3, 0.7, 0]).Candidates([0.35f, 0.6f, 0.05f]));

    [TestMethod]
    public void Accept_DisplacesTheLeastSure_WhoAskTheirNextCandidate()
    {
        // Class 0 has one place: image 1 takes it from image 0, which goes to class 1; image 2 has nowhere to go.
        float[] p = [0.6f, 0.4f, 0.9f, 0.1f, 0.5f, 0.5f];
        CollectionAssert.AreEqual(
            new[] { 1, 0, -1 },
            CandidateLabels.Accept(
                p,
                [
                    [0, 1],
                    [0],
                    [0],
                ],
                2,
                1
            )
        );
    }

    [TestMethod]
    public void Accept_OfEquals_KeepsTheFirst() =>
        CollectionAssert.AreEqual(
            new[] { 0, 0, -1 },
            CandidateLabels.Accept(
                [0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f],
                [
                    [0],
                    [0],
                    [0],
                ],
                2,
                2
            )
        );

    [TestMethod]
    public void Targets_AreRenormalisedOrOnes()
    {
        var target = new float[3];
        CandidateLabels.Target([0.3f, 0.1f, 0.6f], [2, 0], soft: true, target);
        Assert.AreEqual(1 / 3.0, target[0], 1e-6);
        Assert.AreEqual(0, target[1]);
        Assert.AreEqual(2 / 3.0, target[2], 1e-6);
        CandidateLabels.Target([0.3f, 0.1f, 0.6f], [2, 0], soft: false, target);
        CollectionAssert.AreEqual(new[] { 1f, 0f, 1f }, target);
    }

    [TestMethod]
    public void Selection_EqualsTheBruteForceOracle_OnRandomMatricesWithTies()
    {
        var random = new Random(11);
        for (var trial = 0; trial < 300; trial++)
        {
            int images = random.Next(1, 7),
                classes = random.Next(2, 4),
                perClass = random.Next(1, 4);
            double intra = random.Next(0, 11) / 10.0,
                inter = random.Next(0, 11) / 10.0;
            var p = Coarse(random, images, classes);
            var expectedSets = Oracle.Sets(p, classes, intra, inter);
            var found = new PseudoLabelSelector(SelectionRule.Candidates, classes, intra, inter).Select(p, perClass, soft: false);
            var sets = CandidateLabels.Sets(p, CandidateLabels.Rule(p, classes, intra, inter));
            for (var i = 0; i < images; i++)
            {
                CollectionAssert.AreEqual(expectedSets[i], sets[i], $"trial {trial}, image {i}");
            }

            var expected = Oracle.Assignment(p, classes, expectedSets, perClass);
            CollectionAssert.AreEqual(expected, CandidateLabels.Accept(p, sets, classes, perClass), $"trial {trial}");
            CollectionAssert.AreEqual(Enumerable.Range(0, images).Where(i => expected[i] >= 0).ToArray(), found.Images, $"trial {trial}");
            for (var k = 0; k < found.Images.Length; k++)
            {
                var image = found.Images[k];
                Assert.AreEqual(expectedSets[image][0], found.Labels[k]);
                for (var c = 0; c < classes; c++)
                {
                    Assert.AreEqual(expectedSets[image].Contains(c) ? 1f : 0f, found.Targets![k * classes + c]);
                }
            }
        }
    }

    [TestMethod]
    public void ARowsOwnRule_GivesTheChoiceBack()
    {
        var random = new Random(5);
        const int images = 80,
            classes = 4,
            perClass = 6;
        var p = new float[images * classes];
        for (var i = 0; i < images; i++)
        {
            for (var c = 0; c < classes; c++)
            {
                p[i * classes + c] = random.NextSingle();
            }

            var sum = p.AsSpan(i * classes, classes).ToArray().Sum();
            for (var c = 0; c < classes; c++)
            {
                p[i * classes + c] /= sum;
            }
        }
        var tests = CandidateLabels.Rule(p, classes, 0.8, 0.5);
        var sets = CandidateLabels.Sets(p, tests);
        var taken = CandidateLabels.Accept(p, sets, classes, perClass);
        var rule = new LabelRule(CandidateLabels.Cutoffs(p, taken, classes, perClass), tests, false);
        Assert.IsTrue(taken.Any(t => t < 0) && taken.Any(t => t >= 0));
        for (var i = 0; i < images; i++)
        {
            Assert.AreEqual(taken[i] >= 0 ? sets[i][0] : -1, rule.LabelOf(p.AsSpan(i * classes, classes), out _), $"row {i}");
        }
    }

    /// <summary>Rows of tenths that add up to 1, so that ties are common.</summary>
    private static float[] Coarse(Random random, int images, int classes)
    {
        var p = new float[images * classes];
        for (var i = 0; i < images; i++)
        {
            var left = 10;
            for (var c = 0; c < classes; c++)
            {
                var tenths = c == classes - 1 ? left : random.Next(0, left + 1);
                p[i * classes + c] = tenths / 10f;
                left -= tenths;
            }
        }
        return p;
    }

    /// <summary>The definitions, by trying everything.</summary>
    private static class Oracle
    {
        public static int[][] Sets(float[] p, int classes, double intra, double inter)
        {
            var images = p.Length / classes;
            var mass = Quantile(Enumerable.Range(0, images).Select(i => Row(i).Max()), intra);
            double[] least =
            [
                .. Enumerable.Range(0, classes).Select(c => Quantile(Enumerable.Range(0, images).Select(i => p[i * classes + c]), inter)),
            ];
            return
            [
                .. Enumerable
                    .Range(0, images)
                    .Select(i =>
                    {
                        int[] order = [.. Enumerable.Range(0, classes).OrderByDescending(c => p[i * classes + c]).ThenBy(c => c)];
                        var length = Enumerable
                            .Range(1, classes)
                            .FirstOrDefault(n => order.Take(n).Sum(c => (double)p[i * classes + c]) > mass, classes);
                        return order.Take(length).Where(c => p[i * classes + c] >= least[c]).ToArray();
                    }),
            ];

            float[] Row(int i) => p[(i * classes)..((i + 1) * classes)];
        }

        /// <summary>The stable assignment that is best for the images, among all assignments.</summary>
        public static int[] Assignment(float[] p, int classes, int[][] sets, int perClass)
        {
            int[]? best = null;
            foreach (var assignment in All(sets, 0))
            {
                if (Enumerable.Range(0, classes).Any(c => assignment.Count(a => a == c) > perClass) || Blocked(assignment))
                {
                    continue;
                }

                if (best is null || Enumerable.Range(0, sets.Length).All(i => Rank(i, assignment[i]) <= Rank(i, best[i])))
                {
                    best = [.. assignment];
                }
            }
            return best!;

            int Rank(int image, int c) => c < 0 ? sets[image].Length : Array.IndexOf(sets[image], c);

            bool Blocked(int[] assignment)
            {
                for (var i = 0; i < sets.Length; i++)
                {
                    foreach (var c in sets[i].Take(Rank(i, assignment[i])))
                    {
                        int[] members = [.. Enumerable.Range(0, sets.Length).Where(j => assignment[j] == c)];
                        if (
                            members.Length < perClass
                            || members.Any(j =>
                                p[j * classes + c] < p[i * classes + c] || (p[j * classes + c] == p[i * classes + c] && j > i)
                            )
                        )
                        {
                            return true;
                        }
                    }
                }
                return false;
            }
        }

        private static IEnumerable<int[]> All(int[][] sets, int from)
        {
            if (from == sets.Length)
            {
                yield return new int[sets.Length];
                yield break;
            }
            foreach (var rest in All(sets, from + 1))
            {
                foreach (var c in sets[from].Append(-1))
                {
                    int[] whole = [.. rest];
                    whole[from] = c;
                    yield return whole;
                }
            }
        }

        private static double Quantile(IEnumerable<float> values, double share)
        {
            float[] sorted = [.. values.Order()];
            var place = Math.Round(share * (sorted.Length - 1), 9);
            int low = (int)Math.Floor(place),
                high = (int)Math.Ceiling(place);
            return sorted[low] + (place - low) * ((double)sorted[high] - sorted[low]);
        }
    }
}
