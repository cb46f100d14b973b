using AirMLNet.Diffusion;
using AirMLNet.Images;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>Stable Diffusion XL in use; its numbers are checked by the reference cases.</summary>
[TestClass]
public sealed class StableDiffusionXlTests
{
    private static readonly StableDiffusionOptions Options = new() { Steps = 3 };
    private static TemporaryFolder _root = null!;
    private static string _folder = null!;

    [ClassInitialize]
    public static void Write(TestContext _)
    {
        _root = new();
        _folder = TinyXl.Write(_root["xl"]);
    }

    [ClassCleanup]
    public static void Delete() => _root.Dispose();

    [TestMethod]
    public void AnImageOfABatchIsTheImageAlone()
    {
        using var model = StableDiffusionPipeline.Load(_folder);
        Assert.IsTrue(model.IsXl);
        TextToImageRequest[] requests = [new("a cat", 1), new("a ship", 2, "a dog"), new("a cat", 3)];
        var together = model.Generate(requests, Options with { BatchSize = 3 }).ToList();
        for (var i = 0; i < requests.Length; i++)
        {
            var alone = model.Generate([requests[i]], Options).Single();
            Assert.IsLessThanOrEqualTo(1, alone.Pixels.Zip(together[i].Pixels).Max(p => Math.Abs(p.First - p.Second)));
        }
    }

    [TestMethod]
    public void NoNegativePromptIsZerosWhereTheModelSaysSo()
    {
        byte[] Pixels(string? negative)
        {
            using var model = StableDiffusionPipeline.Load(_folder);
            return model.Generate([new("a cat", 1, negative)], Options).Single().Pixels;
        }

        var zeros = Pixels(null);
        var empty = Pixels("");
        CollectionAssert.AreNotEqual(empty, zeros);
        TinyXl.Change(_folder, json => json["force_zeros_for_empty_prompt"] = false);
        try
        {
            CollectionAssert.AreEqual(empty, Pixels(null));
        }
        finally
        {
            TinyXl.Change(_folder, json => json.Remove("force_zeros_for_empty_prompt"));
        }
    }

    [TestMethod]
    public void PreparedConditionsGiveWhatAPlainCallGives()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = StableDiffusionPipeline.Load(_folder);
        var states = model.Encode(["a cat", "a dog"]);
        var added = states.Added(16, 24)!;
        using var generator = new Generator(3);
        var sample = randn([1, 4, 8, 8], generator: generator);
        using var conditions = model.UNet.Prepare(states.States, [0, 1], [500, 20], added);
        var want = model.UNet.Forward(sample.repeat(2, 1, 1, 1), tensor(new[] { 20.0 }), states.States, added);
        Assert.IsTrue(model.UNet.Forward(sample, 1, conditions).allclose(want, atol: 1e-5));
        Assert.Contains(
            "pooled texts and sizes",
            Assert.ThrowsExactly<ArgumentException>(() => model.UNet.Forward(sample, tensor(new[] { 20.0 }), states.States[..1])).Message
        );
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void LoraIsTrainedAndReadAgain(bool text)
    {
        using var model = StableDiffusionPipeline.Load(_folder);
        var before = Pixels(model);
        var options = new LoraTrainingOptions
        {
            Steps = 3,
            BatchSize = 2,
            LearningRate = 0.02,
            Lora = new() { Rank = 2, TextEncoderTargets = text ? ["q_proj"] : null },
        };
        LoraExample[] examples =
        [
            .. Enumerable
                .Range(0, 3)
                .Select(i => new LoraExample($"{i}", () => new RgbImage(20, 16, [.. Enumerable.Repeat((byte)(80 * i), 960)]), "a cat")),
        ];
        var result = new LoraTrainer(model, options).Train(examples, _root[$"lora{text}"], 1);
        var trained = Pixels(model);
        CollectionAssert.AreNotEqual(before, trained);
        Assert.AreEqual(text, model.Lora!.TextEncoder2.Count > 0);

        using var again = StableDiffusionPipeline.Load(_folder);
        again.LoadLora(result.File);
        CollectionAssert.AreEqual(trained, Pixels(again));
        again.LoadLora(result.File, 0);
        CollectionAssert.AreEqual(before, Pixels(again));
    }

    [TestMethod]
    public void KohyasNamesOfXlAreThoseOfStabilitysCode()
    {
        using var model = StableDiffusionPipeline.Load(_folder);
        var names = LoraNames.OfUNet(model.UNetConfig);
        string[] Kohya(string layer) => [.. names.Of(layer).Select(k => k.Down)];
        // Two resolutions of one resnet each: 0 is conv_in, 1 and 3 the resnets, 2 what halves.
        CollectionAssert.Contains(Kohya("down_blocks.0.resnets.0.conv1"), "lora_unet_input_blocks_1_0_in_layers_2.lora_down.weight");
        CollectionAssert.Contains(Kohya("down_blocks.0.downsamplers.0.conv"), "lora_unet_input_blocks_2_0_op.lora_down.weight");
        CollectionAssert.Contains(
            Kohya("mid_block.attentions.0.transformer_blocks.1.attn2.to_out.0"),
            "lora_unet_middle_block_1_transformer_blocks_1_attn2_to_out_0.lora_down.weight"
        );
        CollectionAssert.Contains(
            Kohya("up_blocks.1.attentions.1.transformer_blocks.0.ff.net.0.proj"),
            "lora_unet_output_blocks_3_1_transformer_blocks_0_ff_net_0_proj.lora_down.weight"
        );
        CollectionAssert.Contains(Kohya("up_blocks.0.upsamplers.0.conv"), "lora_unet_output_blocks_1_1_conv.lora_down.weight");
    }

    private static byte[] Pixels(StableDiffusionPipeline model) => model.Generate([new("a cat", 1)], Options).Single().Pixels;
}
