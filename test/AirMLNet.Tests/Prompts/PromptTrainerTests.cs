using AirMLNet.Clip;
using AirMLNet.Optimisation;
using AirMLNet.Prompts;
using AirMLNet.Testing;
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
        var found = t.Train(settings);

        // The same by hand: v1 = g1 + wd·θ0, θ1 = θ0 − lr·v1; v2 = m·v1 + g2 + wd·θ1, θ2 = θ1 − lr·v2.
        using var scope = NewDisposeScope();
        var theta = t.Context.detach().clone();
        var velocity = zeros_like(theta);
        for (var step = 0; step < 2; step++)
        {
            var gradient = t.Gradient(theta);
            using var off = no_grad();
            velocity = velocity.mul(0.9).add(gradient).add(theta.mul(0.05));
            theta = theta.sub(velocity.mul(0.05));
        }
        var expected = theta.contiguous().data<float>().ToArray();
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], 1e-5f);
        }
    }

    [TestMethod]
    public void TheLossFalls_AndTheSameSeedGivesTheSameBits()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(new(0.05, 15, 1, 1e-4, WarmUp.Constant), 4, 0.9, 0, 0);
        var losses = new List<double>();
        var first = t.Train(settings, (_, loss) => losses.Add(loss));
        var second = t.Train(settings);
        CollectionAssert.AreEqual(first, second);
        Assert.HasCount(15, losses);
        Assert.IsLessThan(losses[0], losses[^1]);
    }

    [TestMethod]
    public void AGradientClip_BoundsTheStep()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(new(1, 1, 1, 1, WarmUp.Constant), 100, 0, 0, 1e-3);
        float[] after = t.Train(settings),
            before = t.Context.contiguous().data<float>().ToArray();
        var moved = Math.Sqrt(after.Zip(before, (a, b) => (a - b) * (double)(a - b)).Sum());
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
    public void Weights_FollowTheParadigm()
    {
        // 2 labelled and 6 pseudo-labelled images.
        Assert.AreEqual((3.0, 1.0), PromptTrainer.Weights(LabelledBalance.ScaleLabelled, 2, 6, 1)); // γ = 6/2
        Assert.AreEqual((1.0, 2 / 6.0), PromptTrainer.Weights(LabelledBalance.ScalePseudo, 2, 6, 1)); // λ = 2/6
        Assert.AreEqual((1.0, 0.5), PromptTrainer.Weights(LabelledBalance.Equal, 2, 6, 0.5));
        foreach (var balance in Enum.GetValues<LabelledBalance>())
        {
            Assert.AreEqual((1.0, 1.0), PromptTrainer.Weights(balance, 0, 6, 1));
            Assert.AreEqual((1.0, 1.0), PromptTrainer.Weights(balance, 2, 0, 1));
        }
    }

    [TestMethod]
    [DataRow(20, 2000, 8)] // 0.64, at least 8
    [DataRow(5, 2000, 5)] // no more than there are
    [DataRow(1000, 2000, 32)]
    [DataRow(9000, 1000, 256)] // 576, at most 256
    public void AParallelBatch_FollowsTheRatioWithinBounds(int labelled, int pseudo, int expected) =>
        Assert.AreEqual(expected, PromptTrainer.ParallelSize(labelled, pseudo));

    [TestMethod]
    public void TheLoss_IsTheWeightedSumOfItsParts()
    {
        using var t = new Bench();
        // Pseudo-labelled rows 0-1 with candidates, labelled rows 2-3, synthetic rows 4-5: each part is one whole batch.
        float[] targets = [0.5f, 0.5f, 0, 1, 0, 1];
        var set = new PromptTrainingSet(new([0, 1], [0, 0], null, targets), new([2, 3], [2, 0]), new([4, 5], [1, 2]));
        var losses = new List<double>();
        var settings = new PromptTrainingSettings(new(0.05, 1, 1, 0.05, WarmUp.Constant), 100, 0, 0, 0)
        {
            Balance = LabelledBalance.ScalePseudo,
            SyntheticWeight = 0.3,
            PseudoLabelWeight = 0.5,
        };
        t.Train(settings, (_, loss) => losses.Add(loss), set);
        var p = t.Probabilities();
        var pseudo = -(Math.Log(0.5 * p[0][0] + 0.5 * p[0][1]) + Math.Log(p[1][0] + p[1][2])) / 2;
        double labelled = -(Math.Log(p[2][2]) + Math.Log(p[3][0])) / 2,
            synthetic = -(Math.Log(p[4][1]) + Math.Log(p[5][2])) / 2;
        Assert.AreEqual(labelled + 0.5 * (2 / 2) * pseudo + 0.3 * synthetic, losses[0], 1e-4);
    }

    [TestMethod]
    public void DropLast_LeavesOutTheRest_ButNeverTheOnlyBatch()
    {
        using var t = new Bench();
        int Steps(int batch, bool drop)
        {
            var steps = 0;
            t.Train(
                new PromptTrainingSettings(new(0.05, 1, 0, 0, WarmUp.Constant), batch, 0, 0, 0) { DropLast = drop },
                beforeStep: () => steps++
            );
            return steps;
        }

        Assert.AreEqual(2, Steps(4, false));
        Assert.AreEqual(1, Steps(4, true));
        Assert.AreEqual(1, Steps(10, true));
        Assert.AreEqual(2, Steps(3, true));
    }

    [TestMethod]
    public void CyclicBatches_GiveEverySampleOnceAnEpoch()
    {
        var batches = new CyclicBatches(5, 2, new Random(1));
        int[] first = [.. Enumerable.Range(0, 5).SelectMany(_ => batches.Next())];
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3, 4 }, first[..5].Order().ToArray());
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3, 4 }, first[5..].Order().ToArray());
    }

    [TestMethod]
    public void TheOrderOfTheImages_IsTheSameWithAndWithoutOthersBesideThem()
    {
        using var t = new Bench();
        long[][] Steps(PromptTrainingSet set)
        {
            var recorder = new Recorder();
            var settings = new PromptTrainingSettings(new(0, 3, 1, 0, WarmUp.Constant), 2, 0, 0, 0);
            using var scope = NewDisposeScope();
            PromptTrainer.Train(recorder, t.Context, set, settings, new Random(4));
            return [.. recorder.Steps.Select(s => s[..2])];
        }

        var main = new PromptSamples([0, 1, 2, 3], [0, 1, 2, 0]);
        long[][] alone = Steps(new(main)),
            withSynthetic = Steps(new(main, null, new([4, 5], [1, 2]))),
            withAll = Steps(new(main, new([6, 7, 8], [1, 2, 0]), new([4, 5], [1, 2])));
        Assert.HasCount(6, alone);
        for (var k = 0; k < alone.Length; k++)
        {
            CollectionAssert.AreEqual(alone[k], withSynthetic[k], $"step {k}");
            CollectionAssert.AreEqual(alone[k], withAll[k], $"step {k}");
        }
    }

    [TestMethod]
    public void Training_LeavesNoTensorsBehind()
    {
        using var t = new Bench();
        var settings = new PromptTrainingSettings(Steady, 4, 0.9, 0.05, 1);
        t.Train(settings); // what is made once per process exists now
        var before = LiveTensors.Count;
        t.Train(settings);
        Assert.AreEqual(before, LiveTensors.Count);
    }

    /// <summary>Remembers the images of every step.</summary>
    private sealed class Recorder : IPromptClassifier
    {
        public List<long[]> Steps { get; } = [];

        public Tensor Logits(Tensor context, long[] images)
        {
            Steps.Add(images);
            return context.sum().mul(ones(images.Length, 3));
        }
    }

    /// <summary>Six features of three classes, and a prompt.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly StageFixture _fixture = new(6);
        private readonly ClipBackbone _backbone;
        private readonly SharedPrompt _prompt;
        private readonly TextPromptModel _model;
        private readonly Tensor _features;
        private readonly PromptSamples _samples = new([0, 1, 2, 3, 4, 5], [0, 1, 2, 0, 1, 2]);

        public Bench()
        {
            _backbone = ClipBackbone.Acquire(_fixture.ClipFolder);
            _prompt = new SharedPrompt(_backbone, StageFixture.Names, 4);
            var features = StageFixture.Vectors(_fixture.Features().Fit(_fixture.Data).Transform(_fixture.Data), "Features");
            float[] flat = [.. features.SelectMany(v => v)];
            _features = tensor(flat, [6, TinyClip.FeatureDimension]);
            _model = new TextPromptModel(_prompt, flat, TinyClip.FeatureDimension, 3, _backbone.LogitScale, CPU);
            using var generator = new Generator(3);
            Context = _prompt.NewContext(generator, 0.02);
        }

        public Tensor Context { get; }

        public float[] Train(
            PromptTrainingSettings settings,
            Action<int, double>? afterEpoch = null,
            PromptTrainingSet? set = null,
            Action? beforeStep = null
        )
        {
            using var scope = NewDisposeScope();
            var trained = PromptTrainer.Train(_model, Context, set ?? new(_samples), settings, new Random(4), afterEpoch, beforeStep);
            return trained.contiguous().data<float>().ToArray();
        }

        /// <summary>softmax(s·f·gᵀ) at the start.</summary>
        public double[][] Probabilities()
        {
            using var scope = NewDisposeScope();
            var logits = _features.matmul(_prompt.ClassVectors(Context).t()).mul(_backbone.LogitScale).contiguous().data<float>().ToArray();
            return
            [
                .. logits
                    .Chunk(3)
                    .Select(row =>
                    {
                        double[] e = [.. row.Select(v => Math.Exp(v - row.Max()))];
                        return e.Select(v => v / e.Sum()).ToArray();
                    }),
            ];
        }

        /// <summary>The gradient of the plain mean cross-entropy over all six.</summary>
        public Tensor Gradient(Tensor context)
        {
            var leaf = context.detach().clone();
            leaf.requires_grad = true;
            var logits = _features.matmul(_prompt.ClassVectors(leaf).t()).mul(_backbone.LogitScale);
            var loss = nn.functional.cross_entropy(logits, tensor(new long[] { 0, 1, 2, 0, 1, 2 }));
            return autograd.grad([loss], [leaf])[0];
        }

        public void Dispose()
        {
            Context.Dispose();
            _features.Dispose();
            _model.Dispose();
            _backbone.Release();
            _fixture.Dispose();
        }
    }
}
