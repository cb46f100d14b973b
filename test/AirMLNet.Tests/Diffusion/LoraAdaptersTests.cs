using AirMLNet.Diffusion;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>LoRA files in use; the four namings and their numbers are checked by the reference case.</summary>
[TestClass]
public sealed class LoraAdaptersTests
{
    private const string Layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"; // 32 to 32
    private const string Projection = "mid_block.attentions.0.proj_in";                    // a 1×1 convolution
    private const string TextLayer = "text_model.encoder.layers.0.self_attn.q_proj";       // 32 to 32

    private static string _root = "";
    private static string _model = "";

    [ClassInitialize]
    public static void Write(TestContext _)
    {
        _root = Directory.CreateTempSubdirectory("airml-lora-").FullName;
        _model = TinyDiffusion.Write(Path.Combine(_root, "model"), Path.Combine(TestData.Root, "..", "..", "models", "mini-clip"));
    }

    [ClassCleanup]
    public static void Delete() => Directory.Delete(_root, true);

    [TestMethod]
    public void AFileChangesTheImagesUntilItIsTakenOff()
    {
        using var model = StableDiffusionPipeline.Load(_model);
        byte[] Pixels() => model.Generate([new("a cat", 1)], new() { Steps = 3 }).Single().Pixels;
        var before = Pixels();
        var unet = File("unet.safetensors", ($"unet.{Layer}.lora_A.weight", Noise(1, 2, 32)), ($"unet.{Layer}.lora_B.weight", Noise(2, 32, 2)));
        var text = File("text.safetensors", ($"text_encoder.{TextLayer}.lora_linear_layer.down.weight", Noise(1, 2, 32)), ($"text_encoder.{TextLayer}.lora_linear_layer.up.weight", Noise(2, 32, 2)));
        var live = Tensor.TotalCount;
        foreach (var file in new[] { unet, text })
        {
            model.LoadLora(file);
            CollectionAssert.AreNotEqual(before, Pixels(), file);
            model.UnloadLora();
            CollectionAssert.AreEqual(before, Pixels(), file);
        }

        Assert.AreEqual(live, Tensor.TotalCount);
    }

    [TestMethod]
    public void TheScaleIsAlphaOverRank()
    {
        using var model = StableDiffusionPipeline.Load(_model);
        double Scale(string path)
        {
            using var adapters = LoraAdapters.Load(path, model.UNet);
            return adapters.UNet.Values.Single().Scale;
        }

        var (down, up) = (Noise(1, 4, 32), Noise(2, 32, 4));
        Assert.AreEqual(1, Scale(File("a.safetensors", ($"unet.{Layer}.lora.down.weight", down), ($"unet.{Layer}.lora.up.weight", up))));
        var kohya = "lora_unet_" + Projection.Replace('.', '_');
        Assert.AreEqual(0.25, Scale(File("b.safetensors", (kohya + ".lora_down.weight", down.view(4, 32, 1, 1)), (kohya + ".lora_up.weight", up.view(32, 4, 1, 1)), (kohya + ".alpha", tensor(1f)))));
        System.IO.File.WriteAllText(Path.Combine(_root, "adapter_config.json"), """{ "r": 4, "lora_alpha": 8 }""");
        (string, Tensor)[] peft = [($"base_model.model.{Layer}.lora_A.weight", down), ($"base_model.model.{Layer}.lora_B.weight", up)];
        Assert.AreEqual(2, Scale(File("adapter_model.safetensors", peft)));
        Assert.AreEqual(1, Scale(File("other.safetensors", peft)));
    }

    [TestMethod]
    public void WhatDoesNotFitIsNamedAndLeavesTheModelAsItWas()
    {
        using var model = StableDiffusionPipeline.Load(_model);
        var (down, up) = (Noise(1, 4, 32), Noise(2, 32, 4));
        model.LoadLora(File("good.safetensors", ($"unet.{Layer}.lora_A.weight", down), ($"unet.{Layer}.lora_B.weight", up)));
        var good = model.Lora;
        string Refused(params (string, Tensor)[] tensors) => Assert.ThrowsExactly<InvalidDataException>(() => model.LoadLora(File("bad.safetensors", tensors))).Message;

        Assert.Contains("holds no LoRA for this model", Refused(("a.weight", down)));
        Assert.Contains("for no layer of it (unet.down_blocks.9.attentions.0", Refused(
            ($"unet.{Layer}.lora_A.weight", down), ($"unet.{Layer}.lora_B.weight", up), ("unet.down_blocks.9.attentions.0.proj_in.lora_A.weight", down)));
        Assert.Contains($"\"unet.{Layer}.lora_B.weight\" is missing", Refused(($"unet.{Layer}.lora_A.weight", down)));
        Assert.Contains("[r, 32] and [32, r] were expected", Refused(($"unet.{Layer}.lora_A.weight", Noise(1, 4, 16)), ($"unet.{Layer}.lora_B.weight", up)));
        Assert.Contains("two adapters", Refused(
            ($"unet.{Layer}.lora_A.weight", down), ($"unet.{Layer}.lora_B.weight", up), ($"unet.{Layer}.lora.down.weight", down), ($"unet.{Layer}.lora.up.weight", up)));
        Assert.Contains("a matrix was expected", Refused(($"unet.{Layer}.lora_A.weight", zeros(2, 3, 4)), ($"unet.{Layer}.lora_B.weight", up)));
        Assert.ThrowsExactly<FileNotFoundException>(() => model.LoadLora(Path.Combine(_root, "none.safetensors")));
        Assert.AreSame(good, model.Lora);
        Assert.AreSame(good!.UNet[Layer], model.UNet.LinearLayers[Layer].Adapter);
    }

    private static Tensor Noise(ulong seed, params long[] shape)
    {
        using var generator = new Generator(seed);
        return randn(shape, generator: generator);
    }

    private static string File(string name, params (string Name, Tensor Tensor)[] tensors)
    {
        var path = Path.Combine(_root, name);
        Safetensors.Write(path, tensors.ToDictionary(t => t.Name, t => t.Tensor));
        return path;
    }
}
