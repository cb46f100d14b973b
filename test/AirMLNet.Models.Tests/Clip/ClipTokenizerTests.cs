using AirMLNet.Clip;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipTokenizerTests
{
    [TestMethod]
    public void Ascii_takes_a_shorter_way_to_the_same_ids()
    {
        var tokenizer = ClipTokenizer.Load(TestData.Path("golden/tokenizer"));
        var random = new Random(5);
        string[] parts =
        [
            "'s",
            "'LL",
            "'re",
            "'x",
            "<|endoftext|>",
            "<|start",
            "don't",
            "A",
            "dog",
            " ",
            "  ",
            "\t",
            "\u001c",
            "\0",
            "42",
            "!?",
            "'",
            "<",
            "...'d",
            "Zebra",
        ];
        for (var i = 0; i < 5000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => parts[random.Next(parts.Length)]));
            Assert.IsTrue(ClipAsciiSplitter.Takes(text));
            List<int> general = [];
            foreach (var piece in ClipTextSplitter.Split(ClipTextSplitter.Clean(text)))
            {
                tokenizer.AppendPiece(piece, general);
            }

            CollectionAssert.AreEqual(general, tokenizer.Encode(text), text);
        }

        Assert.IsFalse(ClipAsciiSplitter.Takes("caf\u00e9"));
        Assert.IsFalse(ClipAsciiSplitter.Takes("salt &amp; pepper"));
        Assert.IsFalse(ClipAsciiSplitter.Takes(new string('a', 5000)));
    }

    /// <summary>Python's <c>str.lower()</c> of the same texts.</summary>
    [TestMethod]
    [DataRow("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2")]
    [DataRow("\u039f\u0394\u039f\u03a3 \u0130stanbul", "\u03bf\u03b4\u03bf\u03c2 i\u0307stanbul")]
    [DataRow("\u039f\u0394\u039f\u03a3\u0348caf\u00e9", "\u03bf\u03b4\u03bf\u03c3\u0348caf\u00e9")]
    [DataRow("\u039f\u0394\u039f\u03a3.a", "\u03bf\u03b4\u03bf\u03c3.a")]
    [DataRow("\u039f\u0394\u039f\u03a3. a", "\u03bf\u03b4\u03bf\u03c2. a")]
    [DataRow("\u03a3", "\u03c3")]
    [DataRow("A\u03a3\u200bB", "a\u03c3\u200bb")]
    [DataRow("\u2167\u03a3 1", "\u2177\u03c2 1")]
    [DataRow("1\u03a3", "1\u03c3")]
    [DataRow("'\u03a3", "'\u03c3")]
    [DataRow("A'\u03a3", "a'\u03c2")]
    [DataRow("\u039f\u0394\u039f\u03a3\u2167", "\u03bf\u03b4\u03bf\u03c3\u2177")]
    [DataRow("\u03a3\u03a3", "\u03c3\u03c2")]
    [DataRow("\u0130\u03a3", "i\u0307\u03c2")]
    [DataRow("\u1e9e\u03a3\uac01", "\u00df\u03c2\uac01")]
    [DataRow("\U0001d400\u03a3", "\U0001d400\u03c2")]
    [DataRow("\u00aa\u03a3", "\u00aa\u03c2")]
    [DataRow("\u0391\u03a3\u02bc", "\u03b1\u03c2\u02bc")]
    [DataRow("\u0391\u03a3\u02bc\u0391", "\u03b1\u03c3\u02bc\u03b1")]
    [DataRow("\u0391\u03a3\U00010400", "\u03b1\u03c3\U00010428")]
    public void Lower_case_is_pythons(string text, string lower) => Assert.AreEqual(lower, ClipTextSplitter.Clean(text));

    [TestMethod]
    public void Ids_are_written_over_whatever_was_there()
    {
        var tokenizer = ClipTokenizer.Load(TestData.Path("golden/tokenizer"));
        var ids = new long[77];
        Array.Fill(ids, 7);
        tokenizer.Tokenize("a dog", ids);
        CollectionAssert.AreEqual(tokenizer.Tokenize("a dog"), ids);
        CollectionAssert.AreEqual(new long[] { 49406, 320, 1929, 49407, 0 }, ids[..5]);
        Assert.ThrowsExactly<ArgumentException>(() => tokenizer.Tokenize("a dog", new long[76]));
    }

    [TestMethod]
    public void A_diffusion_model_is_padded_with_its_own_token()
    {
        using var folder = new TemporaryFolder();
        var clip = Path.Combine(TestData.Root, "..", "..", "models", "mini-clip");
        foreach (var file in new[] { "vocab.json", "merges.txt" })
        {
            File.Copy(Path.Combine(clip, file), Path.Combine(folder, file));
        }

        void Config(string file, string json) => File.WriteAllText(Path.Combine(folder, file), json);
        long[] Padded() => ClipTokenizer.LoadPadded(folder).Tokenize("a cat");
        var plain = ClipTokenizer.Load(folder).Tokenize("a cat");
        var ids = Padded();
        var end = Array.IndexOf(ids, ids[^1]);
        CollectionAssert.AreEqual(plain[..(end + 1)], ids[..(end + 1)]);
        Assert.IsTrue(ids[end..].All(i => i == ClipTokenizer.Load(folder).EndToken)); // nothing is said: the end token
        Config("special_tokens_map.json", """{ "pad_token": "!" }""");
        Assert.AreEqual(0, Padded()[^1]);
        Config("tokenizer_config.json", """{ "model_max_length": 40, "pad_token": { "content": "<|endoftext|>" } }""");
        Assert.HasCount(40, Padded());
        Assert.AreEqual(ids[end], Padded()[^1]);
        Config("tokenizer_config.json", """{ "pad_token": "<none>" }""");
        Assert.Contains("'<none>'", Assert.ThrowsExactly<InvalidDataException>(() => Padded()).Message);
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
        using var folder = new TemporaryFolder();
        var e = Assert.ThrowsExactly<FileNotFoundException>(() => ClipTokenizer.Load(folder));
        Assert.Contains("merges.txt", e.Message);

        File.WriteAllText(Path.Combine(folder, "vocab.json"), """{"a": 0, "b": 1}""");
        File.WriteAllText(Path.Combine(folder, "merges.txt"), "#version: 0.2\na b\n");
        var incomplete = Assert.ThrowsExactly<InvalidDataException>(() => ClipTokenizer.Load(folder));
        Assert.Contains("<|startoftext|>", incomplete.Message);
    }
}
