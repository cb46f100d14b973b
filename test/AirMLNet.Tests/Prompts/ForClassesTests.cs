using AirMLNet.Clip;
using AirMLNet.Prompts;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Prompts;

/// <summary>A learned prompt with other class names.</summary>
[TestClass]
public sealed class ForClassesTests
{
    [TestMethod]
    [DataRow(PromptKind.Text, 1)]
    [DataRow(PromptKind.Visual, 1)]
    [DataRow(PromptKind.Text, 0)]
    public void ItsOwnClassesGiveItsOwnScores_AndOthersStandWhereTheyAreNamed(PromptKind kind, int rounds)
    {
        using var fixture = new StageFixture();
        var recipe = Recipe.Fpl with { Prompt = kind, Rounds = rounds, PromptLength = 3, Epochs = 2, WarmUpEpochs = 0, PerClass = 3 };
        var task = new AdaptationTask { ClipFolder = fixture.ClipFolder, ClassNames = StageFixture.Names };
        var chain = (TransformerChain<ITransformer>)recipe.Stages(fixture.Context, task).Fit(fixture.Data);
        using var prompt = (PromptAdapterTransformer)chain.LastTransformer;
        var pool = chain.Transform(fixture.Data);
        var before = Scores(pool, "Score");

        using var same = prompt.ForClasses(StageFixture.Names, PromptTemplates.Single);
        Near(before, Scores(same.Transform(pool), "Score"));

        using var more = prompt.ForClasses(["blue", "yellow", "red", "green"], PromptTemplates.Single);
        var after = Scores(more.Transform(pool), "Score");
        CollectionAssert.AreEqual(new[] { "blue", "yellow", "red", "green" }, more.ClassNames.ToArray());
        for (var i = 0; i < before.Length; i++)
        {
            // Among the classes that both know, the shares stay what they were.
            Assert.AreEqual(before[i][0] / before[i][2], after[i][2] / after[i][0], 1e-3 * (before[i][0] / before[i][2]));
        }
    }

    private static float[][] Scores(IDataView view, string column) =>
        [.. view.GetColumn<VBuffer<float>>(column).Select(v => v.DenseValues().ToArray())];

    private static void Near(float[][] expected, float[][] found)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            for (var c = 0; c < expected[i].Length; c++)
            {
                Assert.AreEqual(expected[i][c], found[i][c], 1e-5);
            }
        }
    }
}
