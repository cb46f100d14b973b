using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.FineTuning;

[TestClass]
public sealed class FineTuneTrainerTests
{
    private static readonly string[] Names = ["red", "green", "blue"];
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void ABatchInChunksHasTheWholeBatchsGradient()
    {
        using var scope = NewDisposeScope();
        using var whole = new Bench(rows: 12);
        using var parts = new Bench(rows: 12);
        var loss = whole.Backward(chunk: 12);
        Assert.AreEqual(loss, parts.Backward(chunk: 5), 1e-5);
        foreach (var ((name, one), (_, other)) in whole.Model.named_parameters().Zip(parts.Model.named_parameters()))
        {
            var (a, b) = (one.grad, other.grad);
            // The gradient of a key's bias is zero in exact arithmetic.
            if ((a is null && b is null) || name.EndsWith("k_proj.bias", StringComparison.Ordinal))
            {
                continue;
            }

            var largest = a!.abs().max().item<float>();
            Assert.IsLessThanOrEqualTo((1e-3f * largest) + 1e-9f, a.sub(b!).abs().max().item<float>(), name);
        }
    }

    [TestMethod]
    public void TheLossFalls_AndTheSameSeedGivesTheSameBits()
    {
        List<double> losses = [];
        using var one = new Bench(rows: 24);
        using var two = new Bench(rows: 24);
        one.Run(epochs: 8, rate: 1e-3, progress: p => losses.Add(p.Loss!.Value));
        two.Run(epochs: 8, rate: 1e-3);
        Assert.HasCount(24, losses); // three batches of eight in each epoch
        Assert.IsLessThan(losses.Take(3).Average(), losses.TakeLast(3).Average());
        CollectionAssert.AreEqual(one.Bits(), two.Bits());
        CollectionAssert.AreEqual(one.Prototypes(), two.Prototypes());
    }

    [TestMethod]
    public void AnInterruptedRunEndsAsOneThatWasNot()
    {
        using var whole = new Bench(rows: 24);
        whole.Run(epochs: 3, rate: 1e-3);

        using (var cut = new Bench(rows: 24))
        {
            Assert.ThrowsExactly<InvalidOperationException>(() =>
                cut.Run(3, 1e-3, p => _ = p.Done == 5 ? throw new InvalidOperationException("cut") : 0, _folder["run"])
            );
        }

        using var rest = new Bench(rows: 24);
        var first = 0L;
        rest.Run(3, 1e-3, p => first = first == 0 ? p.Done : first, _folder["run"]);
        Assert.AreEqual(5L, first); // four steps were in the checkpoint: in the middle of the second epoch
        CollectionAssert.AreEqual(whole.Bits(), rest.Bits());
        CollectionAssert.AreEqual(whole.Prototypes(), rest.Prototypes());
    }

    [TestMethod]
    public void ALossThatIsNotFinite_NamesTheStep()
    {
        using var bench = new Bench(rows: 24);
        using (no_grad())
        {
            bench.Model.TextProjection.weight.fill_(float.NaN);
        }

        var e = Assert.ThrowsExactly<TrainingDivergedException>(() => bench.Run(2, 1e-3));
        Assert.Contains("epoch 1, step 1 of 6", e.Message);
    }

    [TestMethod]
    public void ATextWhoseFeatureIsNotFinite_NamesTheStepInWhichItComes_AndMovesNothing()
    {
        using var bench = new Bench(rows: 24);
        using (no_grad())
        {
            // One token of some texts alone: the others stay finite.
            bench.Spoil("group 17 of blue");
        }

        var steps = 0L;
        var e = Assert.ThrowsExactly<TrainingDivergedException>(() => bench.Run(2, 1e-3, p => steps = p.Done));
        Assert.Contains($"step {steps + 1} of 6", e.Message);
        Assert.Contains("texts whose features are not finite", e.Message);
        Assert.IsTrue(bench.Prototypes().All(float.IsFinite));
    }

