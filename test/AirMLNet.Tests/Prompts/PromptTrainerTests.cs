using AirMLNet.Clip;
using AirMLNet.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Prompts;

[TestClass]
public sealed class PromptTrainerTests
{
    private static readonly LearningRateSchedule Steady = new(0.05, 2, 2, 0.05, WarmUp.Constant);

    [TestMethod]
    public void TwoSteps_FollowSgdWithMomentumAndDecay()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(Steady, 100, 0.9, 0.05, 0);
        float[] found = t.Train(settings);

        // The same by hand: v1 = g1 + wd·θ0, θ1 = θ0 − lr·v1; v2 = m·v1 + g2 + wd·θ1, θ2 = θ1 − lr·v2.
        using var scope = NewDisposeScope();
        Tensor theta = t.Context.detach().clone();
        Tensor velocity = zeros_like(theta);
        for (int step = 0; step < 2; step++)
        {
            Tensor gradient = t.Gradient(theta);
            using var off = no_grad();
            velocity = velocity.mul(0.9).add(gradient).add(theta.mul(0.05));
            theta = theta.sub(velocity.mul(0.05));
        }
        float[] expected = theta.contiguous().data<float>().ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], found[i], 1e-5f);
    }

    [TestMethod]
    public void TheLossFalls_AndTheSameSeedGivesTheSameBits()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(new(0.05, 15, 1, 1e-4, WarmUp.Constant), 4, 0.9, 0, 0);
        var losses = new List<double>();
        float[] first = t.Train(settings, (_, loss) => losses.Add(loss));
        float[] second = t.Train(settings);
        CollectionAssert.AreEqual(first, second);
        Assert.HasCount(15, losses);
        Assert.IsLessThan(losses[0], losses[^1]);
    }

    [TestMethod]
    public void AGradientClip_BoundsTheStep()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(new(1, 1, 1, 1, WarmUp.Constant), 100, 0, 0, 1e-3);
        float[] after = t.Train(settings), before = t.Context.contiguous().data<float>().ToArray();
        double moved = Math.Sqrt(after.Zip(before, (a, b) => (a - b) * (double)(a - b)).Sum());
        Assert.AreEqual(1e-3, moved, 1e-5);
    }

    [TestMethod]
    public void ALossThatIsNotFinite_StopsAndNamesTheStep()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(new(1000, 50, 1, 1000, WarmUp.Constant), 100, 0, 1e9, 0);
        var e = Assert.ThrowsExactly<TrainingDivergedException>(() => t.Train(settings));
        Assert.Contains("in epoch", e.Message);
        Assert.Contains("step 1", e.Message);
    }

    [TestMethod]
    public void TrueLabels_AreWeightedByTheRatioOfTheSets()
    {
        Assert.AreEqual(1, PromptTrainer.TrueWeight(new([0, 1], [0, 1])));
        Assert.AreEqual(3, PromptTrainer.TrueWeight(new([0, 1, 2, 3], [0, 1, 0, 1], [true, false, false, false])));
        Assert.AreEqual(1, PromptTrainer.TrueWeight(new([0], [0], [true])));
    }

    [TestMethod]
    public void Training_LeavesNoTensorsBehind()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(Steady, 4, 0.9, 0.05, 1);
        t.Train(settings); // what is made once per process exists now
        long before = Tensor.TotalCount;
        t.Train(settings);
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    /// <summary>Six features of three classes, and a prompt.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly StageFixture _fixture = new(6);
        private readonly ClipBackbone _backbone;
        private readonly SharedPrompt _prompt;
        private readonly Tensor _features;
        private readonly PromptSamples _samples = new([0, 1, 2, 3, 4, 5], [0, 1, 2, 0, 1, 2]);

        public Bench()
        {
            _backbone = ClipBackbone.Acquire(_fixture.ClipFolder);
            _prompt = new SharedPrompt(_backbone, StageFixture.Names, 4);
            float[][] features = StageFixture.Vectors(_fixture.Features().Fit(_fixture.Data).Transform(_fixture.Data), "Features");
            _features = tensor(features.SelectMany(v => v).ToArray(), [6, TinyClip.FeatureDimension]);
            using var generator = new Generator(3);
            Context = _prompt.NewContext(generator, 0.02);
        }

        public Tensor Context { get; }

        public float[] Train(PromptTrainingSettings settings, Action<int, double>? afterEpoch = null)
        {
            using var scope = NewDisposeScope();
            Tensor trained = PromptTrainer.Train(_prompt, Context, _features, _backbone.LogitScale, _samples, settings, new Random(4), afterEpoch);
            return trained.contiguous().data<float>().ToArray();
        }

        /// <summary>The gradient of the plain mean cross-entropy over all six.</summary>
        public Tensor Gradient(Tensor context)
        {
            Tensor leaf = context.detach().clone();
            leaf.requires_grad = true;
            Tensor logits = _features.matmul(_prompt.ClassVectors(leaf).t()).mul(_backbone.LogitScale);
            Tensor loss = nn.functional.cross_entropy(logits, tensor(new long[] { 0, 1, 2, 0, 1, 2 }));
            return autograd.grad([loss], [leaf])[0];
        }

        public void Dispose()
        {
            Context.Dispose();
            _features.Dispose();
            _prompt.Dispose();
            _backbone.Release();
            _fixture.Dispose();
        }
    }
}
