using System.Globalization;
using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Clip;

/// <summary>A tokenizer is the same however it is shipped.</summary>
[TestClass]
public sealed class FastTokenizerTests
{
    private const string Normalizer = """
        { "type": "Sequence", "normalizers": [{ "type": "NFC" }, { "type": "Replace", "pattern": { "Regex": "\\s+" }, "content": " " }, { "type": "Lowercase" }] }
        """;

    private const string PreTokenizer = """
        { "type": "Sequence", "pretokenizers": [
          { "type": "Split", "behavior": "Removed", "invert": true,
            "pattern": { "Regex": "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" } },
          { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true }] }
        """;

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void OneFileGivesTheIdsOfTwo(bool pairs)
    {
        Write(pairs, _ => { });
        var (slow, fast) = (ClipTokenizer.Load(TinyModels.Clip), ClipTokenizer.Load(_folder));
        foreach (var text in new[] { "a photo of a cat.", "ship", "caf\u00e9 & 12", "<|endoftext|> x" })
        {
            CollectionAssert.AreEqual(slow.Encode(text), fast.Encode(text), text);
        }
    }

    [TestMethod]
    public void AnotherTokenizersFileIsRefusedByName()
    {
        Write(false, json => json["model"]!["type"] = "Unigram");
        Assert.Contains("model.type is \"Unigram\"", Refused());
        Write(false, json => json["model"]!["end_of_word_suffix"] = null);
        Assert.Contains("end_of_word_suffix", Refused());
        Write(false, json => json["model"]!["merges"] = new JsonArray("a b c"));
        Assert.Contains("merges", Refused());
        Write(false, json => ((JsonArray)json["normalizer"]!["normalizers"]!).RemoveAt(2));
        Assert.Contains("normalizer is {\"type\":\"Sequence\"", Refused());
        Assert.Contains("it must be one with Lowercase", Refused());
        Write(false, json => json["normalizer"] = null);
        Assert.Contains("it must be one with Lowercase", Refused());
        Write(false, json => json["normalizer"]!["normalizers"]![0]!["type"] = "StripAccents");
        Assert.Contains("it must be of NFC, Replace, Lowercase alone", Refused());
        Write(false, json => json["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel" });
        Assert.Contains("it must be one that splits by CLIP's expression", Refused());
        Write(false, json => json["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace" });
        Assert.Contains("it must be of Split, ByteLevel alone", Refused());
        Write(false, json => json["added_tokens"] = new JsonArray(new JsonObject { ["content"] = "<|endoftext|>", ["id"] = 1 }));
        Assert.Contains("added token", Refused());
    }

