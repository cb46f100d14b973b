using AirMLNet.Captions;
using AirMLNet.FineTuning;
using AirMLNet.Prototypes;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Recipes;

/// <summary>LatteCLIP's published numbers (methods §5.3, §5.5), and what its recipes are made into.</summary>
[TestClass]
public sealed class FineTunedRecipeTests
{
    [TestMethod]
    [DataRow("Caltech101", 1e-7, 50, 10, 1e-7)]
    [DataRow("DTD", 1e-7, 100, 10, 0.2)]
    [DataRow("EuroSAT", 1e-7, 15, 40, 0.2)]
    [DataRow("FGVCAircraft", 1e-7, 50, 15, 0.2)]
    [DataRow("flowers102", 1e-7, 50, 12, 0.2)]
    [DataRow("Food101", 1e-6, 15, 140, 0.2)]
    [DataRow("OxfordPets", 1e-7, 100, 10, 0.2)]
    [DataRow("StanfordCars", 1e-7, 50, 20, 0.2)]
    [DataRow("SUN397", 1e-6, 15, 40, 0.2)]
    [DataRow("UCF101", 1e-7, 50, 20, 0.2)]
    [DataRow("another", 1e-7, 50, 10, 0.2)]
    public void LatteClipAndFlypTrainAsPublished(string dataSet, double rate, int epochs, int warmUp, double decay)
    {
        foreach (var basis in new[] { Recipe.LatteClip, Recipe.FlypPseudoLabels, Recipe.FlypOracle })
        {
            var recipe = basis.WithDataSet(dataSet);
            Assert.AreEqual(
                (rate, epochs, warmUp, decay, 512, 2000),
                (
                    recipe.LearningRate,
                    recipe.Epochs,
                    recipe.FineTune!.WarmUpSteps,
                    recipe.WeightDecay,
                    recipe.BatchSize,
                    recipe.FineTune.MostSteps
                ),
                recipe.Name
            );
        }
        Assert.AreEqual(Recipe.ReClip.LearningRate, Recipe.ReClip.WithDataSet(dataSet).LearningRate);
    }

    [TestMethod]
    public void TheDefaultsAreThePublishedOnes()
    {
        var latte = Recipe.LatteClip.FineTune!;
        Assert.AreEqual((0.99, 0.99, 4, 0.9), (latte.Alpha, latte.Momentum, latte.GroupSize, latte.MinCropArea));
        Assert.IsTrue(latte is { ClassText: true, ImageText: true, GroupText: true, Mixer: true, ZeroShotLoss: true, CurrentLoss: true });
        Assert.AreEqual((PrototypeUpdate.Code, GroupTextSource.SameClass), (latte.Update, latte.GroupTexts));
        Assert.AreEqual((64, 1e-3, true), (Recipe.ReClip.BatchSize, Recipe.ReClip.LearningRate, Recipe.ReClip.FineTune!.EpochsByImages));
        Assert.IsFalse(Recipe.ReClip.WithEpochs(3).FineTune!.EpochsByImages);
        Assert.IsTrue(Recipe.FlypOracle.Supervised);
        Assert.IsTrue(Recipe.LatteClip.NeedsCaptions && Recipe.LmmZeroShot.NeedsCaptions);
        Assert.IsFalse(Recipe.FlypPseudoLabels.NeedsCaptions || Recipe.ReClip.NeedsCaptions || Recipe.Grip.NeedsCaptions);
    }

    [TestMethod]
    public void WhatIsMissingIsNamed()
    {
        var task = new AdaptationTask { ClipFolder = "clip", ClassNames = StageFixture.Names };
        var captioned = task with
        {
            Captions = new() { Captioner = new ColourCaptioner(), WorkFolder = "texts" },
        };
        Fails(Recipe.LatteClip, task, "needs a captioner");
        Fails(Recipe.LmmZeroShot, task, "needs a captioner");
        Fails(Recipe.LatteClip, captioned, "needs a folder to work in");
        Fails(Recipe.ReClip, task, "needs a folder to work in");
        Fails(Recipe.FlypOracle, task, "learns from labels: give LabelColumn.");
        var right = Recipe.LatteClip with { FineTune = Recipe.LatteClip.FineTune! with { CorrectInGroup = 2 } };
        Fails(right, captioned with { WorkFolder = "work" }, "CorrectInGroup asks the true labels");

        static void Fails(Recipe recipe, AdaptationTask task, string expected) =>
            Assert.Contains(expected, Assert.ThrowsExactly<InvalidOperationException>(() => recipe.Stages(new MLContext(1), task)).Message);
    }

