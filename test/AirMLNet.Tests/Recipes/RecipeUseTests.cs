using AirMLNet.Recipes;

namespace AirMLNet.Tests.Recipes;

/// <summary>Which settings mean something to which recipe.</summary>
[TestClass]
public sealed class RecipeUseTests
{
    [TestMethod]
    [DataRow(nameof(Recipe.Epochs), "lmm-zero-shot, zero-shot")]
    [DataRow(nameof(Recipe.Rounds), "coop, flyp-oracle, flyp-pl, fpl, latteclip, lmm-zero-shot, reclip, vpt, zero-shot")]
    [DataRow(
        nameof(Recipe.SyntheticWeight),
        "coop, cpl, flyp-oracle, flyp-pl, fpl, grip, ifpl, latteclip, lmm-zero-shot, prototypes, reclip, vpt, zero-shot"
    )]
    [DataRow(nameof(Recipe.GradientClip), "flyp-oracle, flyp-pl, latteclip, lmm-zero-shot, reclip, zero-shot")]
    [DataRow(nameof(Recipe.WeightDecay), "")]
    [DataRow("epochs", "lmm-zero-shot, zero-shot")]
    public void RecipesThatNeverReadAMember_AreKnown(string member, string expected) =>
        Assert.AreEqual(
            expected,
            string.Join(", ", Recipe.All.Where(r => !r.Uses(member)).Select(r => r.Name).Order(StringComparer.Ordinal))
        );

    [TestMethod]
    public void WhatIsLearnedFromLabels_MakesNone()
    {
        Assert.IsTrue(Recipe.GripWithPrototypes.Uses(nameof(Recipe.PerClass)) && Recipe.Ifpl.Uses(nameof(Recipe.PerClass)));
        Assert.IsFalse(Recipe.CoOp.Uses(nameof(Recipe.PerClass)) || Recipe.Grip.Uses(nameof(Recipe.PerClass)));
        Assert.IsFalse(Recipe.Cpl.Uses(nameof(Recipe.Selection)) || Recipe.Vpt.Uses(nameof(Recipe.Selection)));
        Assert.IsFalse(Recipe.GripWithPrototypes.Uses(nameof(Recipe.Representatives)));
    }

    [TestMethod]
    public void OneOfSeveralMethodsIsEnough()
    {
        Assert.IsNull(RecipeUse.Idle(nameof(Recipe.Rounds), [Recipe.Fpl, Recipe.Grip]));
        Assert.AreEqual(
            "changes nothing for fpl, coop; it is for latteclip",
            RecipeUse.Idle(RecipeUse.FineTune + nameof(FineTuneSettings.Mixer), [Recipe.Fpl, Recipe.CoOp])
        );
    }
}
