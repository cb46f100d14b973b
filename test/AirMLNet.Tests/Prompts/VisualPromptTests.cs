using AirMLNet.Clip;
using AirMLNet.Prompts;
using AirMLNet.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Prompts;

/// <summary>Visual prompts against the plain form: all tokens together, prompts between class token and patches.</summary>
[TestClass]
public sealed class VisualPromptTests
{
    private const int Length = 3,
        Images = 4;

    [TestMethod]
    [DataRow(false, false)]
    [DataRow(false, true)]
    [DataRow(true, false)]
    [DataRow(true, true)]
    public void FeaturesAndGradients_EqualThoseOfThePlainForm(bool deep, bool completed)
    {
        using var b = new Bench(deep);
        using var scope = NewDisposeScope();
        var frozen = b.Prompt.Freeze(b.Pixels);
        if (completed)
        {
            frozen = b.Prompt.Complete(frozen);
        }

        (var found, var gradient) = Run(context => b.Prompt.Encode(context, frozen));
        (var expected, var expectedGradient) = Run(context => Plain(b, context));
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], 1e-5f, $"feature {i}");
        }

        double largest = expectedGradient.Max(Math.Abs);
        Assert.IsGreaterThan(1e-4, largest);
        for (var i = 0; i < expectedGradient.Length; i++)
        {
            Assert.AreEqual(expectedGradient[i], gradient[i], 1e-3 * largest, $"gradient {i}");
        }

        (float[] Features, float[] Gradient) Run(Func<Tensor, Tensor> encode)
        {
            var context = b.Context.detach().clone();
            context.requires_grad = true;
            var features = encode(context);
            var loss = features.mul(b.Weights).sum();
            return (Values(features), Values(autograd.grad([loss], [context])[0]));
        }
    }

    [TestMethod]
    public void FirstValues_HaveTheSpreadOfTheRule()
    {
        using var b = new Bench(false);
        using var generator = new Generator(9);
        using Tensor shallow = new VisualPrompt(b.Backbone, 64, false).NewContext(generator),
            deep = new VisualPrompt(b.Backbone, 64, true).NewContext(generator);
        CollectionAssert.AreEqual(new long[] { 1, 64, 32 }, shallow.shape);
        CollectionAssert.AreEqual(new long[] { 2, 64, 32 }, deep.shape);
        Assert.AreEqual(Math.Pow(32, -0.5), Math.Sqrt(Values(shallow).Average(v => v * v)), 0.01);
        var bound = Math.Sqrt(6.0 / (3 * 8 * 8 + 32));
        Assert.IsLessThanOrEqualTo(bound, Values(deep).Max(Math.Abs));
        Assert.IsGreaterThan(0.98 * bound, Values(deep).Max(Math.Abs));
    }

    [TestMethod]
    public void AResNet_IsRefused()
    {
        string folder = TinyClip.Create(Directory.CreateTempSubdirectory("airmlnet-test-").FullName),
            net = TestData.Path("golden/clip-rn-tiny");
        File.Copy(Path.Combine(net, "config.json"), Path.Combine(folder, "config.json"), overwrite: true);
        File.Copy(Path.Combine(net, "weights_openai.safetensors"), Path.Combine(folder, "model.safetensors"), overwrite: true);
        File.Delete(Path.Combine(folder, "preprocessor_config.json"));
        var backbone = ClipBackbone.Acquire(folder);
        try
        {
            var e = Assert.ThrowsExactly<ArgumentException>(() => new VisualPrompt(backbone, 4, false));
            Assert.Contains("ResNet", e.Message);
        }
        finally
        {
            backbone.Release();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Tensor Plain(Bench b, Tensor context)
    {
        var tower = b.Backbone.Model.Vision;
        var tokens = tower.Embed(b.Pixels); // [B, 1 + N, W]
        long patches = tokens.size(1) - 1,
            width = tokens.size(2);
        Tensor U(int block) => context.select(0, block).unsqueeze(0).expand(Images, Length, width);
        var x = cat([tokens.narrow(1, 0, 1), U(0), tokens.narrow(1, 1, patches)], 1); // [B, 1 + P + N, W]
        if (!b.Prompt.Deep)
        {
            return ClipModel.Normalise(b.Backbone.Model.EncodeImageTokens(x));
        }

        x = tower.PreNorm.Forward(x);
        for (var i = 0; i < tower.Encoder.Blocks.Count; i++)
        {
            if (i > 0)
            {
                x = cat([x.narrow(1, 0, 1), U(i), x.narrow(1, 1 + Length, patches)], 1);
            }

            x = tower.Encoder.Blocks[i].Forward(x);
        }
        return ClipModel.Normalise(b.Backbone.Model.VisualProjection.Project(tower.PostNorm.Forward(x.select(1, 0))));
    }

    private static float[] Values(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();

    private sealed class Bench : IDisposable
    {
        private readonly StageFixture _fixture = new(1);
        private readonly DisposeScope _scope = NewDisposeScope();

        public Bench(bool deep)
        {
            Backbone = ClipBackbone.Acquire(_fixture.ClipFolder);
            Prompt = new VisualPrompt(Backbone, Length, deep);
            using var generator = new Generator(4);
            Pixels = randn([Images, 3, TinyClip.ImageSize, TinyClip.ImageSize], generator: generator);
            Weights = randn([Images, TinyClip.FeatureDimension], generator: generator);
            Context = Prompt.NewContext(generator);
        }

        public ClipBackbone Backbone { get; }
        public VisualPrompt Prompt { get; }
        public Tensor Pixels { get; }
        public Tensor Weights { get; }
        public Tensor Context { get; }

        public void Dispose()
        {
            _scope.Dispose();
            Backbone.Release();
            _fixture.Dispose();
        }
    }
}