    [TestMethod]
    [DataRow("tokenizer.json", """{ "content": "<cat-toy>", "id": ID }""")]
    [DataRow("tokenizer_config.json", """{ "added_tokens_decoder": { "ID": { "content": "<cat-toy>" } } }""")]
    [DataRow("added_tokens.json", """{ "<cat-toy>": ID }""")]
    public void WordsOfTheirOwnAreRefusedWhereverTheyAreAdded(string file, string added)
    {
        var text = added.Replace("ID", ClipTokenizer.Load(TinyModels.Clip).VocabularySize.ToString(CultureInfo.InvariantCulture));
        foreach (var slow in new[] { false, true })
        {
            if (slow)
            {
                WriteSlow(_ => { });
            }
            Write(
                false,
                json =>
                {
                    if (file == "tokenizer.json")
                    {
                        json["added_tokens"] = new JsonArray(JsonNode.Parse(text));
                    }
                }
            );
            if (file != "tokenizer.json")
            {
                File.WriteAllText(_folder[file], text);
            }
            var message = Refused();
            Assert.StartsWith($"{_folder[file]} adds '<cat-toy>'", message);
        }
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheVocabularysOwnTokensMayBeAddedAgain_AndStartAndEndMayBeAddedAlone(bool slow)
    {
        var want = ClipTokenizer.Load(TinyModels.Clip);
        var (start, end) = (want.StartToken, want.EndToken);
        var added = $$"""{ "<|startoftext|>": {{start}}, "<|endoftext|>": {{end}} }""";
        var decoder = $$"""{ "{{start}}": { "content": "<|startoftext|>" }, "{{end}}": { "content": "<|endoftext|>" } }""";
        foreach (var alone in new[] { false, true })
        {
            void Without(JsonObject vocabulary)
            {
                foreach (var token in alone ? new[] { "<|startoftext|>", "<|endoftext|>" } : [])
                {
                    vocabulary.Remove(token);
                }
            }
            if (slow)
            {
                WriteSlow(Without);
            }
            else
            {
                Write(false, json => Without((JsonObject)json["model"]!["vocab"]!));
            }
            File.WriteAllText(_folder["added_tokens.json"], added);
            File.WriteAllText(_folder["tokenizer_config.json"], $$"""{ "added_tokens_decoder": {{decoder}} }""");
            var made = ClipTokenizer.Load(_folder);
            Assert.AreEqual((start, end, want.VocabularySize), (made.StartToken, made.EndToken, made.VocabularySize));
            CollectionAssert.AreEqual(want.Encode("a cat <|endoftext|>"), made.Encode("a cat <|endoftext|>"));
        }
        File.WriteAllText(_folder["added_tokens.json"], """{ "<|endoftext|>": 1 }""");
        Assert.Contains("the added token '<|endoftext|>' has id ", Refused());
    }

    /// <summary>Libraries differ in which of the two they take.</summary>
    [TestMethod]
    public void TwoTokenizersInOneFolderMustBeTheSame()
    {
        WriteSlow(_ => { });
        Write(true, _ => { });
        Assert.IsGreaterThan(0, ClipTokenizer.Load(_folder).VocabularySize);
        Write(
            true,
            json =>
            {
                var merges = (JsonArray)json["model"]!["merges"]!;
                var first = merges[0]!.DeepClone();
                merges.RemoveAt(0);
                merges.Add(first);
            }
        );
        Assert.StartsWith($"{_folder["tokenizer.json"]} is another tokenizer than {_folder["vocab.json"]}", Refused());
        Write(
            true,
            json =>
            {
                var vocabulary = (JsonObject)json["model"]!["vocab"]!;
                (vocabulary["a"], vocabulary["b"]) = ((int)vocabulary["b"]!, (int)vocabulary["a"]!);
            }
        );
        Assert.StartsWith($"{_folder["tokenizer.json"]} is another tokenizer than", Refused());
    }

    /// <summary>A list of merges that was cut off makes other tokens in silence; what is no list of ids is said in words.</summary>
    [TestMethod]
    public void FilesThatAreCutOrOthersAreRefused()
    {
        var clip = TinyData.MiniClip();
        foreach (var name in new[] { "vocab.json", "merges.txt" })
        {
            File.Copy(ClipTokenizerFiles.Find(clip, name)!, _folder[name]);
        }
        var ids = ClipTokenizer.Load(_folder).Encode("a photo of a ship");
        var vocabulary = File.ReadAllText(_folder["vocab.json"]);
        File.WriteAllText(_folder["vocab.json"], vocabulary, new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        CollectionAssert.AreEqual(ids, ClipTokenizer.Load(_folder).Encode("a photo of a ship"));
        var merges = File.ReadAllLines(_folder["merges.txt"]);
        File.WriteAllLines(_folder["merges.txt"], merges[..(merges.Length / 2)]);
        Assert.Contains("the list of merges is cut off", Refused());
        File.WriteAllText(_folder["vocab.json"], "[1]");
        Assert.Contains("vocab.json, line 1: no object of tokens and their ids", Refused());
        File.WriteAllText(_folder["vocab.json"], "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n");
        Assert.Contains("is a pointer of Git LFS", Refused());
    }

    [TestMethod]
    public void TheHashIsOfWhatDecidesTheIds()
    {
        Write(false, _ => { });
        var (slow, fast) = (ClipTokenizer.Load(TinyModels.Clip), ClipTokenizer.Load(_folder));
        Assert.AreEqual(slow.Sha256.Split(' ')[0], fast.Sha256.Split(' ')[0]);
        File.WriteAllText(_folder["tokenizer_config.json"], """{ "model_max_length": 9 }""");
        Assert.AreNotEqual(fast.Sha256, ClipTokenizer.Load(_folder).Sha256);
        Write(false, json => ((JsonArray)json["model"]!["merges"]!).RemoveAt(0));
        Assert.AreNotEqual(fast.Sha256.Split(' ')[0], ClipTokenizer.Load(_folder).Sha256.Split(' ')[0]);
    }

    [TestMethod]
    public void TheContextIsNeverLongerThanTheModels()
    {
        var folder = TinyModels.Copy(TinyModels.Clip, _folder["clip"]);
        var places = ClipTokenizer.Load(folder).ContextLength;
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{ "model_max_length": 770 }""");
        Assert.AreEqual(places, ClipTokenizer.Load(folder).ContextLength);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{ "model_max_length": 9 }""");
        Assert.AreEqual(9, ClipTokenizer.Load(folder).ContextLength);
    }

    [TestMethod]
    public void ImagesNeedNoTokenizer()
    {
        var folder = TinyModels.Copy(TinyModels.Clip, _folder["images"]);
        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "vocab.json" or "merges.txt" or "tokenizer.json")
            {
                File.Delete(file);
            }
        }

