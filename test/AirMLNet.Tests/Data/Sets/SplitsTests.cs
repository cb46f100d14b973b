using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Data.Sets;

[TestClass]
public sealed class SplitsTests
{
    // The expected numbers were printed by NumPy.
    [TestMethod]
    public void NumpyRandom_GivesNumpysNumbers()
    {
        var random = new NumpyRandom(500);
        CollectionAssert.AreEqual(
            new uint[] { 2979330906, 321012663, 265072449, 2236522769 },
            Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray()
        );
        CollectionAssert.AreEqual(
            new[] { 18, 1, 19, 8, 10, 17, 6, 13, 4, 2, 5, 14, 9, 7, 16, 11, 3, 0, 15, 12 },
            new NumpyRandom(0).Permutation(20)
        );
        CollectionAssert.AreEqual(new[] { 993, 859 }, new NumpyRandom(0).Choice(1000, 2));
        CollectionAssert.AreEqual(new[] { 48, 2, 81, 38, 36, 62, 92, 64, 9, 19, 87, 10 }, new NumpyRandom(200).Choice(102, 63)[..12]);
    }

    [TestMethod]
    [DataRow(500, 0, 2, 3, 4, 5, 9)]
    [DataRow(0, 1, 2, 4, 6, 8, 9)]
    [DataRow(200, 1, 3, 5, 6, 7, 8)]
    public void SeenClasses_AreNumpysChoice(int seed, params int[] seen)
    {
        var split = ClassSplit.Draw(10, seed);
        CollectionAssert.AreEqual(seen, split.Seen.ToArray());
        CollectionAssert.AreEqual(Enumerable.Range(0, 10).Except(seen).ToArray(), split.Unseen.ToArray());
    }

    [TestMethod]
    [DataRow(102, 63, 39)]
    [DataRow(45, 27, 18)]
    [DataRow(100, 62, 38)]
    [DataRow(47, 29, 18)]
    [DataRow(10, 6, 4)]
    public void Counts_AreThePublishedOnes(int classes, int seen, int unseen)
    {
        foreach (var seed in ClassSplit.PublishedSeeds)
        {
            var split = ClassSplit.Draw(classes, seed);
            Assert.HasCount(seen, split.Seen);
            Assert.HasCount(unseen, split.Unseen);
        }
    }

    [TestMethod]
    public void Files_AreReadAsJsonOrLines_AndCheckedAgainstTheClasses()
    {
        using var folder = new TemporaryFolder();
        string[] names = ["red fox", "cat", "dog"];
        ClassSplit Load(string file, string text)
        {
            File.WriteAllText(Path.Combine(folder, file), text);
            return ClassSplit.Load(Path.Combine(folder, file), names);
        }

        CollectionAssert.AreEqual(new[] { 0, 2 }, Load("a.json", """{"seen":["dog","Red_Fox"],"unseen":["cat"]}""").Seen.ToArray());
        CollectionAssert.AreEqual(new[] { 1 }, Load("b.json", """{"seen":[1]}""").Seen.ToArray());
        CollectionAssert.AreEqual(new[] { 0, 2 }, Load("c.txt", "cat\n").Unseen.ToArray());
        foreach (
            (var file, var text, var part) in new[]
            {
                ("d.txt", "cat\nmouse", "line 2: 'mouse' is none of the classes"),
                ("e.json", """{"seen":[3]}""", "seen[0] is 3; expected 0..2"),
                ("f.txt", "cat\ndog\nred fox", "3 seen and 0 unseen classes"),
                ("g.json", """{"seen":["cat"],"unseen":["dog"]}""", "'unseen' is not what 'seen' leaves over"),
                ("h.json", "[]", "the whole is []; expected an object"),
                ("i.json", """{"seen":[{}]}""", "seen[0] is {}; expected a text"),
                ("j.json", "{\n\"seen\":", "line 2 is not valid JSON"),
            }
        )
        {
            Assert.Contains(part, Assert.ThrowsExactly<InvalidDataException>(() => Load(file, text)).Message);
        }
    }

    [TestMethod]
    public void Shots_AreDrawnPerClassFromASeedOfTheirOwn()
    {
        int[] labels =
        [
            .. Enumerable
                .Range(0, 40)
                .Select(i =>
                    i < 20 ? 0
                    : i < 39 ? 1
                    : 2
                ),
        ];
        var shots = LabelledShots.Choose(labels, 3, 2);
        // permutation(20) begins 18, 1; permutation(19) from the same seed has its own order.
        int[] second = [.. new NumpyRandom(0).Choice(19, 2).Select(i => 20 + i).Order()];
        CollectionAssert.AreEqual(new[] { 1, 18, second[0], second[1], 39 }, shots);
        Assert.HasCount(0, LabelledShots.Choose([-1, -1], 2, 2));
    }

    [TestMethod]
    public void ASmallerShareIsPartOfALargerOne()
    {
        int[] some = PoolShare.Choose(200, 0.2, 1),
            more = PoolShare.Choose(200, 0.5, 1);
        Assert.HasCount(40, some);
        Assert.HasCount(100, more);
        CollectionAssert.IsSubsetOf(some, more);
        CollectionAssert.AreEqual(more.Order().ToArray(), more);
        CollectionAssert.AreNotEqual(some, PoolShare.Choose(200, 0.2, 2));
        Assert.HasCount(1, PoolShare.Choose(200, PoolShare.Least, 1));
        Assert.HasCount(200, PoolShare.Choose(200, 1, 1));
    }
}
