using System.Text.Json.Nodes;
using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipBackboneTests
{
    private readonly TemporaryFolder _folder = new();
    private DisposeScope? _scope;

    [TestInitialize]
    public void Create()
    {
        _scope = NewDisposeScope();
        WriteModel(_folder, 1);
    }

    [TestCleanup]
    public void Delete()
    {
        _scope!.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    public void OneInstanceIsSharedUntilTheLastRelease()
    {
        var first = ClipBackbone.Acquire(_folder);
        var second = ClipBackbone.Acquire(_folder + Path.DirectorySeparatorChar, CPU);
        Assert.AreSame(first, second);

        first.Release();
        using (var features = second.EncodeTexts(["a photo of a cat."]))
        {
            Assert.AreEqual(1f, features.norm().item<float>(), 1e-5f);
        }
        second.Release();

        Assert.ThrowsExactly<InvalidOperationException>(second.Release);
        var third = ClipBackbone.Acquire(_folder);
        Assert.AreNotSame(first, third);
        third.Release();
    }

    [TestMethod]
    [DataRow("config.json", """{ "model_type": "clip", "quantization_config": { "bits": 4 } }""", "quantization_config is {")]
    [DataRow(
        "config.json",
        """{ "vision_config": { "model_type": "siglip_vision_model" } }""",
        "vision_config.model_type is \"siglip_vision"
    )]
    [DataRow("config.json", """{ "text_config": { "model_type": "bert" } }""", "text_config.model_type is \"bert\"")]
    [DataRow("tokenizer_config.json", """{ "tokenizer_class": "BertTokenizer" }""", "tokenizer_class is \"BertTokenizer\"")]
    [DataRow("config.json", """{ "tokenizer_class": "T5Tokenizer" }""", "tokenizer_class is \"T5Tokenizer\"")]
    [DataRow("preprocessor_config.json", """{ "size": [32] }""", "size is [32], which has the wrong type")]
    [DataRow("preprocessor_config.json", """{ "crop_size": [32] }""", "crop_size is [32], which has the wrong type")]
    public void WhatAFileSaysOtherwise_IsRefusedByName_AlsoWhereTheShapesFit(string name, string said, string expected)
    {
        var path = Path.Combine(_folder, name);
        var root = File.Exists(path) ? (JsonObject)JsonNode.Parse(File.ReadAllText(path))! : [];
        Merge(root, (JsonObject)JsonNode.Parse(said)!);
        File.WriteAllText(path, root.ToJsonString());
        var message = Assert
            .ThrowsExactly<InvalidDataException>(() =>
            {
                var backbone = ClipBackbone.Acquire(_folder);
                try
                {
                    _ = backbone.Tokenizer;
                }
                finally
                {
                    backbone.Release();
                }
            })
            .Message;
        Assert.StartsWith($"{path}: {expected}", message);

        static void Merge(JsonObject into, JsonObject from)
        {
            foreach (var (key, value) in from)
            {
                if (value is JsonObject inner && into[key] is JsonObject there)
                {
                    Merge(there, inner);
                }
                else
                {
                    into[key] = value?.DeepClone();
                }
            }
        }
    }

    [TestMethod]
    [DataRow("config.json")]
    [DataRow("preprocessor_config.json")]
    [DataRow("tokenizer_config.json")]
    public void AFolderInThePlaceOfAFile_IsNoMissingFile(string name)
    {
        var path = Path.Combine(_folder, name);
        File.Delete(path);
        Directory.CreateDirectory(path);
        var message = Assert.ThrowsExactly<InvalidDataException>(() => ClipBackbone.Acquire(_folder).Tokenizer.ToString()).Message;
        Assert.AreEqual($"{path} is a folder; a file was expected.", message);
    }

    [TestMethod]
    public void APreprocessorOfAnotherSize_IsNamedByBothFilesAndKeys()
    {
        string preprocessor = Path.Combine(_folder, "preprocessor_config.json"),
            config = Path.Combine(_folder, "config.json");
        foreach (
            var (said, key) in new[]
            {
                ("""{ "crop_size": 24 }""", $"{preprocessor}: crop_size"),
                ("""{ "size": { "shortest_edge": 24 } }""", $"{preprocessor}: size.shortest_edge"),
            }
        )
        {
            File.WriteAllText(preprocessor, said);
            Assert.Contains(
                $"images are preprocessed to 24 pixels ({key}), but the model takes 12 ({config}: vision_config.image_size).",
                Assert.ThrowsExactly<InvalidDataException>(() => ClipBackbone.Acquire(_folder)).Message
            );
        }
    }

    [TestMethod]
    public void ItSurvivesTheScopeItWasMadeIn()
    {
        ClipBackbone backbone;
        using (NewDisposeScope())
        {
            backbone = ClipBackbone.Acquire(_folder);
        }
        using var features = backbone.EncodeTexts(["a dog", "a cat"]);
        CollectionAssert.AreEqual(new long[] { 2, 12 }, features.shape);
        backbone.Release();
    }

    [TestMethod]
    public void ReplacedWeightsAreAnotherInstance()
    {
        var first = ClipBackbone.Acquire(_folder);
        Assert.AreEqual(FileHash.Sha256(Path.Combine(_folder, "model.safetensors")), first.WeightsSha256);
        Assert.AreEqual(Path.GetFileName(_folder), first.Name);
        Assert.AreEqual(Math.Exp(2.6592), first.LogitScale, 1e-4);

        WriteModel(_folder, 2);
        File.SetLastWriteTimeUtc(Path.Combine(_folder, "model.safetensors"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var second = ClipBackbone.Acquire(_folder);

        Assert.AreNotSame(first, second);
        Assert.AreNotEqual(first.WeightsSha256, second.WeightsSha256);
        first.Release();
        second.Release();
    }

    /// <summary>Settings that change while a model is held are those of who asks next.</summary>
    [TestMethod]
    [DataRow("preprocessor_config.json", "}}", """}, "image_mean": [0.1, 0.2, 0.3] }""")]
    [DataRow("config.json", "\"num_attention_heads\": 2", "\"num_attention_heads\": 4")]
    [DataRow("tokenizer_config.json", "77", "9")]
    public void ChangedSettingsAreAnotherInstance(string file, string before, string after)
    {
        var path = Path.Combine(_folder, file);
        if (!File.Exists(path))
        {
            File.WriteAllText(path, """{ "model_max_length": 77 }""");
        }
        var first = ClipBackbone.Acquire(_folder);
        var facts = ClipFacts.Hash(first) + first.Tokenizer.ContextLength;
        var time = File.GetLastWriteTimeUtc(path);
        File.WriteAllText(path, File.ReadAllText(path).Replace(before, after, StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(path, time);

        var second = ClipBackbone.Acquire(_folder);

        Assert.AreNotSame(first, second);
        Assert.AreNotEqual(facts, ClipFacts.Hash(second) + second.Tokenizer.ContextLength);
        var third = ClipBackbone.Acquire(_folder);
        Assert.AreSame(second, third);
        Array.ForEach([first, second, third], b => b.Release());
    }

    /// <summary>As a cache holds them of which something was deleted.</summary>
    [TestMethod]
    public void OtherFilesOfTheFolderMayLeadNowhere()
    {
        File.CreateSymbolicLink(Path.Combine(_folder, "generation_config.json"), "../../blobs/gone");
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "");
        var backbone = ClipBackbone.Acquire(_folder);
        Assert.IsGreaterThan(0, backbone.FeatureDimension);
        backbone.Release();
    }

    [TestMethod]
    public void ImagesAreEncodedAloneAsInABatch()
    {
        var backbone = ClipBackbone.Acquire(_folder);
        const int Count = 7,
            Pixels = 3 * 12 * 12;
        var pixels = ClipModelTests.Values(ClipModelTests.Pixels(Count));
        var together = new float[Count * 12];
        backbone.EncodeImages(pixels, Count, together);

        for (var i = 0; i < Count; i++)
        {
            var alone = new float[12];
            backbone.EncodeImages(pixels.AsSpan(i * Pixels, Pixels), 1, alone);
            Assert.AreEqual(1.0, Math.Sqrt(alone.Sum(v => (double)v * v)), 1e-5);
            for (var d = 0; d < 12; d++)
            {
                Assert.AreEqual(together[(i * 12) + d], alone[d], 1e-5f);
            }
        }
        Assert.ThrowsExactly<ArgumentException>(() => backbone.EncodeImages(pixels, Count - 1, together));
        Assert.ThrowsExactly<ArgumentException>(() => backbone.EncodeImages(pixels, Count, new float[5]));
        backbone.Release();
    }

    [TestMethod]
    public void ConcurrentCallsGiveTheSameFeatures()
    {
        var backbone = ClipBackbone.Acquire(_folder);
        var pixels = ClipModelTests.Values(ClipModelTests.Pixels(4));
        var want = new float[4 * 12];
        backbone.EncodeImages(pixels, 4, want);
        var wantText = ClipModelTests.Values(backbone.EncodeTexts(["a photo of a cat."]));

        Parallel.For(
            0,
            24,
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            i =>
            {
                if (i % 2 == 0)
                {
                    var got = new float[want.Length];
                    backbone.EncodeImages(pixels, 4, got);
                    CollectionAssert.AreEqual(want, got);
                }
                else
                {
                    using var text = backbone.EncodeTexts(["a photo of a cat."]);
                    CollectionAssert.AreEqual(wantText, ClipModelTests.Values(text));
                }
            }
        );
        backbone.Release();
    }

    [TestMethod]
    public void ATextThatIsTooLongIsCut()
    {
        var backbone = ClipBackbone.Acquire(_folder);
        using var features = backbone.EncodeTexts([string.Join(' ', Enumerable.Repeat("cat", 40)), "cat"]);

        CollectionAssert.AreEqual(new long[] { 2, 12 }, features.shape);
        Assert.IsFalse(features.requires_grad);
        using var none = backbone.EncodeTexts([]);
        CollectionAssert.AreEqual(new long[] { 0, 12 }, none.shape);
        backbone.Release();
    }

    [TestMethod]
    public void APreprocessorOfAnotherSizeIsRefused()
    {
        File.WriteAllText(Path.Combine(_folder, "preprocessor_config.json"), """{"size":224,"crop_size":224}""");

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ClipBackbone.Acquire(_folder)).Message, "224");
    }

    /// <summary>As the cache of huggingface_hub keeps files.</summary>
    [TestMethod]
    public void WeightsBehindLinksAreRead_AndLoadedAnewWhenTheyChange()
    {
        using var cache = new TemporaryFolder();
        var snapshot = Directory.CreateDirectory(Path.Combine(cache, "snapshots", "abc")).FullName;
        void Link(string name)
        {
            var blob = Path.Combine(cache, name + ".blob");
            File.Copy(Path.Combine(_folder, name), blob, overwrite: true);
            File.Delete(Path.Combine(snapshot, name));
            File.CreateSymbolicLink(Path.Combine(snapshot, name), Path.Combine("..", "..", name + ".blob"));
        }

        string Weights()
        {
            var backbone = ClipBackbone.Acquire(snapshot);
            backbone.Release();
            return backbone.WeightsSha256;
        }

        Array.ForEach(Directory.GetFiles(_folder), file => Link(Path.GetFileName(file)));
        Assert.AreEqual(FileHash.Sha256(Path.Combine(_folder, "model.safetensors")), Weights());
        WriteModel(_folder, 2);
        File.Copy(Path.Combine(_folder, "model.safetensors"), Path.Combine(cache, "model.safetensors.blob"), overwrite: true);
        File.SetLastWriteTimeUtc(Path.Combine(cache, "model.safetensors.blob"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.AreEqual(FileHash.Sha256(Path.Combine(_folder, "model.safetensors")), Weights());
    }

    [TestMethod]
    public void ATokenizerOfAnotherModel_IsRefused()
    {
        var config = ClipModelTests.Small with { Text = ClipModelTests.Small.Text with { VocabularySize = 600 } };
        using (var generator = new Generator(1))
        using (var model = new ClipModel(config, generator))
        {
            model.Save(_folder, ScalarType.Float32);
        }

        var backbone = ClipBackbone.Acquire(_folder);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => backbone.EncodeTexts(["a cat"]));
        Assert.Contains("the tokenizer does not belong to the model", e.Message);
        Assert.Contains("49407", e.Message);
        backbone.Release();
    }

    /// <summary>Embeddings are padded to a round number of rows, which no id reaches.</summary>
    [TestMethod]
    [DataRow(49408 + 64, 2, true)]
    [DataRow(49408 + 127, null, true)]
    [DataRow(49408 + 128, 2, false)]
    [DataRow(49408 - 1, 2, false)]
    [DataRow(49408 + 64, 49408 + 63, false)]
    public void AFewRowsThatNoIdReaches_AreNoOtherModels(int rows, int? end, bool fits)
    {
        var config = ClipModelTests.Small with { Text = ClipModelTests.Small.Text with { VocabularySize = rows, EndToken = end } };
        using (var generator = new Generator(1))
        using (var model = new ClipModel(config, generator))
        {
            model.Save(_folder, ScalarType.Float32);
        }

        var backbone = ClipBackbone.Acquire(_folder);
        if (fits)
        {
            using var features = backbone.EncodeTexts(["a cat"]);
            Assert.AreEqual(1f, features.norm().item<float>(), 1e-5f);
        }
        else
        {
            var e = Assert.ThrowsExactly<InvalidDataException>(() => backbone.EncodeTexts(["a cat"]));
            Assert.Contains("the tokenizer does not belong to the model", e.Message);
        }
        backbone.Release();
    }

    [TestMethod]
    public void FeaturesThatAreNoNumbers_AreRefused()
    {
        var backbone = ClipBackbone.Acquire(_folder);
        using (no_grad())
        {
            backbone.Model.state_dict()["vision_model.post_layernorm.weight"].fill_(float.NaN);
            backbone.Model.state_dict()["text_model.final_layer_norm.weight"].fill_(float.PositiveInfinity);
        }

        var size = backbone.Preprocessor.Size;
        void Images() => backbone.EncodeImages(new float[3 * size * size], 1, new float[backbone.FeatureDimension]);
        Assert.Contains("not numbers", Assert.ThrowsExactly<InvalidDataException>(Images).Message);
        Assert.Contains("not numbers", Assert.ThrowsExactly<InvalidDataException>(() => backbone.EncodeTexts(["a cat"])).Message);
        backbone.Release();
    }

    private static void WriteModel(string folder, ulong seed)
    {
        var config = ClipModelTests.Small with { Text = ClipModelTests.Small.Text with { VocabularySize = 49408 } };
        using var generator = new Generator(seed);
        using var model = new ClipModel(config, generator);
        model.Save(folder, ScalarType.Float32);
        File.Copy(
            TestData.Path("golden/tokenizer/bpe_simple_vocab_16e6.txt.gz"),
            Path.Combine(folder, "bpe_simple_vocab_16e6.txt.gz"),
            true
        );
        File.WriteAllText(
            Path.Combine(folder, "preprocessor_config.json"),
            """{"size":{"shortest_edge":12},"crop_size":{"height":12,"width":12}}"""
        );
    }
}
