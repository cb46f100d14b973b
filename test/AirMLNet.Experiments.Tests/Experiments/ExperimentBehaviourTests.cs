using AirMLNet.Clip;
using AirMLNet.Experiments;
using AirMLNet.Recipes;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Experiments;

/// <summary>That a run of older code is not taken for one of this code.</summary>
[TestClass]
public sealed class ExperimentBehaviourTests
{
    private static readonly TemporaryFolder Root = new();

    [ClassCleanup]
    public static void CleanUp() => Root.Dispose();

    /// <summary>
    /// Where the same options give other figures than they did, cached runs must not be used any more: raise
    /// <see cref="ExperimentRun.Behaviour"/>, then write down the new number and figures here.
    /// </summary>
    [TestMethod]
    public void WhatRunsGive_BelongsToTheVersionInTheirKey()
    {
        ColourExperiment.LayOut(Root, train: 90);
        var file = ColourExperiment.Load(
            Root,
            """["zero-shot", "fpl", "grip", "cpl", "air-grip", "air-cpl"]""",
            """ "seeds": [1], "paradigms": ["ul", "trzsl"] """
        );
        int[] right = [.. ExperimentRunner.Run(file).Select(r => (int)Math.Round(60 * r.Scores.Accuracy))];
        Assert.AreEqual(4, ExperimentRun.Behaviour);
        int[] expected = [39, 39, 20, 20, 60, 20, 39, 40, 59, 20, 40, 40];
        Assert.IsTrue(
            right.Length == expected.Length && right.Zip(expected).All(p => Math.Abs(p.First - p.Second) <= 1), // one image for other processors
            $"Right of 60: {string.Join(", ", right)}; with version {ExperimentRun.Behaviour} it was {string.Join(", ", expected)}."
        );
    }

    /// <summary>Defaults and published tables that change are other keys without anybody's help.</summary>
    [TestMethod]
    public void TheKeyHoldsEveryOptionOfEveryStage_NotOnlyTheRecipe()
    {
        var task = new AdaptationTask
        {
            ClipFolder = TinyModels.Clip,
            ClassNames = StageFixture.Names,
            Templates = PromptTemplates.Single,
            LabelColumn = "Label",
        };
        var text = Recipe.AirOnCpl.WithDataSet("EuroSAT").Resolved(task);
        foreach (var part in new[] { "\"initialStandardDeviation\"", "\"intraQuantile\": 0.75", "\"shots\": 1", "\"labelledBatches\"" })
        {
            Assert.Contains(part, text);
        }

        Assert.AreNotEqual(text, Recipe.AirOnCpl.WithDataSet("Flowers102").Resolved(task));
        Assert.AreEqual(text, Recipe.AirOnCpl.WithDataSet("EuroSAT").Resolved(task with { ClipFolder = "elsewhere" }));
    }
}
