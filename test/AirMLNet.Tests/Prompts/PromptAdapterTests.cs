using AirMLNet.Heads;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Prompts;

[TestClass]
public sealed class PromptAdapterTests
{
    [TestMethod]
    public void TheSameSeed_GivesTheSameModel_AndAnotherSeedAnother()
    {
        using var f = new StageFixture(12);
        float[] first = Fit(f, new MLContext(5)),
            again = Fit(f, new MLContext(5)),
            other = Fit(f, new MLContext(6));
        CollectionAssert.AreEqual(first, again);
        CollectionAssert.AreNotEqual(first, other);
    }

    [TestMethod]
    public void ZeroRounds_IsTheZeroShotClassifier()
    {
        using var f = new StageFixture(12);
        var data = Labelled(f);
        var scored = f.Context.MulticlassClassification.Trainers.PromptAdapter(f.Prompts(rounds: 0)).Fit(data).Transform(data);
        float[][] expected = StageFixture.Vectors(data, "PseudoLabelScore"),
            found = StageFixture.Vectors(scored, "Score");
        for (var i = 0; i < expected.Length; i++)
        {
            CollectionAssert.AreEqual(expected[i], found[i]);
        }
    }

    [TestMethod]
    public void AlongsidePrototypes_TheScoreIsTheFusedOne()
    {
        using var f = new StageFixture(12);
        var data = Labelled(f);
        data = f.Context.Transforms.PrototypeClassifier("P", "Features").Fit(data).Transform(data);
        var options = f.Prompts(rounds: 0) with { PrototypeColumn = "P", PrototypeWeight = 0.25, PrototypeAtTest = true };
        var scored = f.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(data).Transform(data);
        float[][] text = StageFixture.Vectors(data, "PseudoLabelScore"),
            image = StageFixture.Vectors(data, "P"),
            found = StageFixture.Vectors(scored, "Score");
        var labels = StageFixture.Column<uint>(scored, "PredictedLabel");
        for (var i = 0; i < found.Length; i++)
        {
            for (var c = 0; c < 3; c++)
            {
                Assert.AreEqual((text[i][c] + 0.25f * image[i][c]) / 1.25f, found[i][c], 1e-6f);
            }

            Assert.AreEqual((uint)CosineHead.ArgMax(found[i]) + 1, labels[i]);
        }
    }

