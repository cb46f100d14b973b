using AirMLNet.Clip;
using AirMLNet.Diffusion;
using AirMLNet.Layers;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Diffusion;

/// <summary>The models beyond what the reference cases hold: full size, other block types, adapters.</summary>
[TestClass]
public sealed class ArchitectureTests
{
    /// <summary>Stable Diffusion v1's published sizes; memory that no value is written to is not taken.</summary>
    [TestMethod]
    public void FullSizeHasThePublishedNumberOfParameters()
    {
        using var unet = UNet2DConditionModel.Empty(new());
        Assert.AreEqual(859_520_964, Count(unet));
        var adapted = unet.LinearLayers.Where(l => l.Key.Contains(".attn", StringComparison.Ordinal)).ToList();
        Assert.HasCount(128, adapted);
        Assert.AreEqual(199_296, adapted.Sum(l => l.Value.Inputs + l.Value.Outputs));
        Assert.IsTrue(unet.LinearLayers.ContainsKey("mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0"));
        Assert.IsTrue(unet.LinearLayers["up_blocks.1.attentions.0.proj_in"].IsConvolution);
        using var vae = AutoencoderKL.Empty(new());
        Assert.AreEqual(83_653_863, Count(vae));
        using var text = ClipTextModel.Empty(
            new()
            {
                HiddenSize = 768,
                IntermediateSize = 3072,
                Layers = 12,
                Heads = 12,
            }
        );
        Assert.AreEqual(123_060_480, Count(text));
    }

