using AirMLNet.Diffusion;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>What LoRA files of other makers hold is honoured, or refused with its reason; numbers are checked by the reference
/// case.</summary>
[TestClass]
public sealed class LoraFilesTests
{
    private const string Layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"; // 32 to 32
    private const string Conv = "mid_block.resnets.0.conv1"; // 32 to 32, 3×3

    private readonly TemporaryFolder _root = new();

    [TestCleanup]
    public void Delete() => _root.Dispose();

    [TestMethod]
    [DataRow("""{ "unet.r": 4, "unet.lora_alpha": 1 }""", 0.25)]
    [DataRow("""{ "unet.r": 4 }""", 2.0)] // PEFT's own α is 8
    [DataRow("""{ "unet.r": 4, "unet.lora_alpha": 4, "unet.use_rslora": true }""", 2.0)]
    [DataRow("""{ "unet.r": 8, "unet.lora_alpha": 8, "unet.rank_pattern": { "attn1.to_q": 4 } }""", 2.0)]
    [DataRow("""{ "unet.r": 4, "unet.lora_alpha": 8, "unet.alpha_pattern": { "attn1\\.to_(q|k)": 2 } }""", 0.5)]
    [DataRow("""{ "unet.r": 4, "unet.lora_alpha": 8, "unet.alpha_pattern": { "to_k": 2, "1.to_q": 1 } }""", 2.0)] // ends at a point only
    [DataRow("""{ "text_encoder.r": 2, "text_encoder.lora_alpha": 99 }""", 1.0)]
    public void TheHeadersSettingsAreTheScale(string metadata, double scale) =>
        Assert.AreEqual(scale, Load(metadata, Plain).UNet[Layer].Scale, 1e-12);

    [TestMethod]
    [DataRow("""{ "unet.r": 8 }""", "rank 4, but its settings say r = 8")]
    [DataRow("""{ "unet.use_dora": true }""", "unet: use_dora is true")]
    [DataRow("""{ "unet.lora_bias": true }""", "unet: lora_bias is true")]
    [DataRow("""{ "unet.alpha_pattern": { "(": 1 } }""", "the pattern \"(\"")]
    [DataRow("""{ "unet.init_lora_weights": "pissa" }""", "init_lora_weights")]
    [DataRow("""{ "unet.modules_to_save": ["conv_in"] }""", "modules_to_save")]
    [DataRow("""{ "unet": { "r": 4, "lora_alpha": 1 } }""", "unet.lora_alpha were expected")]
    [DataRow("[", "not valid JSON")]
    public void SettingsThatCannotBeHonouredAreRefusedByName(string metadata, string expected) =>
        Assert.Contains(expected, Assert.ThrowsExactly<InvalidDataException>(() => Load(metadata, Plain)).Message);

    [TestMethod]
    [DataRow("unet.x.dora_scale", "DoRA")]
    [DataRow("unet.x.lora_magnitude_vector", "DoRA")]
    [DataRow("lora_unet_x.hada_w1_a", "LoHa")]
    [DataRow("lora_unet_x.lokr_w1", "LoKr")]
    [DataRow("lora_unet_x.lora_mid.weight", "Tucker")]
    [DataRow("bundle_emb.style.string_to_param.*", "textual embedding")]
    [DataRow("lora_unet_x.diff_b", "whole change")]
    [DataRow("text_encoder_2.text_model.x.lora_A.weight", "second text encoder")]
    [DataRow("transformer.single_transformer_blocks.0.lora_A.weight", "Flux")]
    [DataRow("text_encoder_2.text_model.x.lora_A.default_1.weight", "adapter called \"default_1\"")]
    [DataRow("unet.mid_block.x.lora_B.style.weight", "adapter called \"style\"")]
    public void WhatIsNoLoraIsRefusedWithItsReason(string name, string reason)
    {
        var message = Assert.ThrowsExactly<InvalidDataException>(() => Load(null, [.. Plain, (name, ones(1))])).Message;
        Assert.Contains(name, message);
        Assert.Contains(reason, message);
    }

