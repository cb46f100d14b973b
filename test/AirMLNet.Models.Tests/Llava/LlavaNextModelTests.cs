using System.Text.Json.Nodes;
using AirMLNet.Layers;
using AirMLNet.Llava;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Llava;

[TestClass]
public sealed class LlavaNextModelTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void BothLayoutsOfCheckpointsAndShardsGiveTheSameModel()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        static string New(string name) =>
            name.StartsWith("language_model.model.", StringComparison.Ordinal)
                ? "model.language_model." + name["language_model.model.".Length..]
            : name.StartsWith("language_model.lm_head", StringComparison.Ordinal) ? name["language_model.".Length..]
            : "model." + name;
        var expected = Logits(TinyLlava.Create(_folder["old"]));
        foreach (
            var folder in new[]
            {
                TinyLlava.Create(_folder["new"], New),
                TinyLlava.Create(_folder["flat"], n => New(n).Replace("vision_model.", "", StringComparison.Ordinal)),
                TinyLlava.Create(_folder["shards"], shards: 3),
            }
        )
        {
            Assert.IsTrue(expected.equal(Logits(folder)).all().item<bool>(), folder);
        }
    }

    [TestMethod]
    public void AMissingShardIsNamed()
    {
        TinyLlava.Create(_folder["m"], shards: 3);
        File.Delete(_folder["m", "model-00002-of-00003.safetensors"]);

        var error = Assert.ThrowsExactly<FileNotFoundException>(() => LlavaNextModel.Load(_folder["m"]));

        Assert.Contains("model-00002-of-00003.safetensors, which is not in the folder", error.Message);
    }

    [TestMethod]
    public void WeightsOfAnotherModelAreRefused()
    {
        TinyLlava.Create(_folder["a"], n => n.Replace("language_model", "decoder", StringComparison.Ordinal));
        Assert.Contains("holds no LLaVA-NeXT", Assert.ThrowsExactly<InvalidDataException>(() => LlavaNextModel.Load(_folder["a"])).Message);

        TinyLlava.Create(_folder["b"], n => n.Replace("image_newline", "image_end", StringComparison.Ordinal));
        var error = Assert.ThrowsExactly<InvalidDataException>(() => LlavaNextModel.Load(_folder["b"])).Message;
        Assert.Contains("1 missing: image_newline", error);
        Assert.Contains("1 left over: image_end", error);
    }

    [TestMethod]
    [DataRow("projector_hidden_act", "\"relu\"", "projector_hidden_act is \"relu\", which is not supported; \"gelu\" is.")]
    [DataRow("vision_feature_layer", "-9", "vision_feature_layer is -9; it must be one or more of -4..3.")]
    [DataRow("vision_feature_layer", "[-2, -5]", "vision_feature_layer is -2, -5; it must be one or more of -4..3.")]
    [DataRow("vision_feature_layer", "[]", "it must be one or more of -4..3.")]
    [DataRow("vision_feature_layer", "\"last\"", "which has the wrong type; it must be a whole number, or a list of them.")]
    [DataRow("image_grid_pinpoints", "[[32, 33]]", "it must be a list of heights and widths, multiples of vision_config.image_size (32).")]
    [DataRow(
        "text_config.num_key_value_heads",
        "4",
        "text_config.num_key_value_heads is 4; it must be a divisor of num_attention_heads (6)."
    )]
    [DataRow("text_config.rope_theta", "0.5", "text_config.rope_theta is 0.5; it must be above 1.")]
    [DataRow("text_config.model_type", "\"qwen2\"", "text_config.model_type is \"qwen2\", which is not supported")]
    public void AConfigurationThatIsNotBuiltIsRefusedByName(string key, string value, string message)
    {
        TinyLlava.Create(_folder["m"]);
        Change(_folder["m", "config.json"], key, JsonNode.Parse(value));

        Assert.Contains(message, Assert.ThrowsExactly<InvalidDataException>(() => LlavaNextModel.Load(_folder["m"])).Message);
    }

    /// <summary>transformers takes a list too: one layer is that layer, of several the values stand beside each other.</summary>
    [TestMethod]
    public void SeveralLayersOfTheTowerStandBesideEachOther()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        TinyLlava.Create(_folder["m"]);
        var pixels = randn(2, 3, 32, 32);
        Tensor Places(string layers)
        {
            Change(_folder["m", "config.json"], "vision_feature_layer", JsonNode.Parse(layers));
            using var model = LlavaNextModel.Load(_folder["m"]);
            return model.Places(pixels);
        }

        var (second, third) = (Places("-2"), Places("3"));
        Assert.IsTrue(Places("[-2]").allclose(second, 0, 0));
        Assert.IsTrue(Places("[3]").allclose(third, 0, 0));

        Change(_folder["m", "config.json"], "vision_feature_layer", JsonNode.Parse("[-2, 3]"));
        Assert.Contains(
            "multi_modal_projector.linear_1.weight is [",
            Assert.ThrowsExactly<InvalidDataException>(() => LlavaNextModel.Load(_folder["m"])).Message
        );
        using var both = new LlavaNextModel(LlavaNextConfig.Load(_folder["m", "config.json"]));
        using var one = LlavaNextModel.Load(TinyLlava.Create(_folder["one"]));
        foreach (var (name, value) in one.state_dict().Where(p => both.state_dict()[p.Key].shape.SequenceEqual(p.Value.shape)))
        {
            both.state_dict()[name].copy_(value);
        }
        Assert.IsTrue(both.Places(pixels).allclose(cat([second, third], -1), 0, 0));
        both.state_dict()["multi_modal_projector.linear_1.weight"].fill_(0.1f);
        both.Save(_folder["both"], ScalarType.Float32);
        using var again = LlavaNextModel.Load(_folder["both"]);
        Assert.AreEqual(both.Config.ToJson(), again.Config.ToJson());
        Assert.AreEqual(one.Config.Text.HiddenSize, (int)again.Project(again.Places(pixels)).size(2));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ResolutionsThatAreNotSaidAreThePublishedOnes(bool isNull)
    {
        TinyLlava.Create(_folder["m"]);
        var root = JsonNode.Parse(File.ReadAllText(_folder["m", "config.json"]))!.AsObject();
        root.Remove("image_grid_pinpoints");
        if (isNull)
        {
            root["image_grid_pinpoints"] = null;
        }
        root["vision_config"]!["image_size"] = 336;
        File.WriteAllText(_folder["m", "config.json"], root.ToJsonString());
        CollectionAssert.AreEqual(
            new GridSize[] { new(336, 672), new(672, 336), new(672, 672), new(1008, 336), new(336, 1008) },
            LlavaNextConfig.Load(_folder["m", "config.json"]).Grids.ToArray()
        );
    }

    /// <summary>transformers: null is as many as the queries have, a missing key Mistral's eight.</summary>
    [TestMethod]
    public void NullHeadsOfKeysAreThoseOfTheQueries()
    {
        TinyLlava.Create(_folder["m"]);
        var path = _folder["m", "config.json"];
        Change(path, "text_config.num_key_value_heads", null);
        var config = LlavaNextConfig.Load(path);
        Assert.AreEqual(config.Text.Heads, config.Text.KeyValueHeads);
        var root = JsonNode.Parse(File.ReadAllText(path))!;
        root["text_config"]!.AsObject().Remove("num_key_value_heads");
        root["text_config"]!["num_attention_heads"] = 16;
        root["text_config"]!["hidden_size"] = 64;
        File.WriteAllText(path, root.ToJsonString());
        Assert.AreEqual(8, LlavaNextConfig.Load(path).Text.KeyValueHeads);
    }

    [TestMethod]
    public void ANullWindowIsNoneAndAMissingOneMistrals()
    {
        TinyLlava.Create(_folder["m"]);
        Assert.AreEqual(0, LlavaNextConfig.Load(_folder["m", "config.json"]).Text.SlidingWindow);

        var root = JsonNode.Parse(File.ReadAllText(_folder["m", "config.json"]))!;
        root["text_config"]!.AsObject().Remove("sliding_window");
        File.WriteAllText(_folder["m", "config.json"], root.ToJsonString());
        Assert.AreEqual(4096, LlavaNextConfig.Load(_folder["m", "config.json"]).Text.SlidingWindow);

        Change(_folder["m", "config.json"], "text_config.model_type", "llama");
        Assert.AreEqual(0, LlavaNextConfig.Load(_folder["m", "config.json"]).Text.SlidingWindow);
    }

    [TestMethod]
    public void WhatIsWrittenIsReadAgain()
    {
        TinyLlava.Create(_folder["m"]);
        Change(_folder["m", "config.json"], "text_config.sliding_window", 7);
        using var model = LlavaNextModel.Load(_folder["m"]);

        model.Save(_folder["again"], ScalarType.Float32);

        using var again = LlavaNextModel.Load(_folder["again"]);
        Assert.AreEqual(model.Config.ToJson(), again.Config.ToJson());
        Assert.AreEqual(7, again.Config.Text.SlidingWindow);
        using var scope = NewDisposeScope();
        Assert.IsTrue(Logits(_folder["m"]).equal(Logits(_folder["again"])).all().item<bool>());
    }

    [TestMethod]
    public void AWindowHidesWhatIsFartherBack()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        Tensor Last(int? window, long first)
        {
            var folder = TinyLlava.Create(_folder[$"w{window}-{first}"]);
            Change(Path.Combine(folder, "config.json"), "text_config.sliding_window", window);
            using var model = LlavaNextModel.Load(folder);
            long[] ids = [first, 5, 6, 7, 8, 9, 10];
            return model.Language.Logits(model.Language.Forward(model.Language.Embed(tensor(ids, [1, 7]))))[0, 6];
        }

        // Two layers of three tokens: the last one depends on the last five.
        Assert.IsTrue(Last(3, 4).equal(Last(3, 100)).all().item<bool>());
        Assert.IsFalse(Last(null, 4).equal(Last(null, 100)).all().item<bool>());
        Assert.IsFalse(Last(4, 4).equal(Last(4, 100)).all().item<bool>()); // of seven
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow(3)]
    public void WithACacheTokenByTokenIsAsAllAtOnce(int? window)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        TinyLlava.Create(_folder["m"]);
        Change(_folder["m", "config.json"], "text_config.sliding_window", window);
        using var model = LlavaNextModel.Load(_folder["m"]);
        var embeddings = model.Language.Embed(tensor([3L, 50, 60, 70, 80, 90, 100, 110], [2, 4]));

        var all = model.Language.Forward(embeddings);

        using var cache = new MistralCache(model.Config.Text, 2, 4, embeddings);
        Tensor[] parts =
        [
            model.Language.Forward(embeddings.narrow(1, 0, 1), cache),
            model.Language.Forward(embeddings.narrow(1, 1, 2), cache),
            model.Language.Forward(embeddings.narrow(1, 3, 1), cache),
        ];
        Assert.AreEqual(4, cache.Length);
        Assert.IsLessThan(1e-5, cat(parts, 1).sub(all).abs().max().item<float>());
        var error = Assert.ThrowsExactly<ArgumentException>(() => model.Language.Forward(embeddings.narrow(1, 0, 1), cache));
        Assert.Contains("A sequence of 5 tokens; the longest is 4.", error.Message);
    }

    [TestMethod]
    public void PaddingBeforeASequenceChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        TinyLlava.Create(_folder["m"]);
        using var model = LlavaNextModel.Load(_folder["m"]);
        var language = model.Language;
        var (one, two) = (language.Embed(tensor([10L, 20, 30, 40, 50], [1, 5])), language.Embed(tensor([60L, 70], [1, 2])));

        var batch = cat([one, cat([zeros(1, 3, 48), two], 1)], 0);
        var padding = tensor([0L, 3L]);

        var states = language.Forward(batch, padding: padding);
        Assert.IsLessThan(1e-5, states[0].sub(language.Forward(one)[0]).abs().max().item<float>());
        Assert.IsLessThan(1e-5, states[1].narrow(0, 3, 2).sub(language.Forward(two)[0]).abs().max().item<float>());
        var together = LlavaGreedy.Continue(language, batch, padding, [], 5);
        var apart = cat([LlavaGreedy.Continue(language, one, null, [], 5), LlavaGreedy.Continue(language, two, null, [], 5)], 0);
        CollectionAssert.AreEqual(apart.data<long>().ToArray(), together.data<long>().ToArray());
    }

    [TestMethod]
    public void ASequenceEndsWithAnEndAndRepeatsItUntilAllHaveEnded()
    {
        using var scope = NewDisposeScope();
        TinyLlava.Create(_folder["m"]);
        using var model = LlavaNextModel.Load(_folder["m"]);
        using var off = no_grad();
        var prompt = model.Language.Embed(tensor([10L, 20, 60, 70], [2, 2]));
        var free = LlavaGreedy.Continue(model.Language, prompt, null, [], 6);
        var end = (int)free[0, 2].item<long>();

        var ended = LlavaGreedy.Continue(model.Language, prompt, null, [end], 6);

        var stop = Enumerable.Range(0, 6).First(i => free[0, i].item<long>() == end);
        for (var i = 0; i < ended.size(1); i++)
        {
            Assert.AreEqual(i <= stop ? free[0, i].item<long>() : end, ended[0, i].item<long>());
        }

        Assert.AreEqual(stop + 1, LlavaGreedy.Continue(model.Language, prompt.narrow(0, 0, 1), null, [end], 6).size(1));
    }

    [TestMethod]
    public void FeaturesAndImageTokensMustBeAsMany()
    {
        using var scope = NewDisposeScope();
        TinyLlava.Create(_folder["m"]);
        using var model = LlavaNextModel.Load(_folder["m"]);

        var error = Assert.ThrowsExactly<ArgumentException>(() => model.Merge(tensor([1L, 259, 259]), zeros(3, 48)));

        Assert.Contains("2 image tokens and 3 features of images.", error.Message);
    }

    [TestMethod]
    public void ParametersAreOfTheTypeThatIsWantedFromTheStart_AndOnlyInsideOfTheScope()
    {
        using (LayerParameter.As(ScalarType.BFloat16, CPU))
        {
            using var half = LayerParameter.Create(2);
            Assert.AreEqual(ScalarType.BFloat16, half.dtype);
        }

        using var whole = LayerParameter.Create(2);
        Assert.AreEqual(ScalarType.Float32, whole.dtype);
    }

    private static Tensor Logits(string folder)
    {
        using var off = no_grad();
        using var model = LlavaNextModel.Load(folder);
        var pixels = arange(0, 3 * 32 * 32, ScalarType.Float32).view(1, 3, 32, 32).mul(1e-3).expand(3, -1, -1, -1);
        var features = model.Pack(model.Project(model.Places(pixels)), 32, 64);
        return model.Language.Logits(model.Language.Forward(features.unsqueeze(0)));
    }

    private static void Change(string file, string key, JsonNode? value)
    {
        var root = JsonNode.Parse(File.ReadAllText(file))!;
        var parts = key.Split('.');
        parts[..^1].Aggregate(root, (section, part) => section[part]!)[parts[^1]] = value;
        File.WriteAllText(file, root.ToJsonString());
    }
}
