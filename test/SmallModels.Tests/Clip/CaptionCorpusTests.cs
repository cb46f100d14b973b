namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class CaptionCorpusTests
{
    private const int Cat = 3;

    [TestMethod]
    public void Same_seed_gives_the_same_captions_and_another_seed_others()
    {
        string[] Titles(int seed)
        {
            var corpus = new CaptionCorpus(0.06, 0.1, seed);
            return [.. Enumerable.Range(0, 50).Select(i => corpus.Title(i, Cat))];
        }

        CollectionAssert.AreEqual(Titles(1), Titles(1));
        CollectionAssert.AreNotEqual(Titles(1), Titles(2));
    }

    [TestMethod]
    public void Names_are_as_rare_as_asked()
    {
        var corpus = new CaptionCorpus(nameShare: 0.25, wrongShare: 0, seed: 5);
        var named = Enumerable.Range(0, 4000).Count(i => corpus.Title(i, Cat).Split(' ', '.', ',').Contains("cat"));
        // 4000 draws at 0.25: standard deviation 0.7 %.
        Assert.AreEqual(0.25, named / 4000.0, 0.03);
    }

    [TestMethod]
    public void Without_names_and_mistakes_a_cat_is_never_called_cat_nor_a_vehicle()
    {
        var corpus = new CaptionCorpus(nameShare: 0, wrongShare: 0, seed: 5);
        var text = string.Join('\n', Enumerable.Range(0, 2000).SelectMany(i => new[] { corpus.Title(i, Cat), corpus.Description(i, Cat) }));
        Assert.DoesNotContain("vehicle", text);
        Assert.IsFalse(text.Split(' ', '\n', ',', '.').Contains("cat"));
        Assert.Contains("kitten", text);
    }

    [TestMethod]
    public void Wrong_captions_speak_of_other_classes()
    {
        var corpus = new CaptionCorpus(nameShare: 1, wrongShare: 1, seed: 5);
        var names = Enumerable.Range(0, 1000).Select(i => corpus.Title(i, Cat)).ToList();
        foreach (var name in Cifar10.ClassNames)
        {
            Assert.IsTrue(names.Any(n => n.Contains(name, StringComparison.Ordinal)), name);
        }
    }
}
