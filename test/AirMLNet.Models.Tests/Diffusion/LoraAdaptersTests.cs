using AirMLNet.Diffusion;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>LoRA files in use; the four namings and their numbers are checked by the reference case.</summary>
[TestClass]
public sealed class LoraAdaptersTests
{
    private const string Layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"; // 32 to 32
    private const string Projection = "mid_block.attentions.0.proj_in"; // a 1×1 convolution
    private const string TextLayer = "text_model.encoder.layers.0.self_attn.q_proj"; // 32 to 32

    private static TemporaryFolder _root = null!;

    [ClassInitialize]
    public static void Write(TestContext _) => _root = new();

    [ClassCleanup]
    public static void Delete() => _root.Dispose();

    [TestMethod]
    public void AFileChangesTheImagesUntilItIsTakenOff()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var before = Pixels(model);
        var unet = File(
            "unet.safetensors",
            ($"unet.{Layer}.lora_A.weight", Noise(1, 2, 32)),
            ($"unet.{Layer}.lora_B.weight", Noise(2, 32, 2))
        );
        var text = File(
            "text.safetensors",
            ($"text_encoder.{TextLayer}.lora_linear_layer.down.weight", Noise(1, 2, 32)),
            ($"text_encoder.{TextLayer}.lora_linear_layer.up.weight", Noise(2, 32, 2))
        );
        var live = LiveTensors.Count;
        foreach (var file in new[] { unet, text })
        {
            model.LoadLora(file);
            CollectionAssert.AreNotEqual(before, Pixels(model), file);
            model.UnloadLora();
            CollectionAssert.AreEqual(before, Pixels(model), file);
        }

