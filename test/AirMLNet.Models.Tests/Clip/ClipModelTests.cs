using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipModelTests
{
    internal static readonly ClipConfig Small = new()
    {
        ProjectionDim = 12,
        Vision = new()
        {
            HiddenSize = 16,
            IntermediateSize = 40,
            Layers = 2,
            Heads = 2,
            ImageSize = 12,
            PatchSize = 4,
        },
        Text = new()
        {
            HiddenSize = 8,
            IntermediateSize = 24,
            Layers = 2,
            Heads = 2,
            ContextLength = 10,
            VocabularySize = 30,
            Activation = ClipActivation.Gelu,
        },
    };

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
    [DataRow(4, 12L, 20L)]
    [DataRow(32, 64L, 96L)]
    public void PatchesAreAConvolutionWhoseStrideIsItsKernel(int patch, long height, long width)
    {
        using var generator = new Generator(4);
        var config = Small with { Vision = Small.Vision with { PatchSize = patch, ImageSize = 3 * patch } };
        using var model = new ClipModel(config, generator);
        var pixels = randn([2, 3, height, width], generator: generator);
        var state = model.state_dict();
        var positions = ClipPositionGrid.Resize(
            state["vision_model.embeddings.position_embedding.weight"],
            3,
            height / patch,
            width / patch,
            ClipPositions.Bicubic
        );
        var patches = nn.functional.conv2d(
            pixels,
            state["vision_model.embeddings.patch_embedding.weight"],
            strides: new long[] { patch, patch }
        );

        var tokens = model.Vision.Embed(pixels, ClipPositions.Bicubic);

        var expected = patches.flatten(2).transpose(1, 2) + positions[1..]; // [2, P, W]
        Assert.IsLessThan(1e-5f, (tokens[.., 1..] - expected).abs().max().item<float>());
        var classToken = state["vision_model.embeddings.class_embedding"] + positions[0];
        Assert.IsLessThan(1e-6f, (tokens[.., 0] - classToken).abs().max().item<float>());
    }

    [TestMethod]
    public void ParametersHaveTheirHuggingFaceNamesAndShapes()
    {
        using var model = new ClipModel(Small);
        var shapes = model.state_dict().ToDictionary(p => p.Key, p => string.Join("x", p.Value.shape));

        Assert.AreEqual("", shapes["logit_scale"]);
        Assert.AreEqual("30x8", shapes["text_model.embeddings.token_embedding.weight"]);
        Assert.AreEqual("10x8", shapes["text_model.embeddings.position_embedding.weight"]);
        Assert.AreEqual("8x8", shapes["text_model.encoder.layers.1.self_attn.k_proj.weight"]);
        Assert.AreEqual("24", shapes["text_model.encoder.layers.0.mlp.fc1.bias"]);
        Assert.AreEqual("8", shapes["text_model.final_layer_norm.weight"]);
        Assert.AreEqual("16", shapes["vision_model.embeddings.class_embedding"]);
        Assert.AreEqual("16x3x4x4", shapes["vision_model.embeddings.patch_embedding.weight"]);
        Assert.AreEqual("10x16", shapes["vision_model.embeddings.position_embedding.weight"]);
        Assert.AreEqual("16", shapes["vision_model.pre_layrnorm.bias"]);
        Assert.AreEqual("16", shapes["vision_model.post_layernorm.bias"]);
        Assert.AreEqual("12x16", shapes["visual_projection.weight"]);
        Assert.AreEqual("12x8", shapes["text_projection.weight"]);
        // 16 per block in 2 + 2 blocks; 2 + 2 text, 3 + 4 vision, 2 projections, the scale.
        Assert.HasCount((16 * 4) + 4 + 7 + 3, shapes);
    }

    [TestMethod]
    public void TheStateDictIsThatOfTheReferenceCheckpoint()
    {
        var folder = TestData.Path("golden/clip-vit-tiny");
        using var file = SafetensorsFile.Open(Path.Combine(folder, "weights.safetensors"));
        using var model = new ClipModel(ClipConfig.Load(folder)!);

        CollectionAssert.AreEquivalent(
            file.Entries.Select(e => $"{e.Key} {string.Join("x", e.Value.Shape)}").ToList(),
            model.state_dict().Select(p => $"{p.Key} {string.Join("x", p.Value.shape)}").ToList()
        );
    }

    [TestMethod]
    public void InitialWeightsDependOnTheGeneratorAlone()
    {
        using Generator one = new(7),
            same = new(7),
            other = new(8);
        using ClipModel a = new(Small, one),
            b = new(Small, same),
            c = new(Small, other);

        CollectionAssert.AreEqual(Values(a.VisualProjection.weight), Values(b.VisualProjection.weight));
        CollectionAssert.AreNotEqual(Values(a.VisualProjection.weight), Values(c.VisualProjection.weight));
        Assert.AreEqual(2.6592, a.logit_scale.item<float>(), 1e-6);
    }

    [TestMethod]
    public void WithoutGradientsTheResultIsTheSameAndTheInputsStay()
    {
        using var generator = new Generator(3);
        using var model = new ClipModel(Small, generator);
        foreach (var layer in new[] { model.Text.Encoder.Blocks[0].Attention.Output, model.Text.Encoder.Blocks[0].Mlp.Inner })
        {
            layer.Adapter = new LoraAdapter(
                new Parameter(randn([2, layer.Inputs], generator: generator).mul_(0.1)),
                new Parameter(randn([layer.Outputs, 2], generator: generator).mul_(0.1)),
                0.5
            );
        }
        Tensor tokens = model.Vision.Embed(Pixels(3)).detach(),
            before = tokens.clone(),
            ids = Ids();
        Tensor image = model.Vision.Encode(tokens).detach(),
            all = model.Vision.EncodeAll(tokens).detach(),
            text = model.EncodeText(ids).detach();

        using var off = no_grad();
        Assert.IsLessThan(1e-6, image.sub(model.Vision.Encode(tokens)).abs().max().item<float>());
        Assert.IsLessThan(1e-6, all.sub(model.Vision.EncodeAll(tokens)).abs().max().item<float>());
        Assert.IsLessThan(1e-6, text.sub(model.EncodeText(ids)).abs().max().item<float>());
        Assert.IsTrue(tokens.Equals(before));
    }

    [TestMethod]
    public void FeaturesHaveTheProjectedShape()
    {
        using var model = new ClipModel(Small);

        CollectionAssert.AreEqual(new long[] { 3, 12 }, model.EncodeImage(Pixels(3)).shape);
        CollectionAssert.AreEqual(new long[] { 2, 10, 16 }, model.Vision.Embed(Pixels(2)).shape);
        CollectionAssert.AreEqual(new long[] { 2, 12 }, model.EncodeText(Ids()).shape);
    }

    [TestMethod]
    public void PatchesMayBeLeftOut()
    {
        using var model = new ClipModel(Small);
        var tokens = model.Vision.Embed(Pixels(2));

        CollectionAssert.AreEqual(new long[] { 2, 12 }, model.EncodeImageTokens(tokens.narrow(1, 0, 5)).shape);
        AssertClose(model.EncodeImage(Pixels(2)), model.EncodeImageTokens(tokens), 1e-6);
    }

    [TestMethod]
    public void PooledAndWholePassAgree()
    {
        using var model = new ClipModel(Small);

        AssertClose(model.Vision.HiddenStates(Pixels(3)).Pooled, model.Vision.Encode(model.Vision.Embed(Pixels(3))), 1e-5);
        AssertClose(
            model.Text.HiddenStates(Ids()).Pooled,
            model.Text.Encode(model.Text.EmbedTokens(Ids()), model.Text.EndPositions(Ids())),
            1e-5
        );
    }

    [TestMethod]
    public void AnImageDoesNotDependOnItsBatch()
    {
        using var model = new ClipModel(Small);
        var pixels = Pixels(9);

        AssertClose(model.EncodeImage(pixels).narrow(0, 4, 1), model.EncodeImage(pixels.narrow(0, 4, 1)), 1e-5);
    }

    [TestMethod]
    public void EmbeddingsGiveTheSameFeaturesAsIds()
    {
        using var model = new ClipModel(Small);
        var ids = Ids();
        var ends = model.Text.EndPositions(ids);
        var want = model.EncodeText(ids);

        AssertClose(want, model.EncodeTextEmbeddings(model.Text.EmbedTokens(ids), ends), 1e-5);
        AssertClose(want, model.EncodeTextEmbeddings(model.Text.EmbedTokens(ids).narrow(1, 0, 7), ends), 1e-5); // shorter than the context
    }

    [TestMethod]
    public void WhatFollowsTheEndTokenDoesNotMatter()
    {
        using var model = new ClipModel(Small);
        var padded = tensor(new long[] { 28, 4, 29, 0, 0, 0, 28, 4, 5, 6, 7, 29 }, [2, 6]);
        var other = tensor(new long[] { 28, 4, 29, 29, 9, 3, 28, 4, 5, 6, 7, 29 }, [2, 6]); // as Stable Diffusion pads

        AssertClose(model.EncodeText(padded), model.EncodeText(other), 1e-6);
    }

    [TestMethod]
    public void TheEndTokenNeedNotHaveTheHighestId()
    {
        using var model = new ClipModel(Small with { Text = Small.Text with { EndToken = 3 } });
        var ids = tensor(new long[] { 28, 4, 3, 0, 28, 9, 20, 3 }, [2, 4]);

        CollectionAssert.AreEqual(new long[] { 2, 3 }, model.Text.EndPositions(ids).data<long>().ToArray());
    }

    [TestMethod]
    public void FrozenTextTowerPassesGradientsToTheEmbeddings()
    {
        using var model = new ClipModel(Small);
        foreach (var parameter in model.parameters())
        {
            parameter.requires_grad = false;
        }
        var ids = Ids();
        var embeddings = model.Text.EmbedTokens(ids).detach().requires_grad_(true);

        model.EncodeTextEmbeddings(embeddings, model.Text.EndPositions(ids)).sum().backward();

        var gradient = embeddings.grad!;
        Assert.IsGreaterThan(0f, gradient.select(1, 1).abs().max().item<float>());
        Assert.AreEqual(0f, gradient.select(1, 9).abs().max().item<float>()); // behind both end tokens
        Assert.IsTrue(model.parameters().All(p => p.grad is null));
    }

    [TestMethod]
    public void GradientsAgreeWithFiniteDifferences()
    {
        using var model = new ClipModel(Small);
        var weight = model.Vision.Encoder.Blocks[1].Mlp.Inner.weight;
        var direction = randn_like(weight, new Generator(3));
        Tensor Loss() => model.EncodeImage(Pixels(4)).pow(2).sum();

        Loss().backward();
        var analytic = weight.grad!.mul(direction).sum().item<float>();
        float up,
            down;
        using (no_grad())
        {
            weight.add_(direction.mul(1e-2));
            up = Loss().item<float>();
            weight.add_(direction.mul(-2e-2));
            down = Loss().item<float>();
        }
        Assert.AreEqual((up - down) / 2e-2, analytic, 2e-2 * Math.Abs(analytic));
    }

    [TestMethod]
    public void WrongShapesAreRefused()
    {
        using var model = new ClipModel(Small);

        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.EncodeImage(zeros([1, 3, 8, 8]))).Message,
            "[1, 3, 8, 8]"
        );
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.EncodeText(zeros([4], ScalarType.Int64))).Message, "[4]");
        StringAssert.Contains(
            Assert
                .ThrowsExactly<ArgumentException>(() => model.EncodeTextEmbeddings(zeros([1, 11, 8]), zeros([1], ScalarType.Int64)))
                .Message,
            "at most 10"
        );
        StringAssert.Contains(
            Assert
                .ThrowsExactly<ArgumentException>(() => model.EncodeTextEmbeddings(zeros([1, 3, 8]), full([1], 3, ScalarType.Int64)))
                .Message,
            "3 tokens"
        );
    }

    [TestMethod]
    [DataRow(ScalarType.Float32, 0.0)]
    [DataRow(ScalarType.Float16, 5e-3)]
    [DataRow(ScalarType.BFloat16, 5e-2)]
    public void SavedModelLoadsBack(ScalarType dtype, double tolerance)
    {
        using var model = new ClipModel(Small);
        model.Save(_folder, dtype);

        using var loaded = ClipModel.Load(_folder);

        Assert.AreEqual(Small, loaded.Config);
        Assert.AreEqual(ScalarType.Float32, loaded.logit_scale.dtype);
        AssertClose(model.EncodeImage(Pixels(2)), loaded.EncodeImage(Pixels(2)), tolerance);
        AssertClose(model.EncodeText(Ids()), loaded.EncodeText(Ids()), tolerance);
    }

    [TestMethod]
    public void SavingAsIntegersIsRefused()
    {
        using var model = new ClipModel(Small);

        Assert.ThrowsExactly<ArgumentException>(() => model.Save(_folder, ScalarType.Int8));
    }

    internal static Tensor Pixels(long count)
    {
        var values = new float[count * 3 * 12 * 12];
        var random = new Random(5);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)((random.NextDouble() * 4) - 2);
        }
        return tensor(values, [count, 3, 12, 12]);
    }

    internal static Tensor Ids() => tensor(new long[] { 28, 4, 5, 29, 0, 0, 0, 0, 0, 0, 28, 7, 8, 9, 10, 11, 29, 0, 0, 0 }, [2, 10]);

    internal static float[] Values(Tensor t) => t.detach().cpu().contiguous().data<float>().ToArray();

    internal static void AssertClose(Tensor want, Tensor got, double tolerance)
    {
        CollectionAssert.AreEqual(want.shape, got.shape);
        Assert.IsLessThanOrEqualTo(tolerance, want.sub(got).abs().max().item<float>());
    }

    private static Tensor randn_like(Tensor like, Generator generator)
    {
        using (generator)
        {
            return empty(like.shape, ScalarType.Float32).normal_(0, 1, generator);
        }
    }
}
