using AirMLNet.Heads;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Recipes;

/// <summary>
/// The published numbers, each where a paper or its code has it (docs/methods.md §2.3, §3, §4), and what a recipe is made into.
/// </summary>
[TestClass]
public sealed class RecipeTests
{
    [TestMethod]
    [DataRow("zero-shot", 0, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    [DataRow("coop", 1, 0.002, 5e-4, 200, 1, 32, 0.0, false)]
    [DataRow("vpt", 1, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    [DataRow("fpl", 1, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    [DataRow("ifpl", 10, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    [DataRow("grip", 10, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    [DataRow("prototypes", 10, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    [DataRow("cpl", 10, 0.02, 0.05, 50, 2, 64, 0.8, true)]
    [DataRow("air-grip", 10, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    [DataRow("air-cpl", 10, 0.02, 0.05, 150, 5, 64, 0.8, true)]
    [DataRow("air-mean", 10, 0.1, 0.1, 150, 5, 16, 0.0, false)]
    public void TrainsAsPublished(
        string name,
        int rounds,
        double rate,
        double decay,
        int epochs,
        int warmUp,
        int batch,
        double clip,
        bool dropLast
    )
    {
        var recipe = Recipe.Named(name);
        Assert.AreEqual(
            (rounds, rate, decay, epochs, (int?)warmUp, batch, clip, dropLast),
            (
                recipe.Rounds,
                recipe.LearningRate,
                recipe.WeightDecay,
                recipe.Epochs,
                recipe.WarmUpEpochs,
                recipe.BatchSize,
                recipe.GradientClip,
                recipe.DropLast
            )
        );
        Assert.AreEqual((0.9, 16, WarmUp.Constant), (recipe.Momentum, recipe.PromptLength, recipe.WarmUp));
        Assert.AreEqual(name == "coop" ? 1e-5 : 1e-4, recipe.WarmUpLearningRate);
    }

    [TestMethod]
    public void LabelsAsPublished()
    {
        foreach (var recipe in Recipe.All.Where(r => r.FineTune is null))
        {
            var fixedNumber = recipe.Name is "fpl" or "ifpl";
            var candidates = recipe.Name is "cpl" or "air-cpl";
            var air = recipe.Name.StartsWith("air-", StringComparison.Ordinal);
            Assert.AreEqual(fixedNumber ? PseudoLabelStrategy.Fpl : PseudoLabelStrategy.Grip, recipe.Strategy, recipe.Name);
            Assert.AreEqual(candidates ? SelectionRule.Candidates : SelectionRule.Exact, recipe.Selection, recipe.Name);
            Assert.AreEqual(candidates ? PromptLoss.Candidates : PromptLoss.CrossEntropy, recipe.Loss, recipe.Name);
            Assert.AreEqual(candidates ? LabelledBalance.Equal : null, recipe.LabelledBalance, recipe.Name);
            Assert.AreEqual(candidates ? LabelledBatches.Parallel : LabelledBatches.Mixed, recipe.LabelledBatches, recipe.Name);
            Assert.AreEqual(16, recipe.PerClass);
            Assert.AreEqual(air || recipe.Name == "prototypes", recipe.Prototypes, recipe.Name);
            Assert.AreEqual(air, recipe.NeedsSynthetic, recipe.Name);
            var mean = recipe.Name == "air-mean";
            Assert.AreEqual((mean ? 1 : 0.5, air ? 0.1 : 0), (recipe.PrototypeWeight, recipe.SyntheticWeight), recipe.Name);
            Assert.AreEqual(
                (mean ? 100_000 : 1, PrototypeRanking.Probability, mean, mean ? 0.1 : (double?)null),
                (recipe.Representatives, recipe.Representative, recipe.PrototypeCentring, recipe.PrototypeTemperature),
                recipe.Name
            );
            Assert.IsFalse(recipe.PrototypeAtTest);
            Assert.AreEqual(recipe.Name is "coop" or "vpt", recipe.Supervised, recipe.Name);
            Assert.AreEqual(recipe.Name == "vpt" ? PromptKind.Visual : PromptKind.Text, recipe.Prompt, recipe.Name);
        }
    }

    [TestMethod]
    [DataRow("EuroSAT", false, 0.75, 0.80, 1 - (3 / 4.0))]
    [DataRow("Flowers102", false, 0.60, 0.99, 1 - (1 / 4.0))]
    [DataRow("FGVCAircraft", false, 0.90, 0.97, 1 - (1.5 / 4))]
    [DataRow("DTD", false, 0.75, 0.95, 1 - (2 / 4.0))]
    [DataRow("RESISC45", false, 0.90, 0.97, 1 - (2 / 4.0))]
    [DataRow("EuroSAT", true, 0.90, 0.80, 1 - (2 / 4.0))]
    [DataRow("Flowers102", true, 0.60, 0.99, 1 - (1 / 4.0))]
    [DataRow("FGVCAircraft", true, 0.90, 0.99, 1 - (2 / 4.0))]
    [DataRow("DTD", true, 0.60, 0.97, 1 - (2 / 4.0))]
    [DataRow("resisc45", true, 0.90, 0.97, 1 - (2 / 4.0))]
    public void CplTakesTheQuantilesOfItsPaper(string dataSet, bool visual, double intra, double inter, double unseen)
    {
        Assert.AreEqual((intra, (double?)inter), CplQuantiles.Of(dataSet, visual, null));
        Assert.AreEqual((intra, (double?)unseen), CplQuantiles.Of(dataSet, visual, 4));
        Assert.AreEqual((0.75, (double?)null), CplQuantiles.Of("another", visual, null));

        var recipe = Recipe.Cpl.WithPrompt(visual ? PromptKind.Visual : PromptKind.Text).WithDataSet(dataSet);
        var task = new AdaptationTask { ClipFolder = "clip", ClassNames = ["a", "b", "c", "d"] };
        Assert.AreEqual((intra, (double?)inter), Quantiles(recipe.PseudoLabels(task, fused: false)));
        Assert.AreEqual(
            (0.5, (double?)0.4),
            Quantiles((recipe with { IntraQuantile = 0.5, InterQuantile = 0.4 }).PseudoLabels(task, false))
        );

        static (double, double?) Quantiles(PseudoLabelOptions options) => (options.IntraQuantile, options.InterQuantile);
    }

    [TestMethod]
    public void WithChangesWhatBelongsTogether()
    {
        Assert.AreEqual((30, (int?)null), (Recipe.Grip.WithEpochs(30).Epochs, Recipe.Grip.WithEpochs(30).WarmUpEpochs));
        Assert.AreEqual(
            (5, 1, 0),
            (Recipe.Grip.WithRounds(5).Rounds, Recipe.Fpl.WithRounds(5).Rounds, Recipe.ZeroShot.WithRounds(5).Rounds)
        );
        Assert.AreEqual(
            (50, 100, 200),
            (Recipe.CoOp.WithShots(1).Epochs, Recipe.CoOp.WithShots(4).Epochs, Recipe.CoOp.WithShots(16).Epochs)
        );
        Assert.AreEqual((0.3, 0.2), Weights(Recipe.AirOnCpl.WithWeights(0.3, 0.2)));
        Assert.AreEqual((0.3, 0.0), Weights(Recipe.Cpl.WithWeights(0.3, 0.2)));

        static (double, double) Weights(Recipe r) => (r.PrototypeWeight, r.SyntheticWeight);
    }

    [TestMethod]
    public void RecipesGoThroughJson_AndAreFoundByName()
    {
        foreach (var recipe in Recipe.All)
        {
            Assert.AreEqual(recipe, OptionsJson.Read<Recipe>(OptionsJson.Write(recipe)));
            Assert.AreSame(recipe, Recipe.Named(recipe.Name));
        }
        Assert.Contains("air-cpl", Assert.ThrowsExactly<ArgumentException>(() => Recipe.Named("airr")).Message);
    }

    [TestMethod]
    public void WhatIsMissingIsNamed()
    {
        var ml = new MLContext(1);
        var task = new AdaptationTask { ClipFolder = "clip", ClassNames = StageFixture.Names };
        Assert.Contains("give LabelColumn.", Assert.ThrowsExactly<InvalidOperationException>(() => Recipe.CoOp.Stages(ml, task)).Message);
        Assert.Contains(
            "synthetic images",
            Assert.ThrowsExactly<InvalidOperationException>(() => Recipe.AirOnGrip.Stages(ml, task)).Message
        );
    }

    [TestMethod]
    public void TheCodesQuirks_ChangeLabelsTextsAndTraining()
    {
        var quirk = Recipe.Grip with { PaperQuirk = true };
        var task = new AdaptationTask { ClipFolder = "clip", ClassNames = StageFixture.Names };
        var options = quirk.PseudoLabels(task, fused: false);
        Assert.AreEqual(SelectionRule.Leaderboard, options.Selection);
        CollectionAssert.AreEqual(new[] { "a photo of a {{}}{}." }, options.Templates.ToArray());
        // CPL's code has none of them.
        var cpl = (Recipe.Cpl with { PaperQuirk = true }).PseudoLabels(task, fused: false);
        Assert.AreEqual(SelectionRule.Candidates, cpl.Selection);
        CollectionAssert.AreEqual(new[] { "a photo of a {}." }, cpl.Templates.ToArray());
    }

    [TestMethod]
    public void AirWithoutItsParts_IsItsBase_SoTheSameSeedComparesThem()
    {
        using var f = new StageFixture(30);
        var task = new AdaptationTask
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            LabelColumn = "Label",
        };
        foreach (var (basis, air) in new[] { (Recipe.Grip, Recipe.AirOnGrip), (Recipe.Cpl with { Epochs = 2 }, Recipe.AirOnCpl) })
        {
            CollectionAssert.AreEqual(Scores(basis), Scores(air.WithWeights(0, 0) with { SyntheticWeight = 0 }), air.Name);
        }

        float[] Scores(Recipe recipe)
        {
            var data = Mixed(f);
            var chain = (recipe.WithRounds(2).WithEpochs(2) with { BatchSize = 8 }).Stages(new MLContext(3), task);
            return [.. StageFixture.Vectors(chain.Fit(data).Transform(data), "Score").SelectMany(s => s)];
        }
    }

    [TestMethod]
    public void EveryPlaceIsFilled_InEveryRound()
    {
        using var f = new StageFixture(60);
        foreach (var rule in new[] { SelectionRule.Exact, SelectionRule.Deferred })
        {
            var lines = new List<string>();
            var ml = new MLContext(3);
            ml.Log += (_, e) => lines.Add(e.Message);
            var recipe = Recipe.Ifpl.WithRounds(3).WithEpochs(2) with { PerClass = 15, BatchSize = 64, Selection = rule };
            recipe.Stages(ml, new AdaptationTask { ClipFolder = f.ClipFolder, ClassNames = StageFixture.Names }).Fit(f.Data);
            string[] rounds = [.. lines.Where(l => l.Contains(" labelled images.", StringComparison.Ordinal))];
            Assert.HasCount(3, rounds);
            Assert.IsTrue(
                rounds.All(l => l.Contains(" 45 labelled images", StringComparison.Ordinal)),
                $"{rule}: {string.Join('\n', rounds)}"
            );
        }
    }

    [TestMethod]
    public void PrototypesAlone_ScoreWithoutAnyTraining()
    {
        using var f = new StageFixture(30);
        var recipe = Recipe.AirOnGrip with { Rounds = 0, PrototypeAtTest = true, Fusion = FusionForm.Convex, PrototypeWeight = 1 };
        Assert.IsTrue(recipe.NeedsSynthetic);
        Assert.IsFalse((recipe with { PrototypeAtTest = false }).NeedsSynthetic);
        var data = Mixed(f);
        var task = new AdaptationTask
        {
            ClipFolder = f.ClipFolder,
            ClassNames = StageFixture.Names,
            LabelColumn = "Label",
        };
        var scored = recipe.Stages(f.Context, task).Fit(data).Transform(data);
        float[][] p = StageFixture.Vectors(scored, RecipeStages.PrototypeColumn),
            score = StageFixture.Vectors(scored, "Score");
        for (var i = 0; i < 30; i++)
        {
            for (var c = 0; c < 3; c++)
            {
                Assert.AreEqual(p[i][c], score[i][c], 1e-6f);
            }
        }
    }

    /// <summary>Six synthetic rows, two of each class, and real ones without a label.</summary>
    private static IDataView Mixed(StageFixture f)
    {
        var rows = f.Context.Data.LoadFromEnumerable(
            f.Rows.Select(
                (r, i) =>
                    new MixedRow
                    {
                        ImagePath = r.ImagePath,
                        Name = i < 6 ? StageFixture.Names[i % 3] : "",
                        Origin = i < 6 ? "synthetic" : "real",
                    }
            )
        );
        var names = f.Context.Data.LoadFromEnumerable(StageFixture.Names.Select(n => new NameRow { Name = n }));
        return f.Context.Transforms.Conversion.MapValueToKey("Label", "Name", keyData: names).Fit(rows).Transform(rows);
    }

    private sealed class MixedRow
    {
        public string ImagePath { get; set; } = "";
        public string Name { get; set; } = "";
        public string Origin { get; set; } = "";
    }

    private sealed class NameRow
    {
        public string Name { get; set; } = "";
    }

    [TestMethod]
    public void PrototypesOfPseudoLabels_NeedNoSyntheticImages_AndScoreWithoutThem()
    {
        using var f = new StageFixture();
        var recipe = Recipe.GripWithPrototypes.WithRounds(2).WithEpochs(2);
        var model = recipe.Stages(f.Context, new AdaptationTask { ClipFolder = f.ClipFolder, ClassNames = StageFixture.Names }).Fit(f.Data);
        var scored = model.Transform(f.Data);
        Assert.IsNotNull(scored.Schema.GetColumnOrNull(RecipeStages.PrototypeColumn));
        Assert.IsTrue(StageFixture.Vectors(scored, "Score").All(s => Math.Abs(s.Sum() - 1) < 1e-5));
        Assert.AreNotEqual(0, StageFixture.Column<uint>(scored, "PredictedLabel").Count(k => k > 0));
    }
}
