using AirMLNet.Clip;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipConfigTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void HuggingFaceAndOpenClipFormsAgree()
    {
        var golden = TestData.Path("golden/openclip-vit-tiny");
        var hf = ClipConfigFile.Read(Path.Combine(golden, "config.json"));
        var openClip = ClipConfigFile.Read(Path.Combine(golden, "open_clip_config.json"));

        Assert.AreEqual(2, openClip.Vision.Heads); // width 48 / head_width 24
        Assert.AreEqual(hf.Vision, openClip.Vision);
        Assert.AreEqual(hf.Text, openClip.Text with { StartToken = 398, EndToken = 399, PadToken = 399 });
        Assert.AreEqual(hf.ProjectionDim, openClip.ProjectionDim);
    }

    [TestMethod]
    public void WhatIsWrittenReadsBackEqual()
    {
        var config = ClipConfig.Load(TestData.Path("golden/clip-vit-tiny"))!;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJson());

        Assert.AreEqual(config, ClipConfig.Load(_folder));
    }

    [TestMethod]
    public void MissingValuesTakeTheDefaultsOfTransformers()
    {
        File.WriteAllText(
            Path.Combine(_folder, "config.json"),
            """{"model_type":"clip","text_config":{},"vision_config":{"patch_size":16}}"""
        );

        var config = ClipConfig.Load(_folder)!;

        Assert.AreEqual(16, config.Vision.PatchSize);
        Assert.AreEqual(768, config.Vision.HiddenSize);
        Assert.AreEqual(49408, config.Text.VocabularySize);
        Assert.AreEqual(ClipActivation.QuickGelu, config.Text.Activation);
    }

    /// <summary>transformers takes the defaults of what *_dict leaves out, and not the section of the same name.</summary>
    [TestMethod]
    public void ARepeatedTowerHasTheLastWord_AlsoWhereItSaysNothing()
    {
        File.WriteAllText(
            Path.Combine(_folder, "config.json"),
            """
            { "model_type": "clip", "text_config": { "num_hidden_layers": 3, "hidden_size": 64 }, "text_config_dict": { "hidden_size": 128 },
              "vision_config": { "patch_size": 16 }, "vision_config_dict": null }
            """
        );

        var config = ClipConfig.Load(_folder)!;

        Assert.AreEqual((128, 12, 16), (config.Text.HiddenSize, config.Text.Layers, config.Vision.PatchSize));
    }

    [TestMethod]
    public void OpenClipWithoutTheFlagIsExactGelu()
    {
        const string Towers = """ "embed_dim":64,"vision_cfg":{"width":128,"layers":1},"text_cfg":{"width":64,"heads":1,"layers":1} """;
        File.WriteAllText(Path.Combine(_folder, "open_clip_config.json"), "{\"model_cfg\":{" + Towers + "}}");
        Assert.AreEqual(ClipActivation.Gelu, ClipConfig.Load(_folder)!.Vision.Activation);

        File.WriteAllText(Path.Combine(_folder, "open_clip_config.json"), "{\"model_cfg\":{\"quick_gelu\":true," + Towers + "}}");
        Assert.AreEqual(ClipActivation.QuickGelu, ClipConfig.Load(_folder)!.Text.Activation);
    }

    [TestMethod]
    [DataRow("{ not json", "not valid JSON")]
    [DataRow("[1]", "JSON object")]
    [DataRow("{}", "vision_config")]
    [DataRow("""{"model_type":"siglip","vision_config":{}}""", "siglip")]
    [DataRow("""{"model_type":"clip","vision_config":{"hidden_act":"relu"}}""", "relu")]
    [DataRow("""{"model_type":"clip","vision_config":{"hidden_size":"wide"}}""", "wrong type")]
    [DataRow("""{"model_type":"clip","vision_config":{"hidden_size":0}}""", "hidden_size is 0")]
    [DataRow("""{"model_type":"clip","vision_config":{"num_attention_heads":7}}""", "num_attention_heads is 7")]
    [DataRow("""{"model_type":"clip","vision_config":{"image_size":16}}""", "at least patch_size (32)")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{"layers":[1,1,1,1],"image_size":100},"text_cfg":{}}""", "image_size is 100")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{"layers":[1,2,1]},"text_cfg":{}}""", "four stages")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{"timm_model_name":"x"},"text_cfg":{}}""", "timm_model_name")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{"head_width":100},"text_cfg":{}}""", "head_width")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{"act_kwargs":{"approximate":"tanh"}},"text_cfg":{}}""", "vision_cfg.act_kwargs")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"act_kwargs":{"approximate":"tanh"}}}""", "text_cfg.act_kwargs")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{"scale_heads":true},"text_cfg":{}}""", "vision_cfg.scale_heads")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"scale_fc":true}}""", "text_cfg.scale_fc")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"text_arch":"modern"}}""", "text_cfg.text_arch")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"tokenizer_type":"tiktoken"}}""", "text_cfg.tokenizer_type")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{},"multimodal_cfg":{"width":512}}""", "multimodal_cfg")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{},"audio_cfg":{"model_type":"HTSAT"}}""", "audio_cfg")]
    [DataRow("version https://git-lfs.github.com/spec/v1", "is a pointer of Git LFS")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{"global_average_pool":true},"text_cfg":{}}""", "vision_cfg.global_average_pool")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"tokenizer_kwargs":{"clean":"canonicalize"}}}""", "tokenizer_kwargs.clean")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"tokenizer_kwargs":{"reduction_mask":"simple"}}}""", "reduction_mask")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"tokenizer_kwargs":{"strip_sep_token":true}}}""", "strip_sep_token")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"tokenizer_kwargs":{"additional_special_tokens":["a"]}}}""", "special_tokens")]
    [DataRow("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"tokenizer_kwargs":{"language":"de"}}}""", "tokenizer_kwargs.language")]
    public void BadConfigurationIsRefusedByName(string json, string expected)
    {
        var path = Path.Combine(_folder, "config.json");
        File.WriteAllText(path, json);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => ClipConfig.Load(_folder));

        StringAssert.Contains(error.Message, expected);
        StringAssert.StartsWith(error.Message, path);
    }

    /// <summary>timm writes a configuration of its own beside OpenCLIP's.</summary>
    [TestMethod]
    public void AnotherLibrarysFileDoesNotHideOpenClips()
    {
        File.WriteAllText(
            Path.Combine(_folder, "config.json"),
            """{"architecture":"vit_base_patch16_clip_224","num_classes":512,"pretrained_cfg":{"input_size":[3,224,224]}}"""
        );
        const string Tokenizer =
            """ "tokenizer_kwargs":{"clean":"lower","reduction_mask":"","strip_sep_token":false,"trust_remote_code":true} """;
        const string Towers = """ "embed_dim":64,"init_logit_bias":-10,"vision_cfg":{"width":128,"layers":1,"act_kwargs":{}}""";
        File.WriteAllText(
            Path.Combine(_folder, "open_clip_config.json"),
            "{\"model_cfg\":{" + Towers + ",\"text_cfg\":{\"width\":64,\"heads\":1,\"layers\":1,\"act_kwargs\":null," + Tokenizer + "}}}"
        );

        Assert.AreEqual(128, ClipConfig.Load(_folder)!.Vision.HiddenSize);
        File.Delete(Path.Combine(_folder, "open_clip_config.json"));
        Assert.ThrowsExactly<InvalidDataException>(() => ClipConfig.Load(_folder));
    }
}