    [TestMethod]
    public void ABatchOfOneClass_Trains_AndLeavesTheOtherPrototypesAsTheyWere()
    {
        using var bench = new Bench(rows: 8, label: 1);
        var before = bench.Prototypes();
        List<double> losses = [];
        // Current labels may be of other classes: without their loss and with a model that names one class, only class 1 can move.
        bench.Run(epochs: 2, rate: 1e-4, progress: p => losses.Add(p.Loss!.Value));
        Assert.IsTrue(losses.All(double.IsFinite));
        Assert.IsTrue(bench.Bits().All(float.IsFinite));
        var after = bench.Prototypes();
        Assert.IsTrue(after.All(float.IsFinite));
        Assert.IsFalse(Row(before, 1).SequenceEqual(Row(after, 1)));
        Assert.Contains(c => Row(before, c).SequenceEqual(Row(after, c)), new[] { 0, 2 });

        static float[] Row(float[] all, int c) => all[(c * all.Length / 3)..((c + 1) * all.Length / 3)];
    }

    [TestMethod]
    public void InBFloat16_StepsTooSmallForItAreKept()
    {
        using var whole = new Bench(rows: 24);
        using var half = new Bench(rows: 24);
        var start = half.Bits();
        whole.Run(epochs: 4, rate: 2e-6);
        half.Run(epochs: 4, rate: 2e-6, half: true);
        var moved = half.Bits();
        // float32 weights that moved by less than a bfloat16 can say, and in the direction of the run in float32.
        Assert.IsFalse(start.SequenceEqual(moved));
        var small = start.Zip(moved).Count(p => p.First != p.Second && (ushort)(Bits(p.First) >> 16) == (ushort)(Bits(p.Second) >> 16));
        Assert.IsGreaterThan(start.Length / 4, small);
        double dot = 0,
            one = 0,
            other = 0;
        foreach (var (s, (a, b)) in start.Zip(whole.Bits().Zip(moved)))
        {
            dot += (double)(a - s) * (b - s);
            one += (double)(a - s) * (a - s);
            other += (double)(b - s) * (b - s);
        }
        Assert.IsGreaterThan(0.8, dot / Math.Sqrt(one * other));

        static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);
    }

    [TestMethod]
    public void OnlyMatricesDecay()
    {
        using var scope = NewDisposeScope();
        using var bench = new Bench(rows: 3);
        var before = bench.Model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        using var optimizer = new FineTuneOptimizer(bench.Model, new FineTuneSchedule { LearningRate = 0.5, WeightDecay = 0.2 });
        optimizer.Begin(0, 2);
        foreach (var parameter in bench.Model.parameters())
        {
            parameter.grad = zeros_like(parameter);
        }
        optimizer.Step();
        foreach (var (name, parameter) in bench.Model.named_parameters())
        {
            var expected = before[name].mul(parameter.dim() >= 2 ? 1 - (0.5 * 0.2) : 1);
            Assert.IsTrue(parameter.allclose(expected), name);
        }
    }

    [TestMethod]
    public void TheScaleOfTheLogitsStaysWithinBounds()
    {
        using var scope = NewDisposeScope();
        using var bench = new Bench(rows: 3);
        using var optimizer = new FineTuneOptimizer(bench.Model, new FineTuneSchedule { LearningRate = 100 });
        optimizer.Begin(0, 1);
        bench.Model.logit_scale.grad = ones_like(bench.Model.logit_scale).neg();
        optimizer.Step();
        Assert.AreEqual(Math.Log(100), bench.Model.logit_scale.item<float>(), 1e-6);
    }

    [TestMethod]
    public void FlypTakesTheLabelsOfTheModelAsItIs_OrTheGivenOnes()
    {
        using var scope = NewDisposeScope();
        using var bench = new Bench(rows: 6);
        var towers = ClipTowers.Of(bench.Model);
        using var own = new FlypObjective(bench.ClassIds, null);
        using var given = new FlypObjective(bench.ClassIds, [2, 2, 2, 2, 2, 2]);
        var classes = FlypObjective.ClassFeatures(towers.Text, bench.ClassIds);
        // Images that are the classes' own features: each must get its class.
        Assert.IsTrue(own.Texts(towers, classes, [0, 1, 2]).equal(bench.ClassIds).all().item<bool>());
        Assert.IsTrue(given.Texts(towers, classes, [0, 1, 2]).equal(bench.ClassIds.narrow(0, 2, 1)).all().item<bool>());
    }

    [TestMethod]
    public void WithoutAnyTextToMix_IsRefused()
    {
        using var scope = NewDisposeScope();
        using var bench = new Bench(rows: 3);
        var e = Assert.ThrowsExactly<ArgumentException>(() =>
            new LatteObjective(
                ones(3, 4),
                bench.ClassIds,
                [0, 1, 2],
                null,
                null,
                new MixerRule { ClassText = false },
                GroupTextSource.Own,
                1
            )
        );
        Assert.Contains("No text is left", e.Message);
    }

    /// <summary>The tiny model, pictures of three colours, and a text for each.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly ClipBackbone _clip = ClipBackbone.Acquire(TinyModels.Clip);
        private readonly RgbImage[] _pictures;
        private readonly LatteObjective _objective;

        public Bench(int rows, int? label = null)
        {
            var random = new Random(3);
            _pictures = [.. Enumerable.Range(0, rows).Select(i => TinyClip.Picture(i % 3, random))];
            Model = ClipModel.Load(TinyModels.Clip);
            using var scope = NewDisposeScope();
            ClassIds = Ids([.. Names.Select(n => $"a photo of a {n}.")]).DetachFromDisposeScope();
            TextRows Texts(string kind) =>
                new(
                    Ids([.. Enumerable.Range(0, rows).Select(i => $"{kind} {i} of {Names[i % 3]}")]).data<long>().ToArray(),
                    [.. Enumerable.Range(0, rows).Select(i => i % 5 != 4)]
                );
            _objective = new(
                FlypObjective.ClassFeatures(ClipTowers.Of(Model).Text, ClassIds),
                ClassIds,
                [.. Enumerable.Range(0, rows).Select(i => label ?? i % 3)],
                Texts("image"),
                Texts("group"),
                new MixerRule { TextShare = 0.1 },
                GroupTextSource.SameClass,
                seed: 4
            );
        }

        public ClipModel Model { get; }

        public Tensor ClassIds { get; }

        public double Backward(int chunk)
        {
            using var scope = NewDisposeScope();
            _objective.BeginEpoch(0, false);
            var pixels = stack(
                _pictures.Select(p => tensor(_clip.Preprocessor.Preprocess(p), [3, TinyClip.ImageSize, TinyClip.ImageSize]))
            );
            return FineTuneStep.Backward(
                ClipTowers.Of(Model),
                pixels,
                [.. Enumerable.Range(0, _pictures.Length).Select(i => (long)i)],
                _objective,
                chunk
            );
        }

        /// <summary>Makes the feature of one text alone not a number, by the token of its number.</summary>
        public void Spoil(string text)
        {
            using var scope = NewDisposeScope();
            var own = Ids([text]).data<long>().ToArray();
            var others = Ids([.. Enumerable.Range(0, 24).Select(i => $"image {i} of {Names[i % 3]}"), "a photo of a red."])
                .data<long>()
                .ToArray();
            var token = own.Except(others).First();
            Model.state_dict()["text_model.embeddings.token_embedding.weight"].select(0, token).fill_(float.NaN);
        }

        public void Run(int epochs, double rate, Action<ProgressReport>? progress = null, string? checkpoint = null, bool half = false)
        {
            using var copy = half ? new HalfCopy(Model, ClipModel.Load(TinyModels.Clip)) : null;
            FineTuneTrainer.Run(
                Model,
                _pictures.Length,
                new FineTuneImages(i => _pictures[i], _clip.Preprocessor, new RandomCrop(), 4),
                _objective,
                new FineTunePlan
                {
                    Epochs = epochs,
                    BatchSize = 8,
                    Chunk = 8,
                    Schedule = new FineTuneSchedule { LearningRate = rate, WarmUpSteps = 2 },
                    Seed = 4,
                    CheckpointFolder = checkpoint,
                    CheckpointSteps = 4,
                    Settings = "bench",
                },
                progress is null ? null : new DirectProgress(progress),
                copy
            );
        }

        public float[] Bits() => [.. Model.parameters().SelectMany(p => p.detach().contiguous().data<float>().ToArray())];

        public float[] Prototypes() => _objective.Bank.Prototypes.data<float>().ToArray();

        public void Dispose()
        {
            _objective.Dispose();
            ClassIds.Dispose();
            Model.Dispose();
            _clip.Release();
        }

        private Tensor Ids(string[] texts)
        {
            var length = _clip.Tokenizer.ContextLength;
            var ids = new long[texts.Length * length];
            for (var i = 0; i < texts.Length; i++)
            {
                _clip.Tokenizer.Tokenize(texts[i], ids.AsSpan(i * length, length));
            }
            return tensor(ids, [texts.Length, length]);
        }
    }
}