    [TestMethod]
    [DataRow("latteclip")]
    [DataRow("flyp-pl")]
    [DataRow("reclip")]
    public void ARecipeIsItsStages_AndItsSavedModelNeedsNoTexts(string name)
    {
        using var f = new StageFixture(18);
        var recipe = Short(Recipe.Named(name));
        var captioner = new ColourCaptioner();
        var model = (TransformerChain<ITransformer>)recipe.Stages(new MLContext(4), Task(f, captioner, "work")).Fit(f.Data);
        Assert.AreEqual(name == "latteclip", captioner.Asked > 0);
        var scores = StageFixture.Vectors(model.Transform(f.Data), "Score");
        Assert.IsTrue(scores.All(s => Math.Abs(s.Sum() - 1) < 1e-4));
        // The labels, the texts and the features they came from are for training only.
        var path = Path.Combine(f.Root, "model.zip");
        f.Context.Model.Save(model.GetModelFor(TransformerScope.Scoring), f.Data.Schema, path);
        var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(path, out _);
        Assert.AreEqual(1, loaded.Count());
        var again = StageFixture.Vectors(loaded.Transform(f.Data), "Score");
        for (var i = 0; i < scores.Length; i++)
        {
            CollectionAssert.AreEqual(scores[i], again[i]);
        }
        (loaded.LastTransformer as IDisposable)?.Dispose();
        (model.LastTransformer as IDisposable)?.Dispose();
    }

    /// <summary>Two ways to the same trainer.</summary>
    [TestMethod]
    public void APrototypeClassifierThatFineTunes_IsLatteClip()
    {
        using var f = new StageFixture(12);
        var labels = f.Context.Transforms.PseudoLabel(
            "ZeroShotLabel",
            "Features",
            f.PseudoLabels() with
            {
                Strategy = AirMLNet.PseudoLabels.PseudoLabelStrategy.All,
            }
        );
        var data = f.Context.Data.Cache(f.Features().Append(labels).Fit(f.Data).Transform(f.Data));
        var options = new LatteClipOptions
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            WorkFolder = Path.Combine(f.Root, "one"),
            ImageTextColumn = null,
            GroupTextColumn = null,
            Epochs = 2,
            BatchSize = 6,
            LearningRate = 1e-4,
        };
        // The stage around the trainer takes a seed of its own from the context first.
        var ml = new MLContext(3);
        _ = ml.Transforms.PrototypeClassifier("PrototypeScore", "Features");
        using var trained = ml.MulticlassClassification.Trainers.LatteClip(options).Fit(data);
        var same = new PrototypeClassifierOptions
        {
            Adaptation = PrototypeAdaptation.FineTune,
            FineTuning = options with { WorkFolder = Path.Combine(f.Root, "two") },
        };
        var stage = new MLContext(3).Transforms.PrototypeClassifier("PrototypeScore", "Features", same);
        var predicted = StagePrint.Describe(stage.GetOutputSchema(StagePrint.Shape(data.Schema)));
        using var tuned = stage.Fit(data);
        var view = tuned.Transform(data);
        Assert.AreEqual(predicted, StagePrint.Describe(view.Schema));
        var expected = StageFixture.Vectors(trained.Transform(data), "Score");
        var found = StageFixture.Vectors(view, "PrototypeScore");
        for (var i = 0; i < expected.Length; i++)
        {
            CollectionAssert.AreEqual(expected[i], found[i]);
        }

        // It loads as what the trainer gives.
        var path = Path.Combine(f.Root, "tuned.zip");
        f.Context.Model.Save(tuned, data.Schema, path);
        using var loaded = (LatteClipTransformer)new MLContext().Model.Load(path, out _);
        CollectionAssert.AreEqual(found[0], StageFixture.Vectors(loaded.Transform(data), "PrototypeScore")[0]);
        Assert.Contains(
            "FineTuning is not set",
            Assert
                .ThrowsExactly<ArgumentException>(() =>
                    new MLContext(1).Transforms.PrototypeClassifier("S", "Features", same with { FineTuning = null })
                )
                .Message
        );
    }

    internal static Recipe Short(Recipe recipe) =>
        recipe.WithEpochs(2) with
        {
            BatchSize = 6,
            LearningRate = 1e-4,
            FineTune = recipe.FineTune! with { WarmUpSteps = 1, EpochsByImages = false },
        };

    private static AdaptationTask Task(StageFixture f, ICaptioner captioner, string work) =>
        new()
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            Captions = new() { Captioner = captioner, WorkFolder = Path.Combine(f.Root, "texts") },
            WorkFolder = Path.Combine(f.Root, work),
        };
}
