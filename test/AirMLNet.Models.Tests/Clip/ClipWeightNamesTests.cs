using AirMLNet.Clip;
using AirMLNet.Files;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipWeightNamesTests
{
    private readonly TemporaryFolder _folder = new();
    private DisposeScope? _scope;

    [TestInitialize]
    public void Create()
    {
        _scope = NewDisposeScope();
    }

    [TestCleanup]
    public void Delete()
    {
        _scope!.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    [DataRow("vision_model.encoder.layers.3.self_attn.k_proj.bias", "visual.transformer.resblocks.3.attn.in_proj_bias", 1, false)]
    [DataRow("vision_model.encoder.layers.11.mlp.fc2.weight", "visual.transformer.resblocks.11.mlp.c_proj.weight", -1, false)]
    [DataRow("vision_model.pre_layrnorm.weight", "visual.ln_pre.weight", -1, false)]
    [DataRow("vision_model.post_layernorm.bias", "visual.ln_post.bias", -1, false)]
    [DataRow("visual_projection.weight", "visual.proj", -1, true)]
    [DataRow("text_projection.weight", "text_projection", -1, true)]
    [DataRow("text_model.encoder.layers.0.self_attn.q_proj.weight", "transformer.resblocks.0.attn.in_proj_weight", 0, false)]
    [DataRow("text_model.encoder.layers.0.layer_norm2.weight", "transformer.resblocks.0.ln_2.weight", -1, false)]
    [DataRow("text_model.final_layer_norm.weight", "ln_final.weight", -1, false)]
    [DataRow("text_model.embeddings.position_embedding.weight", "positional_embedding", -1, false)]
    public void OpenAiNames(string parameter, string name, int part, bool transposed)
    {
        Assert.AreEqual(new WeightSource(name, part, transposed), ClipWeightNames.OpenAi.Locate(parameter));
        var text = !name.StartsWith("visual.", StringComparison.Ordinal);
        Assert.AreEqual(new WeightSource((text ? "text." : "") + name, part, transposed), ClipWeightNames.CustomText.Locate(parameter));
        Assert.AreEqual(new WeightSource(parameter), ClipWeightNames.HuggingFace.Locate(parameter));
    }

    [TestMethod]
    public void OpenAiFileWithItsExtraNumbersLoadsWithoutConfiguration()
    {
        var golden = TestData.Path("golden/clip-vit-tiny");
        Copy(
            "clip-vit-tiny/weights_openai.safetensors",
            "model.safetensors",
            tensors =>
            {
                foreach (var name in new[] { "input_resolution", "context_length", "vocab_size" })
                {
                    tensors[name] = tensor(1L);
                }
            }
        );

        using var model = ClipModel.Load(_folder);

        var want = ClipConfig.Load(golden)!;
        Assert.AreEqual(want.Vision, model.Config.Vision); // heads = width / 64, QuickGELU
        Assert.AreEqual(want.Text with { StartToken = null, EndToken = null, PadToken = null }, model.Config.Text);
        AssertGolden(model);
    }

    [TestMethod]
    public void PositionIdsAreIgnored()
    {
        Config("clip-vit-tiny");
        Copy(
            "clip-vit-tiny/weights.safetensors",
            "model.safetensors",
            t => t["text_model.embeddings.position_ids"] = zeros([1, 77], ScalarType.Int64)
        );

        using var model = ClipModel.Load(_folder);
        AssertGolden(model);
    }

    /// <summary>The bias of the sigmoid loss of training is added to every logit alike; features have none.</summary>
    [TestMethod]
    public void TheBiasOfSigLipsLossIsIgnored()
    {
        Config("clip-vit-tiny");
        Copy("clip-vit-tiny/weights_openai.safetensors", "model.safetensors", t => t["logit_bias"] = tensor(-10f));

        using var model = ClipModel.Load(_folder);
        AssertGolden(model);
    }

    [TestMethod]
    [DataRow("weights", "module.")]
    [DataRow("weights", "clip.")]
    [DataRow("weights_openai", "module.")]
    [DataRow("weights_openai", "module.clip.")]
    public void APrefixThatAllNamesHaveIsTakenOff(string weights, string prefix)
    {
        Config("clip-vit-tiny");
        Safetensors.Write(
            Path.Combine(_folder, "model.safetensors"),
            Read($"clip-vit-tiny/{weights}.safetensors").ToDictionary(p => prefix + p.Key, p => p.Value)
        );

        using var model = ClipModel.Load(_folder);
        AssertGolden(model);
    }

    /// <summary>A folder of OpenCLIP may hold timm's image tower as model.safetensors.</summary>
    [TestMethod]
    public void WeightsAreThoseOfTheConfigurationsLibrary()
    {
        var other = new Dictionary<string, Tensor> { ["blocks.0.weight"] = zeros([1]) };
        Safetensors.Write(Path.Combine(_folder, "model.safetensors"), other);
        Copy("openclip-vit-tiny/weights_openclip.safetensors", "open_clip_model.safetensors", _ => { });
        File.Copy(TestData.Path("golden/openclip-vit-tiny/open_clip_config.json"), Path.Combine(_folder, "open_clip_config.json"));
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"architecture":"vit","pretrained_cfg":{}}""");
        using (var model = ClipModel.Load(_folder))
        {
            Assert.AreEqual(48, model.Config.Vision.HiddenSize);
        }
        var backbone = ClipBackbone.Acquire(_folder);
        var hash = backbone.WeightsSha256;
        backbone.Release();
        Assert.AreEqual(hash, FileHash.Sha256(Path.Combine(_folder, "open_clip_model.safetensors")));

        File.Delete(Path.Combine(_folder, "config.json"));
        Config("clip-vit-tiny");
        Assert.Contains("blocks.0.weight", Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder)).Message);
    }

    [TestMethod]
    public void OneErrorNamesEveryTensorThatDoesNotFit()
    {
        Config("clip-vit-tiny");
        Copy(
            "clip-vit-tiny/weights.safetensors",
            "model.safetensors",
            t =>
            {
                t.Remove("logit_scale");
                t.Remove("vision_model.pre_layrnorm.bias");
                t["visual_projection.weight"] = zeros([64, 32]);
                t["head.weight"] = zeros([2]);
            }
        );

        var error = Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder));

        StringAssert.Contains(error.Message, "2 missing: ");
        StringAssert.Contains(error.Message, "logit_scale");
        StringAssert.Contains(error.Message, "vision_model.pre_layrnorm.bias");
        StringAssert.Contains(error.Message, "visual_projection.weight is [64, 32], not [64, 128]");
        StringAssert.Contains(error.Message, "1 left over: head.weight");
        StringAssert.Contains(error.Message, "model.safetensors");
    }

    [TestMethod]
    public void ShardsLoadThroughTheirIndex()
    {
        Config("clip-vit-tiny");
        var all = Read("clip-vit-tiny/weights.safetensors");
        var halves = all.OrderBy(p => p.Key, StringComparer.Ordinal).Chunk((all.Count / 2) + 1).ToList();
        for (var i = 0; i < 2; i++)
        {
            Safetensors.Write(Path.Combine(_folder, $"model-0000{i + 1}-of-00002.safetensors"), halves[i].ToDictionary());
        }
        var map = halves.SelectMany((h, i) => h.Select(p => $"\"{p.Key}\":\"model-0000{i + 1}-of-00002.safetensors\""));
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), "{\"weight_map\":{" + string.Join(",", map) + "}}");

        using var model = ClipModel.Load(_folder);
        AssertGolden(model);
    }

    [TestMethod]
    public void AnIndexThatLeavesItsFolderIsRefused()
    {
        Config("clip-vit-tiny");
        File.WriteAllText(
            Path.Combine(_folder, "model.safetensors.index.json"),
            """{"weight_map":{"logit_scale":"../other.safetensors"}}"""
        );

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder)).Message, "../other.safetensors");
    }

    [TestMethod]
    public void AFolderThatIsNoModelSaysWhatItHolds()
    {
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => ClipModel.Load(_folder)).Message, "it is empty");
        File.WriteAllText(Path.Combine(_folder, "cat.jpg"), "");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => ClipModel.Load(_folder)).Message, "cat.jpg");
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => ClipModel.Load(Path.Combine(_folder, "none")));
    }

    /// <summary>OpenCLIP keeps the scale as [1] where it is asked to, and wrappers put words of their own before all names.</summary>
    [TestMethod]
    [DataRow("", 1)]
    [DataRow("", 2)]
    [DataRow("_orig_mod.", 0)]
    [DataRow("model.clip.", 1)]
    public void TheScaleMayHaveDimensions_AndNamesAWrapper(string wrapper, int rank)
    {
        Config("clip-vit-tiny");
        Copy(
            "clip-vit-tiny/weights.safetensors",
            "model.safetensors",
            t =>
            {
                t["logit_scale"] = t["logit_scale"].reshape([.. Enumerable.Repeat(1L, rank)]);
                foreach (var name in t.Keys.ToList())
                {
                    t.Remove(name, out var value);
                    t[wrapper + name] = value!;
                }
            }
        );

        using var model = ClipModel.Load(_folder);

        AssertGolden(model);
    }

    [TestMethod]
    public void PicklesAreRefusedWithAWayOut()
    {
        File.WriteAllText(Path.Combine(_folder, "pytorch_model.bin"), "PK\u0003\u0004");

        var error = Assert.ThrowsExactly<FileNotFoundException>(() => ClipModel.Load(_folder));

        StringAssert.Contains(error.Message, "pytorch_model.bin");
        StringAssert.Contains(error.Message, "save_file");
    }

    [TestMethod]
    public void WeightsOfAnotherKindAreRefused()
    {
        Safetensors.Write(Path.Combine(_folder, "model.safetensors"), new Dictionary<string, Tensor> { ["bert.weight"] = zeros([1]) });
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder)).Message, "bert.weight");

        Safetensors.Write(
            Path.Combine(_folder, "model.safetensors"),
            new Dictionary<string, Tensor> { ["visual.layer1.0.conv1.weight"] = zeros([1]) }
        );
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder)).Message, "token_embedding.weight");
    }

    [TestMethod]
    public void HeadsThatCannotBeInferredAreAskedFor()
    {
        Copy("openclip-vit-tiny/weights_openclip.safetensors", "model.safetensors", _ => { });

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ClipModel.Load(_folder)).Message, "add a config.json");
    }

    private static void AssertGolden(ClipModel model)
    {
        using var io = SafetensorsFile.Open(TestData.Path("golden/clip-vit-tiny/io.safetensors"));
        using var off = no_grad();
        ClipModelTests.AssertClose(io.GetTensor("out.image_features"), model.EncodeImage(io.GetTensor("in.pixel_values")), 1e-4);
        ClipModelTests.AssertClose(io.GetTensor("out.text_features"), model.EncodeText(io.GetTensor("in.input_ids")), 1e-4);
    }

    private void Config(string golden) => File.Copy(TestData.Path($"golden/{golden}/config.json"), Path.Combine(_folder, "config.json"));

    private static Dictionary<string, Tensor> Read(string file)
    {
        using var source = SafetensorsFile.Open(TestData.Path("golden/" + file));
        return source.Entries.Keys.ToDictionary(k => k, k => source.GetTensor(k));
    }

    private void Copy(string file, string name, Action<Dictionary<string, Tensor>> change)
    {
        var tensors = Read(file);
        change(tensors);
        Safetensors.Write(Path.Combine(_folder, name), tensors);
    }
}