    [TestMethod]
    public void AnAdapterOfRankNothingIsRefused()
    {
        (string, Tensor)[] tensors = [(Plain[0].Item1, zeros(0, 32)), (Plain[1].Item1, zeros(32, 0))];
        Assert.Contains("\"unet.", Assert.ThrowsExactly<InvalidDataException>(() => Load(null, tensors)).Message);
    }

    [TestMethod]
    public void AConvolutionsAdapterIsWhatItsMergedWeightIs()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var kohya = "lora_unet_" + Conv.Replace('.', '_');
        var path = Write(
            null,
            (kohya + ".lora_down.weight", Noise(1, 2, 32, 3, 3)),
            (kohya + ".lora_up.weight", Noise(2, 32, 2, 1, 1)),
            (kohya + ".alpha", tensor(0f))
        );
        using var adapters = LoraAdapters.Load(path, model.UNet, model.TextEncoder, multiplier: 0.5);
        Assert.AreEqual(0.5, adapters.UNet[Conv].Scale); // an α of 0 is the rank
        using var scope = NewDisposeScope();
        using var off = no_grad();
        Tensor Run() => model.UNet.Forward(Noise(3, 1, 4, 8, 8), tensor(new[] { 300.0 }), Noise(4, 1, 5, 32));
        var plain = Run();
        adapters.Attach(model.UNet);
        var attached = Run();
        adapters.Detach(model.UNet);
        Assert.IsFalse(attached.allclose(plain, atol: 1e-4));
        adapters.Merge(model.UNet);
        Assert.IsTrue(Run().allclose(attached, atol: 1e-4));
        adapters.Unmerge();
        Assert.IsTrue(Run().equal(plain).all().item<bool>());
    }

    [TestMethod]
    public void PeftsFileTakesPatternsFromItsConfiguration()
    {
        File.WriteAllText(
            Path.Combine(_root, "adapter_config.json"),
            """{ "peft_type": "LORA", "r": 4, "lora_alpha": 8, "alpha_pattern": { "to_q": 1 }, "target_modules": ["to_q"] }"""
        );
        (string, Tensor)[] tensors = [.. Plain.Select(t => ("base_model.model." + t.Item1["unet.".Length..], t.Item2))];
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        using var adapters = LoraAdapters.Load(Write(null, tensors, "adapter_model.safetensors"), model.UNet);
        Assert.AreEqual(0.25, adapters.UNet[Layer].Scale);
    }

    /// <summary>A hundred patterns for hundreds of layers, as a file for SDXL may have, took 42 seconds and 33 GB.</summary>
    [TestMethod]
    public void ManyPatterns_AreMadeOnce()
    {
        var patterns = string.Join(", ", Enumerable.Range(0, 100).Select(i => $"\"blocks\\\\.{i}\\\\..*to_q\": {i + 1}"));
        File.WriteAllText(Path.Combine(_root, "adapter_config.json"), $$"""{ "r": 4, "alpha_pattern": { {{patterns}} } }""");
        var config = PeftConfig.Read(Path.Combine(_root, "adapter_config.json"));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 300; i++)
        {
            Assert.AreEqual((99 + 1) / 4.0, config.Scale("file", $"down.blocks.99.{i}.to_q", 4));
        }
        Assert.IsLessThan(64L << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static (string, Tensor)[] Plain =>
        [($"unet.{Layer}.lora_A.weight", Noise(1, 4, 32)), ($"unet.{Layer}.lora_B.weight", Noise(2, 32, 4))];

    private LoraAdapters Load(string? metadata, (string, Tensor)[] tensors)
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var adapters = LoraAdapters.Load(Write(metadata, tensors), model.UNet, model.TextEncoder);
        adapters.Dispose(); // scales stay
        return adapters;
    }

    private string Write(string? metadata, params (string, Tensor)[] tensors) => Write(metadata, tensors, "lora.safetensors");

    private string Write(string? metadata, (string, Tensor)[] tensors, string name)
    {
        var path = _root[name];
        Safetensors.Write(
            path,
            tensors.ToDictionary(t => t.Item1, t => t.Item2),
            metadata is null ? null : new Dictionary<string, string> { ["lora_adapter_metadata"] = metadata }
        );
        return path;
    }

    private static Tensor Noise(ulong seed, params long[] shape)
    {
        using var generator = new Generator(seed);
        return randn(shape, generator: generator);
    }
}