        Assert.AreEqual(live, LiveTensors.Count);
    }

    [TestMethod]
    public void TheScaleIsAlphaOverRank()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        double Scale(string path)
        {
            using var adapters = LoraAdapters.Load(path, model.UNet);
            return adapters.UNet.Values.Single().Scale;
        }

        var (down, up) = (Noise(1, 4, 32), Noise(2, 32, 4));
        Assert.AreEqual(1, Scale(File("a.safetensors", ($"unet.{Layer}.lora.down.weight", down), ($"unet.{Layer}.lora.up.weight", up))));
        var kohya = "lora_unet_" + Projection.Replace('.', '_');
        Assert.AreEqual(
            0.25,
            Scale(
                File(
                    "b.safetensors",
                    (kohya + ".lora_down.weight", down.view(4, 32, 1, 1)),
                    (kohya + ".lora_up.weight", up.view(32, 4, 1, 1)),
                    (kohya + ".alpha", tensor(1f))
                )
            )
        );
        System.IO.File.WriteAllText(Path.Combine(_root, "adapter_config.json"), """{ "r": 4, "lora_alpha": 8 }""");
        (string, Tensor)[] peft = [($"base_model.model.{Layer}.lora_A.weight", down), ($"base_model.model.{Layer}.lora_B.weight", up)];
        Assert.AreEqual(2, Scale(File("adapter_model.safetensors", peft)));
        Assert.AreEqual(1, Scale(File("other.safetensors", peft)));
    }

    [TestMethod]
    public void WhatDoesNotFitIsNamedAndLeavesTheModelAsItWas()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var (down, up) = (Noise(1, 4, 32), Noise(2, 32, 4));
        model.LoadLora(File("good.safetensors", ($"unet.{Layer}.lora_A.weight", down), ($"unet.{Layer}.lora_B.weight", up)));
        var good = model.Lora;
        string Refused(params (string, Tensor)[] tensors) =>
            Assert.ThrowsExactly<InvalidDataException>(() => model.LoadLora(File("bad.safetensors", tensors))).Message;

        Assert.Contains("holds no LoRA for this model", Refused(("a.weight", down)));
        Assert.Contains(
            "for no layer of it (unet.down_blocks.9.attentions.0",
            Refused(
                ($"unet.{Layer}.lora_A.weight", down),
                ($"unet.{Layer}.lora_B.weight", up),
                ("unet.down_blocks.9.attentions.0.proj_in.lora_A.weight", down)
            )
        );
        Assert.Contains($"\"unet.{Layer}.lora_B.weight\" is missing", Refused(($"unet.{Layer}.lora_A.weight", down)));
        Assert.Contains(
            "[r, 32] and [32, r] were expected",
            Refused(($"unet.{Layer}.lora_A.weight", Noise(1, 4, 16)), ($"unet.{Layer}.lora_B.weight", up))
        );
        Assert.Contains(
            "two adapters",
            Refused(
                ($"unet.{Layer}.lora_A.weight", down),
                ($"unet.{Layer}.lora_B.weight", up),
                ($"unet.{Layer}.lora.down.weight", down),
                ($"unet.{Layer}.lora.up.weight", up)
            )
        );
        Assert.Contains(
            "[r, 32] and [32, r] we",
            Refused(($"unet.{Layer}.lora_A.weight", zeros(2, 3, 4)), ($"unet.{Layer}.lora_B.weight", up))
        );
        Assert.ThrowsExactly<FileNotFoundException>(() => model.LoadLora(Path.Combine(_root, "none.safetensors")));
        Assert.AreSame(good, model.Lora);
        Assert.AreSame(good!.UNet[Layer], model.UNet.LinearLayers[Layer].Adapter);
    }

    [TestMethod]
    public void NewAdaptersChangeNothing_AndAFileOfThemIsTheSame()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        var before = Pixels(model);
        using var generator = new Generator(3);
        var options = new LoraOptions
        {
            Rank = 3,
            Alpha = 6,
            TextEncoderTargets = ["q_proj", "out_proj"],
        };
        var made = LoraAdapters.Create(model.UNet, model.TextEncoder, options, generator);
        Assert.IsTrue(made.UNet.Keys.All(k => k.Contains("attn", StringComparison.Ordinal)));
        Assert.IsTrue(made.UNet.ContainsKey(Layer) && made.UNet.Keys.Any(k => k.EndsWith("attn2.to_out.0", StringComparison.Ordinal)));
        Assert.HasCount(2, made.TextEncoder);
        model.UseLora(made);
        CollectionAssert.AreEqual(before, Pixels(model));
        Fill(made);
        var adapted = Pixels(model);
        CollectionAssert.AreNotEqual(before, adapted);

        var path = Path.Combine(_root, "saved", "pytorch_lora_weights.safetensors");
        made.Save(path, metadata: new Dictionary<string, string> { ["note"] = "x" });
        using (var file = SafetensorsFile.Open(path))
        {
            Assert.AreEqual("x", file.Metadata["note"]);
            Assert.Contains($"unet.{Layer}.lora_B.weight", file.Entries.Keys);
            Assert.Contains($"text_encoder.{TextLayer}.lora_A.weight", file.Entries.Keys);
        }

        model.LoadLora(path);
        Assert.AreEqual(1, model.Lora!.UNet[Layer].Scale); // α/r went into B
        CollectionAssert.AreEqual(adapted, Pixels(model));
    }

    [TestMethod]
    public void AMergedModelGivesTheSame_AndIsPutBackBitForBit()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        using var generator = new Generator(3);
        using var off = no_grad();
        var adapters = LoraAdapters.Create(
            model.UNet,
            model.TextEncoder,
            new()
            {
                Rank = 4,
                UNetTargets = ["to_q", "to_out.0", "proj_in", "ff.net.0.proj"],
                TextEncoderTargets = ["q_proj"],
            },
            generator
        );
        Fill(adapters);
        var original = model.UNet.state_dict().Concat(model.TextEncoder.state_dict()).Select(p => p.Value.bytes.ToArray()).ToList();
        var (sample, text) = (Noise(5, 2, 4, 8, 8), Noise(6, 2, 7, 32));
        var plain = model.UNet.Forward(sample, tensor(new long[] { 10, 700 }), text);
        model.UseLora(adapters);
        var attached = model.UNet.Forward(sample, tensor(new long[] { 10, 700 }), text);
        Assert.IsGreaterThan(1e-3, (attached - plain).abs().max().item<float>());

        adapters.Merge(model.UNet, model.TextEncoder);
        Assert.IsNull(model.UNet.LinearLayers[Layer].Adapter);
        var merged = model.UNet.Forward(sample, tensor(new long[] { 10, 700 }), text);
        Assert.IsLessThan(1e-6, (merged - attached).abs().max().item<float>() / attached.abs().max().item<float>());
        Assert.ThrowsExactly<InvalidOperationException>(() => adapters.Merge(model.UNet));
        Assert.ThrowsExactly<InvalidOperationException>(() => adapters.Attach(model.UNet));
        adapters.Unmerge();
        var after = model.UNet.state_dict().Concat(model.TextEncoder.state_dict()).Select(p => p.Value.bytes.ToArray()).ToList();
        for (var i = 0; i < original.Count; i++)
        {
            CollectionAssert.AreEqual(original[i], after[i]);
        }
    }

    [TestMethod]
    [DataRow(4, 797_184)]
    [DataRow(16, 16 * 199_296)]
    public void StableDiffusionV1HasThePublishedNumberOfTrainableWeights(int rank, int expected)
    {
        // Without values, the weights of 860 million parameters take no memory.
        using var unet = UNet2DConditionModel.Empty(new UNet2DConditionConfig());
        using var generator = new Generator(1);
        using var adapters = LoraAdapters.Create(unet, null, new() { Rank = rank }, generator);
        Assert.HasCount(128, adapters.UNet);
        Assert.AreEqual(expected, adapters.ParameterCount);
    }

    [TestMethod]
    public void AStartsAsAsked()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        using var generator = new Generator(1);
        using var gaussian = LoraAdapters.Create(model.UNet, null, new() { Rank = 8 }, generator);
        using var uniform = LoraAdapters.Create(
            model.UNet,
            null,
            new() { Rank = 8, Initialization = LoraInitialization.KaimingUniform },
            generator
        );
        using var off = no_grad();
        float[] All(LoraAdapters adapters) =>
            [.. adapters.UNet.Values.Where(a => a.Down.size(1) == 32).SelectMany(a => a.Down.data<float>().ToArray())];
        Assert.AreEqual(1 / 8.0, Math.Sqrt(All(gaussian).Average(v => v * v)), 0.01);
        Assert.AreEqual(1 / Math.Sqrt(32), All(uniform).Max(Math.Abs), 0.005);
        Assert.AreEqual(1 / Math.Sqrt(3 * 32), Math.Sqrt(All(uniform).Average(v => v * v)), 0.01);
        Assert.IsTrue(gaussian.UNet.Values.All(a => a.Up.abs().max().item<float>() == 0));
    }

    [TestMethod]
    public void ATargetThatNamesNothingIsRefused()
    {
        using var model = StableDiffusionPipeline.Load(TinyModels.Diffusion);
        using var generator = new Generator(1);
        var e = Assert.ThrowsExactly<ArgumentException>(() =>
            LoraAdapters.Create(model.UNet, null, new() { UNetTargets = ["to_q", "o_q"] }, generator)
        );
        Assert.Contains("'o_q'", e.Message);
        Assert.Contains("to_out.0", e.Message);
        Assert.ThrowsExactly<ArgumentException>(() =>
            LoraAdapters.Create(model.UNet, null, new() { TextEncoderTargets = ["q_proj"] }, generator)
        );
    }

    private static byte[] Pixels(StableDiffusionPipeline model) => model.Generate([new("a cat", 1)], new() { Steps = 3 }).Single().Pixels;

    /// <summary>Gives B values, as a training would.</summary>
    private static void Fill(LoraAdapters adapters)
    {
        using var off = no_grad();
        foreach (var (adapter, i) in adapters.UNet.Values.Concat(adapters.TextEncoder.Values).Select((a, i) => (a, i)))
        {
            adapter.Up.copy_(Noise((ulong)(50 + i), adapter.Up.shape).mul(0.1));
        }
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
