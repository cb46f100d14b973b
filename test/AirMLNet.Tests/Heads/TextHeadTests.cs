using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Prototypes;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Heads;

[TestClass]
[DoNotParallelize] // listens to the text encoders of the whole process
public sealed class TextHeadTests
{
    [TestMethod]
    public void TheStagesOfOneChain_RunTheTextEncoderOnce()
    {
        using var f = new StageFixture(12, ownModel: true);
        var ml = f.Context;
        var chain = f.Features()
            .Append(ml.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels()))
            .Append(
                ml.Transforms.PrototypeClassifier(
                    "PrototypeScore",
                    "Features",
                    new PrototypeClassifierOptions { ClipFolder = f.ClipFolder, Ranking = PrototypeRanking.Probability }
                )
            )
            .Append(ml.MulticlassClassification.Trainers.ZeroShot(new() { ClipFolder = f.ClipFolder, ClassNames = StageFixture.Names }));
        var encodings = Count(f.ClipFolder, () => chain.Fit(f.Data));
        Assert.AreEqual(1, encodings);
    }

    [TestMethod]
    public void TextsThatAreCut_AreSaidOnceInAChain()
    {
        using var f = new StageFixture(12, ownModel: true);
        List<string> said = [];
        f.Context.Log += (_, e) => said.Add(e.Message);
        string[] names = ["red", "green, " + string.Concat(Enumerable.Repeat("or another colour ", 40)), "blue"];
        var labels = f.PseudoLabels() with { ClassNames = names };
        f.Features()
            .Append(f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", labels))
            .Append(f.Context.MulticlassClassification.Trainers.ZeroShot(new() { ClipFolder = f.ClipFolder, ClassNames = names }))
            .Fit(f.Data);
        var warning = said.Single(line => line.Contains("are cut", StringComparison.Ordinal));
        Assert.Contains("PseudoLabel: 1 of 3 texts are longer than the ", warning);
        Assert.Contains("the first: 'a photo of a green, or another colour ", warning);
    }

    [TestMethod]
    public void TextsThatAreCut_AreSaidOnceOfARecipeThatTrainsBothTowers()
    {
        using var f = new StageFixture(12, ownModel: true);
        using var work = new TemporaryFolder();
        List<string> said = [];
        f.Context.Log += (_, e) => said.Add(e.Message);
        string[] names = ["red", "green, " + string.Concat(Enumerable.Repeat("or another colour ", 40)), "blue"];
        var task = new AdaptationTask
        {
            ClipFolder = f.ClipFolder,
            ClassNames = names,
            WorkFolder = work.Path,
        };
        (Recipe.FlypPseudoLabels.WithEpochs(1) with { BatchSize = 4 }).Stages(f.Context, task).Fit(f.Data);
        Assert.HasCount(1, said.Where(line => line.Contains("are cut", StringComparison.Ordinal)).ToArray());
    }

    [TestMethod]
    public void OtherNamesOrTemplates_AreEncodedAnew_AndEqualTheEncodersOwn()
    {
        using var f = new StageFixture(3);
        var backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            string[] templates = ["a photo of a {}.", "{}"];
            var encodings = Count(
                f.ClipFolder,
                () =>
                {
                    foreach (var names in new string[][] { ["red", "blue"], ["blue", "red"], ["red", "blue"] })
                    {
                        foreach (var some in new[] { templates, templates[..1] })
                        {
                            CollectionAssert.AreEqual(
                                ZeroShotClassifier.ClassVectors(backbone, names, some),
                                TextHead.Of(backbone, names, some).Weights.ToArray()
                            );
                        }
                    }
                }
            );
            Assert.AreEqual(4, encodings);
        }
        finally
        {
            backbone.Release();
        }
    }

    [TestMethod]
    public void OnlyAFewAreKept()
    {
        using var f = new StageFixture(3);
        var backbone = ClipBackbone.Acquire(f.ClipFolder);
        try
        {
            var many = () =>
            {
                for (var i = 0; i < 9; i++)
                {
                    TextHead.Of(backbone, ["red", $"blue {i}"], ["{}"]);
                }
            };
            Assert.AreEqual(9, Count(f.ClipFolder, many));
            Assert.AreEqual(1, Count(f.ClipFolder, () => TextHead.Of(backbone, ["red", "blue 0"], ["{}"])), "the oldest was dropped");
            Assert.AreEqual(0, Count(f.ClipFolder, () => TextHead.Of(backbone, ["red", "blue 8"], ["{}"])), "the newest was kept");
        }
        finally
        {
            backbone.Release();
        }
    }

    private static int Count(string folder, Action act)
    {
        var encodings = 0;
        TextHead.Encoding = where => encodings += where == Path.GetFullPath(folder) ? 1 : 0;
        try
        {
            act();
        }
        finally
        {
            TextHead.Encoding = null;
        }
        return encodings;
    }
}
