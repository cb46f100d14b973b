using System.Text.Json.Nodes;
using AirMLNet.Llava;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Llava;

[TestClass]
public sealed class LlamaTokenizerTests
{
    private static readonly string[] Tokens = ["▁", "a", "b", "c", "ab", "▁a", "bc", "▁ab", "▁abc"];
    private const int First = 259;
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow("abc", new[] { "▁abc" })] // bc is merged first, and a with it never
    [DataRow("ab", new[] { "▁ab" })]
    [DataRow("c b", new[] { "▁", "c", "▁", "b" })]
    [DataRow(" ab", new[] { "▁", "▁ab" })] // one blank is put before each text, whatever it begins with
    [DataRow("", new string[0])]
    public void MergesTheLowestRankFirst(string text, string[] tokens)
    {
        string[] merges = ["a b", "▁ ab", "b c", "▁ab c", "▁ a"];
        var tokenizer = Load(TinyLlava.Tokenizer(Tokens, merges));

        var ids = tokenizer.Encode(text);

        int[] expected = [1, .. tokens.Select(t => First + Array.IndexOf(Tokens, t))];
        CollectionAssert.AreEqual(expected, ids);
        Assert.AreEqual(text, tokenizer.Decode(ids));
        CollectionAssert.AreEqual(expected[1..], tokenizer.Encode(text, frame: false));
    }

    [TestMethod]
    public void AnEarlierRankWinsOverAnEarlierPlace()
    {
        var tokenizer = Load(TinyLlava.Tokenizer(Tokens, ["b c", "a b"]));

        CollectionAssert.AreEqual(Ids("▁", "a", "bc"), tokenizer.Encode("abc", frame: false));
    }

    [TestMethod]
    public void WhatTheVocabularyLacksBecomesBytes_AndComesBack()
    {
        var tokenizer = Load(TinyLlava.Tokenizer(Tokens, []));

        // é is C3 A9 and 🙂 is F0 9F 99 82; a byte b has the id b + 3.
        CollectionAssert.AreEqual(
            (int[])[First, 3 + 0xC3, 3 + 0xA9, 3 + 0x0A, 3 + 0xF0, 3 + 0x9F, 3 + 0x99, 3 + 0x82],
            tokenizer.Encode("é\n🙂", frame: false)
        );
        Assert.AreEqual("é\n🙂", tokenizer.Decode(tokenizer.Encode("é\n🙂")));
        Assert.AreEqual("a\uFFFDb", tokenizer.Decode([First + 1, 3 + 0xC3, First + 2]));
    }

    [TestMethod]
    public void WithoutBytesNeighboursThatAreUnknownBecomeOne()
    {
        var file = TinyLlava.Tokenizer(Tokens, []);
        file["model"]!["byte_fallback"] = false;
        CollectionAssert.AreEqual(Ids("▁").Concat([0]).Concat(Ids("a")).ToArray(), Load(file).Encode("xya", frame: false));

        file["model"]!["fuse_unk"] = false;
        CollectionAssert.AreEqual(Ids("▁").Concat([0, 0]).Concat(Ids("a")).ToArray(), Load(file).Encode("xya", frame: false));
    }

    [TestMethod]
    public void AddedTokensAreFoundFirst_AndEachPartBetweenThemGetsABlank()
    {
        var tokenizer = Load(TinyLlava.Tokenizer(Tokens, []));
        var image = First + Tokens.Length;

        CollectionAssert.AreEqual((int[])[1, .. Ids("▁", "a", "▁"), image, .. Ids("▁", "b"), 2], tokenizer.Encode("a <image>b</s>"));
        Assert.AreEqual("a  b", tokenizer.Decode(tokenizer.Encode("a <image>b</s>")));
        Assert.AreEqual(image, tokenizer.Id("<image>"));
        Assert.IsNull(tokenizer.Id("<video>"));
        Assert.IsTrue(tokenizer.IsSpecial(image));
        Assert.AreEqual(image + 1, tokenizer.Count);
    }

    [TestMethod]
    [DataRow("first", "a <image>b", new[] { "▁", "a", "▁", "<image>", "b" })]
    [DataRow("always", "a<image> b", new[] { "▁", "a", "<image>", "▁", "b" })]
    [DataRow("never", "a <image>b", new[] { "a", "▁", "<image>", "b" })]
    public void LaterFilesSayInThePreTokenizerWhereBlanksGo(string scheme, string text, string[] expected)
    {
        var file = TinyLlava.Tokenizer(Tokens, []);
        file["normalizer"] = null;
        file["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Metaspace",
            ["replacement"] = "▁",
            ["prepend_scheme"] = scheme,
            ["split"] = false,
        };
        var image = First + Tokens.Length;

        var ids = Load(file).Encode(text, frame: false);

        CollectionAssert.AreEqual(expected.Select(t => t == "<image>" ? image : First + Array.IndexOf(Tokens, t)).ToArray(), ids);
    }

    [TestMethod]
    public void AnAddedTokenMayTakeTheBlanksAroundIt()
    {
        var file = TinyLlava.Tokenizer(Tokens, []);
        file["added_tokens"]![3]!["lstrip"] = true;

        CollectionAssert.AreEqual((int[])[.. Ids("▁", "a"), First + Tokens.Length], Load(file).Encode("a  <image>", frame: false));
    }

    [TestMethod]
    public void MergesMayBeListsOfTwo()
    {
        var file = TinyLlava.Tokenizer(Tokens, []);
        file["model"]!["merges"] = new JsonArray(new JsonArray("a", "b"));

        CollectionAssert.AreEqual(Ids("▁", "ab"), Load(file).Encode("ab", frame: false));
    }

    [TestMethod]
    public void ALongTextOfOneLetterIsMergedAsAShortOne()
    {
        var tokenizer = Load(TinyLlava.Tokenizer(["▁", "a", "aa", "aaaa"], ["a a", "aa aa"]));

        var ids = tokenizer.Encode(new string('a', 40_002), frame: false);

        Assert.HasCount(1 + 10_000 + 1, ids);
        Assert.IsTrue(ids[1..^1].All(i => i == First + 3));
        Assert.AreEqual(First + 2, ids[^1]);
    }

    [TestMethod]
    [DataRow(
        """{ "type": "ByteLevel" }""",
        "pre_tokenizer is {\"type\":\"ByteLevel\"}, which is not supported; it must be null, or Metaspace"
    )]
    public void OtherKindsAreRefusedByName(string preTokenizer, string message)
    {
        var file = TinyLlava.Tokenizer(Tokens, []);
        file["pre_tokenizer"] = JsonNode.Parse(preTokenizer);

        Assert.Contains(message, Assert.ThrowsExactly<InvalidDataException>(() => Load(file)).Message);
    }

    [TestMethod]
    public void DamageIsNamed()
    {
        var file = TinyLlava.Tokenizer(Tokens, ["a z"]);
        Assert.Contains("model.merges[0] must be two tokens", Assert.ThrowsExactly<InvalidDataException>(() => Load(file)).Message);

        file = TinyLlava.Tokenizer(Tokens, []);
        file.Remove("model");
        Assert.Contains("model must be an object", Assert.ThrowsExactly<InvalidDataException>(() => Load(file)).Message);

        file = TinyLlava.Tokenizer(Tokens, []);
        file["model"]!["vocab"] = "none";
        Assert.Contains("no tokenizer of Llama's kind", Assert.ThrowsExactly<InvalidDataException>(() => Load(file)).Message);

        file = TinyLlava.Tokenizer(Tokens, []);
        file["normalizer"] = null;
        Assert.Contains("replaces spaces", Assert.ThrowsExactly<InvalidDataException>(() => Load(file)).Message);

        Assert.ThrowsExactly<FileNotFoundException>(() => LlamaTokenizer.Load(Path.Combine(_folder, "none")));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Load(TinyLlava.Tokenizer(Tokens, [])).Decode([9999]));
    }

    private static int[] Ids(params string[] tokens) => [.. tokens.Select(t => First + Array.IndexOf(Tokens, t))];

    private LlamaTokenizer Load(JsonObject file)
    {
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), file.ToJsonString());
        return LlamaTokenizer.Load(_folder);
    }
}