    [TestMethod]
    public void OtherArrangementsOfBlocksComputeAndAreReadAsTheyAreWritten()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var folder = new TemporaryFolder();
        foreach (var config in Configurations())
        {
            using var model = new UNet2DConditionModel(config, generator);
            var (sample, text, times) = (
                randn([2, config.InChannels, 12, 8], generator: generator),
                randn([2, 5, config.CrossAttentionDim], generator: generator),
                tensor(new double[] { 3, 700.5 })
            );
            var output = model.Forward(sample, times, text);
            CollectionAssert.AreEqual(new[] { 2L, config.OutChannels, 12, 8 }, output.shape);
            // The prepared way must be the same with every arrangement.
            using var off = no_grad();
            using var conditions = model.Prepare(text, [0, 1], [3, 700.5]);
            var other = model.Forward(sample.narrow(0, 0, 1), 1, conditions);
            var plain = model.Forward(sample.narrow(0, 0, 1).repeat(2, 1, 1, 1), tensor(new double[] { 700.5 }), text);
            Assert.IsLessThan(1e-4f, (other - plain).abs().max().item<float>(), config.ToString());

            model.Save(folder, ScalarType.Float32);
            using var again = UNet2DConditionModel.Load(folder);
            Assert.AreEqual(config, again.Config);
            Assert.IsLessThan(1e-6f, (again.Forward(sample, times, text) - output).abs().max().item<float>());
        }
    }

    [TestMethod]
    public void AnAdapterActsAsItsMatrixAddedToTheWeight()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        using var model = new UNet2DConditionModel(TinyDiffusion.UNet, generator);
        var (sample, text, times) = (
            randn([1, 4, 8, 8], generator: generator),
            randn([1, 5, 32], generator: generator),
            tensor(new[] { 10L })
        );
        var before = model.Forward(sample, times, text);
        var names = new[]
        {
            "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k",
            "mid_block.attentions.0.proj_out",
            "up_blocks.1.attentions.1.transformer_blocks.0.ff.net.0.proj",
            "up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0",
        };
        foreach (var name in names)
        {
            var layer = model.LinearLayers[name];
            using var adapter = new LoraAdapter(
                new Parameter(randn([3, layer.Inputs], generator: generator)),
                new Parameter(randn([layer.Outputs, 3], generator: generator)),
                0.5
            );
            layer.Adapter = adapter;
            var adapted = model.Forward(sample, times, text);
            Assert.IsGreaterThan(1e-4f, (adapted - before).abs().max().item<float>(), name);
            adapted.square().sum().backward();
            Assert.IsGreaterThan(0f, adapter.Down.grad!.abs().max().item<float>());
            Assert.IsGreaterThan(0f, adapter.Up.grad!.abs().max().item<float>());

            layer.Adapter = null;
            using (no_grad())
            {
                layer.weight.add_(adapter.Delta().view(layer.weight.shape));
                var merged = model.Forward(sample, times, text);
                Assert.IsLessThan(1e-4f, (adapted - merged).abs().max().item<float>(), name);
                layer.weight.sub_(adapter.Delta().view(layer.weight.shape));
            }

            Assert.Contains(
                "the layer is",
                Assert
                    .ThrowsExactly<ArgumentException>(() =>
                        layer.Adapter = new LoraAdapter(new Parameter(zeros(2, 7)), new Parameter(zeros(layer.Outputs, 2)), 1)
                    )
                    .Message
            );
        }

        Assert.IsFalse(model.state_dict().Keys.Any(k => k.Contains("lora", StringComparison.OrdinalIgnoreCase)));
        Assert.ThrowsExactly<ArgumentException>(() => new LoraAdapter(new Parameter(zeros(2, 7)), new Parameter(zeros(7, 3)), 1));
    }

    [TestMethod]
    public void OldAttentionNamesAndConvolutionsAreReadAsTheVaesOwn()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(4);
        using var folder = new TemporaryFolder();
        using var vae = new AutoencoderKL(
            new()
            {
                BlockOutChannels = [8, 8],
                LayersPerBlock = 1,
                NormNumGroups = 4,
            },
            generator
        );
        vae.Save(folder, ScalarType.Float32);
        var file = Path.Combine(folder, "diffusion_pytorch_model.safetensors");
        foreach (var convolution in new[] { false, true })
        {
            var old = vae.state_dict()
                .ToDictionary(
                    p =>
                        p.Key.Replace("to_q", "query", StringComparison.Ordinal)
                            .Replace("to_k", "key", StringComparison.Ordinal)
                            .Replace("to_v", "value", StringComparison.Ordinal)
                            .Replace("to_out.0", "proj_attn", StringComparison.Ordinal),
                    p =>
                        convolution && p.Key.Contains(".to_", StringComparison.Ordinal) && p.Value.dim() == 2
                            ? p.Value.unsqueeze(-1).unsqueeze(-1)
                            : p.Value
                );
            Assert.IsTrue(old.ContainsKey("decoder.mid_block.attentions.0.proj_attn.bias"));
            Safetensors.Write(file, old);
            using var again = AutoencoderKL.Load(folder);
            Assert.IsTrue(vae.state_dict().All(p => p.Value.eq(again.state_dict()[p.Key]).all().item<bool>()));
        }

        Assert.Contains("multiples of 2", Assert.ThrowsExactly<ArgumentException>(() => vae.Encode(zeros(1, 3, 7, 8))).Message);
        Assert.Contains("[B, 4, h, w]", Assert.ThrowsExactly<ArgumentException>(() => vae.Decode(zeros(1, 3, 7, 8))).Message);
    }

    private static IEnumerable<UNet2DConditionConfig> Configurations()
    {
        var standard = TinyDiffusion.UNet;
        yield return standard with
        {
            UseLinearProjection = true,
            UpcastAttention = true,
            FlipSinToCos = false,
            FreqShift = 1,
        };
        yield return standard with
        {
            DownBlockTypes = ["DownBlock2D", "CrossAttnDownBlock2D"],
            UpBlockTypes = ["CrossAttnUpBlock2D", "UpBlock2D"],
        };
        yield return standard with
        {
            DownBlockTypes = ["DownBlock2D", "DownBlock2D"],
            UpBlockTypes = ["UpBlock2D", "UpBlock2D"],
            LayersPerBlock = [2, 1],
        };
        yield return standard with
        {
            BlockOutChannels = [8, 12, 16],
            LayersPerBlock = [1, 2, 1],
            TransformerLayersPerBlock = [1, 2, 1],
            AttentionHeads = [1, 3, 8],
            NormNumGroups = 2,
            NormEps = 1e-6,
            DownBlockTypes = ["CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
            UpBlockTypes = ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
            InChannels = 3,
            OutChannels = 6,
            CrossAttentionDim = 10,
            ConvInKernel = 5,
            ConvOutKernel = 1,
            SampleSize = 12,
        };
        yield return standard with
        {
            BlockOutChannels = [16],
            DownBlockTypes = ["CrossAttnDownBlock2D"],
            UpBlockTypes = ["CrossAttnUpBlock2D"],
            LayersPerBlock = [2],
            TransformerLayersPerBlock = [1],
            AttentionHeads = [4],
        };
    }

    private static long Count(nn.Module module) => module.parameters().Sum(p => p.numel());
}