        var clip = ClipBackbone.Acquire(folder);
        try
        {
            Assert.IsGreaterThan(0, clip.FeatureDimension);
            Assert.Contains("holds no tokenizer", Assert.ThrowsExactly<FileNotFoundException>(() => clip.EncodeTexts(["a"])).Message);
        }
        finally
        {
            clip.Release();
        }
    }

    [TestMethod]
    public void AWordHasTheSameIdsInBothUnicodeForms()
    {
        var tokenizer = ClipTokenizer.Load(TinyModels.Clip);
        CollectionAssert.AreEqual(tokenizer.Encode("caf\u00e9"), tokenizer.Encode("cafe\u0301"));
    }

    private void Write(bool pairs, Action<JsonObject> change)
    {
        var vocabulary = JsonNode.Parse(File.ReadAllText(ClipTokenizerFiles.Find(TinyModels.Clip, "vocab.json")!))!;
        var merges = File.ReadLines(ClipTokenizerFiles.Find(TinyModels.Clip, "merges.txt")!).Where(l => l.Length > 0 && !l.StartsWith('#'));
        var root = new JsonObject
        {
            ["normalizer"] = JsonNode.Parse(Normalizer),
            ["pre_tokenizer"] = JsonNode.Parse(PreTokenizer),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["end_of_word_suffix"] = "</w>",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([
                    .. merges.Select(m => pairs ? (JsonNode)new JsonArray([.. m.Split(' ').Select(s => (JsonNode)s)]) : m),
                ]),
            },
        };
        change(root);
        File.WriteAllText(_folder["tokenizer.json"], root.ToJsonString());
    }

    private void WriteSlow(Action<JsonObject> change)
    {
        var vocabulary = (JsonObject)JsonNode.Parse(File.ReadAllText(ClipTokenizerFiles.Find(TinyModels.Clip, "vocab.json")!))!;
        change(vocabulary);
        File.WriteAllText(_folder["vocab.json"], vocabulary.ToJsonString());
        File.Copy(ClipTokenizerFiles.Find(TinyModels.Clip, "merges.txt")!, _folder["merges.txt"], overwrite: true);
    }

    private string Refused() => Assert.ThrowsExactly<InvalidDataException>(() => ClipTokenizer.Load(_folder)).Message;
}