    [TestMethod]
    public void EachRound_TrainsAndReports_AndFeaturesAreReadOnce()
    {
        using var f = new StageFixture(30);
        var reports = new List<ProgressReport>();
        var lines = new List<string>();
        f.Context.Log += (_, e) => lines.Add(e.Message);
        var features = f.Features().Fit(f.Data);
        var data = features.Transform(f.Data);
        data = f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels(perClass: 2)).Fit(data).Transform(data);
        var options = f.Prompts(rounds: 3, epochs: 2) with
        {
            Strategy = PseudoLabelStrategy.Grip,
            Progress = new DirectProgress(reports.Add),
        };
        f.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(data);
        Assert.HasCount(6, reports);
        Assert.AreEqual((6L, 6L), (reports[^1].Done, reports[^1].Total!.Value));
        Assert.AreEqual(30L, features.EncodedImages);
        for (var round = 1; round <= 3; round++)
        {
            Assert.IsTrue(lines.Any(l => l.Contains($"round {round} of 3", StringComparison.Ordinal)), $"round {round}");
        }
    }

    [TestMethod]
    public void TrueLabels_ReplacePseudoLabels()
    {
        // With wrong pseudo-labels and right true ones, training must follow the true ones: the two models differ.
        using var f = new StageFixture(12);
        var data = Labelled(f);
        var values = StageFixture.Vectors(data, "Features");
        var keyed = f.Context.Data.LoadFromEnumerable(
            values
                .Select(
                    (v, i) =>
                        new TrueRow
                        {
                            Features = v,
                            PseudoLabel = (uint)(i % 2),
                            Label = i % 4 == 0 ? 2u : uint.MaxValue,
                        }
                )
                .ToArray()
        );
        var trainers = f.Context.MulticlassClassification.Trainers;
        var with = trainers.PromptAdapter(f.Prompts() with { TrueLabelColumn = "Label" }).Fit(keyed).Prompt.ToArray();
        var without = new MLContext(5).MulticlassClassification.Trainers.PromptAdapter(f.Prompts()).Fit(keyed).Prompt.ToArray();
        CollectionAssert.AreNotEqual(with, without);
    }

    [TestMethod]
    public void LabelsOfOneClassOnly_AreRefused()
    {
        using var f = new StageFixture(6);
        var values = StageFixture.Vectors(Labelled(f), "Features");
        var keyed = f.Context.Data.LoadFromEnumerable(values.Select(v => new TrueRow { Features = v, PseudoLabel = 1 }).ToArray());
        var e = Assert.ThrowsExactly<InvalidDataException>(() =>
            f.Context.MulticlassClassification.Trainers.PromptAdapter(f.Prompts()).Fit(keyed)
        );
        Assert.Contains("only 1 of 3 classes have a label in 'PseudoLabel'", e.Message);
        Assert.Contains("red, blue", e.Message);
    }

    [TestMethod]
    public void ClassNamesInAnotherOrderThanTheLabels_AreRefused()
    {
        using var f = new StageFixture(6);
        var data = Labelled(f);
        var options = f.Prompts() with { ClassNames = ["green", "red", "blue"] };
        var e = Assert.Throws<ArgumentException>(() => f.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(data));
        Assert.Contains("[red, green, blue]", e.Message);
    }

    [TestMethod]
    public void ACancelledToken_AndACancelledContext_StopTheFit()
    {
        using var f = new StageFixture(6);
        var data = Labelled(f);
        using var source = new CancellationTokenSource();
        var options = f.Prompts(epochs: 1000) with
        {
            CancellationToken = source.Token,
            Progress = new DirectProgress(_ => source.Cancel()),
        };
        Assert.Throws<OperationCanceledException>(() => f.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(data));

        var cancel = typeof(MLContext).GetMethod(
            "CancelExecution",
            System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public
        )!;
        options = f.Prompts(epochs: 1000) with { Progress = new DirectProgress(_ => cancel.Invoke(f.Context, null)) };
        Assert.Throws<OperationCanceledException>(() => f.Context.MulticlassClassification.Trainers.PromptAdapter(options).Fit(data));
    }

    [TestMethod]
    public void EveryTrainingOption_ChangesTheModel()
    {
        using var f = new StageFixture(15);
        var data = Labelled(f);
        data = f.Context.Transforms.PrototypeClassifier("P", "Features").Fit(data).Transform(data);
        var plain = f.Prompts(rounds: 2, epochs: 4) with { BatchSize = 5, PerClass = 3 };
        float[] Train(PromptAdapterOptions options) =>
            new MLContext(5).MulticlassClassification.Trainers.PromptAdapter(options).Fit(data).Prompt.ToArray();
        var expected = Train(plain);
        CollectionAssert.AreEqual(expected, Train(plain));
        foreach (
            (var name, var changed) in new (string, PromptAdapterOptions)[]
            {
                ("Rounds", plain with { Rounds = 1, WarmStart = true }),
                ("Epochs", plain with { Epochs = 5 }),
                ("BatchSize", plain with { BatchSize = 3 }),
                ("LearningRate", plain with { LearningRate = 0.05 }),
                ("Momentum", plain with { Momentum = 0.5 }),
                ("WeightDecay", plain with { WeightDecay = 0.5 }),
                ("WarmUpEpochs", plain with { WarmUpEpochs = 2 }),
                ("WarmUpLearningRate", plain with { WarmUpEpochs = 3, WarmUpLearningRate = 0.01 }),
                ("WarmUp", plain with { WarmUpEpochs = 2, WarmUp = WarmUp.Linear }),
                ("GradientClip", plain with { GradientClip = 1e-3 }),
                ("WarmStart", plain with { WarmStart = true }),
                ("InitialStandardDeviation", plain with { InitialStandardDeviation = 0.1 }),
                ("PromptLength", plain with { PromptLength = 5 }),
                ("PerClass", plain with { PerClass = 1 }),
                ("Strategy", plain with { Strategy = PseudoLabelStrategy.Grip }),
                ("PrototypeColumn", plain with { PrototypeColumn = "P" }),
                ("Loss", plain with { Loss = PromptLoss.Candidates, Selection = SelectionRule.Candidates }),
                ("LabelClasses", plain with { LabelClasses = ["red", "blue"] }),
                ("DropLast", plain with { DropLast = true }),
                (
                    "FirstRoundScoreColumn",
                    plain with
                    {
                        FirstRoundScoreColumn = "PseudoLabelScore",
                        Selection = SelectionRule.Candidates,
                        IntraQuantile = 0.2,
                        InterQuantile = 0.2,
                        Loss = PromptLoss.Candidates,
                    }
                ),
                ("Prompt", plain with { Prompt = PromptKind.Visual }),
                ("Selection", plain with { PerClass = 5, Selection = SelectionRule.Leaderboard }),
            }
        )
        {
            CollectionAssert.AreNotEqual(expected, Train(changed), name);
        }
    }

    [TestMethod]
    public void EveryOptionOfCandidatesAndFusion_ChangesTheModel()
    {
        using var f = new StageFixture(24);
        var data = Labelled(f);
        data = f.Context.Transforms.PrototypeClassifier("P", "Features", new() { Temperature = 0.5 }).Fit(data).Transform(data);
        var plain = f.Prompts(rounds: 2, epochs: 3) with
        {
            PerClass = 5,
            Selection = SelectionRule.Candidates,
            Loss = PromptLoss.Candidates,
            IntraQuantile = 1,
            InterQuantile = 0.2,
            PrototypeColumn = "P",
            PrototypeWeight = 0.5,
        };
        float[] Train(PromptAdapterOptions options) =>
            new MLContext(5).MulticlassClassification.Trainers.PromptAdapter(options).Fit(data).Prompt.ToArray();
        var expected = Train(plain);
        CollectionAssert.AreEqual(expected, Train(plain));
        foreach (
            (var name, var changed) in new (string, PromptAdapterOptions)[]
            {
                ("IntraQuantile", plain with { IntraQuantile = 0.2 }),
                ("InterQuantile", plain with { InterQuantile = 0.9 }),
                ("PrototypeWeight", plain with { PrototypeWeight = 100 }),
                ("Fusion", plain with { Fusion = FusionForm.Convex, PrototypeWeight = 1 }),
                ("Loss", plain with { Loss = PromptLoss.CrossEntropy }),
            }
        )
        {
            CollectionAssert.AreNotEqual(expected, Train(changed), name);
        }
    }

    private static float[] Fit(StageFixture f, MLContext context) =>
        f.Chain(context).Fit(context.Data.LoadFromEnumerable(f.Rows)).LastTransformer.Prompt.ToArray();

    private static IDataView Labelled(StageFixture f)
    {
        var data = f.Features().Fit(f.Data).Transform(f.Data);
        return f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels()).Fit(data).Transform(data);
    }

    /// <summary>LoadFromEnumerable counts keys from 0; what is beyond the last is missing.</summary>
    private sealed class TrueRow
    {
        [VectorType(TinyClip.FeatureDimension)]
        public float[] Features { get; set; } = [];

        [KeyType(3)]
        public uint PseudoLabel { get; set; }

        [KeyType(3)]
        public uint Label { get; set; }
    }

    [TestMethod]
    public void Options_TakeATenthOfFewEpochs_AndRefuseAWarmUpWithoutTraining()
    {
        var options = new PromptAdapterOptions
        {
            ClipFolder = "x",
            ClassNames = ["a", "b"],
            Epochs = 20,
        };
        Assert.AreEqual(2, options.Schedule().WarmUpEpochs);
        Assert.AreEqual(5, (options with { Epochs = 150 }).Schedule().WarmUpEpochs);
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => (options with { WarmUpEpochs = 20 }).Schedule());
        Assert.Contains("WarmUpEpochs = 20; expected 0..19", e.Message);
    }
}
