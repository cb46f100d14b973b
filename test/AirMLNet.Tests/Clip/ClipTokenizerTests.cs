using AirMLNet.Clip;
using AirMLNet.Verification;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipTokenizerTests
{
    [TestMethod]
    public void Equals_the_reference_on_every_text()
    {
        var report = CaseVerifier.Verify(TestData.Path("golden/tokenizer"));
        Assert.IsTrue(report.Passed, string.Join('\n', report.Rows));
    }

    [TestMethod]
    public void A_long_text_is_cut_with_the_end_token_last_or_refused()
    {
        var tokenizer = ClipTokenizer.Load(TestData.Path("golden/tokenizer"));
        var text = string.Join(' ', Enumerable.Repeat("dog", 100));
        var ids = tokenizer.Tokenize(text);
        Assert.HasCount(77, ids);
        Assert.AreEqual(tokenizer.EndToken, ids[^1]);
        Assert.ThrowsExactly<ArgumentException>(() => tokenizer.Tokenize(text, truncate: false));
    }

    [TestMethod]
    public void A_folder_without_vocabulary_says_what_was_looked_for()
    {
        var folder = Directory.CreateTempSubdirectory("airml-tokenizer").FullName;
        try
        {
            var e = Assert.ThrowsExactly<FileNotFoundException>(() => ClipTokenizer.Load(folder));
            Assert.Contains("merges.txt", e.Message);

            File.WriteAllText(Path.Combine(folder, "vocab.json"), """{"a": 0, "b": 1}""");
            File.WriteAllText(Path.Combine(folder, "merges.txt"), "#version: 0.2\na b\n");
            var incomplete = Assert.ThrowsExactly<InvalidDataException>(() => ClipTokenizer.Load(folder));
            Assert.Contains("<|startoftext|>", incomplete.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
