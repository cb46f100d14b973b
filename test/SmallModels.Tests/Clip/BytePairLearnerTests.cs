using AirMLNet.Clip;
using AirMLNet.Testing;

namespace AirMLNet.SmallModels.Tests;

[TestClass]
public sealed class BytePairLearnerTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void Frequent_words_become_one_token_and_any_other_text_survives_a_round_trip()
    {
        var size = BytePairLearner.Learn(Enumerable.Repeat("a photo of a kitten", 20), merges: 200, contextLength: 16, _folder);
        var tokenizer = ClipTokenizer.Load(_folder);
        Assert.AreEqual(tokenizer.VocabularySize, size);
        Assert.AreEqual(16, tokenizer.ContextLength);
        Assert.HasCount(1, tokenizer.Encode("kitten"));
        Assert.AreEqual("zebra été", tokenizer.Decode(tokenizer.Encode("Zebra été")).Trim());
    }

    [TestMethod]
    public void The_first_merge_is_the_most_frequent_pair_and_ties_are_ordinal()
    {
        BytePairLearner.Learn(["ab ab ab cd cd cd"], merges: 2, contextLength: 16, _folder);
        var lines = File.ReadAllLines(Path.Combine(_folder, "merges.txt"));
        CollectionAssert.AreEqual(new[] { "#version: 0.2", "a b</w>", "c d</w>" }, lines);
    }
}
