using AirMLNet.Captions;
using AirMLNet.PseudoLabels;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Captions;

[TestClass]
public sealed class CaptionSynthesisTests
{
    [TestMethod]
    public void EachImageGetsItsOwnText_AndOneAboutItsZeroShotClass()
    {
        using var f = new StageFixture(18);
        var data = Labelled(f);
        var fitted = Estimator(f, new ColourCaptioner()).Fit(data);
        var output = fitted.Transform(data);
        var (images, groups) = Texts(output);
        for (var i = 0; i < f.Rows.Length; i++)
        {
            Assert.StartsWith($"Image: {StageFixture.Names[f.Rows[i].Number]} ", images[i]);
            Assert.EndsWith("Describe the object in the photo concisely, less than 20 words.", images[i]);
            Assert.StartsWith("Group: ", groups[i]);
            Assert.EndsWith("attributes of the objects in all the photos concisely, less than 20 words.", groups[i]);
        }
        // Rows in another order have the same texts.
        var (again, _) = Texts(fitted.Transform(f.Context.Data.ShuffleRows(data, seed: 2)));
        CollectionAssert.AreEquivalent(images, again);
    }

    [TestMethod]
    public void ASecondFitAsksNothing_AndTheClassIsNamedWhereTheCodeDoes()
    {
        using var f = new StageFixture(9);
        var data = Labelled(f);
        var captioner = new ColourCaptioner();
        Estimator(f, captioner, o => o with { GroupTexts = false }).Fit(data);
        Assert.AreEqual(9, captioner.Asked);
        Estimator(f, captioner, o => o with { GroupTexts = false }).Fit(data);
        Assert.AreEqual(9, captioner.Asked);

        var named = Estimator(f, captioner, o => o with { Domain = "flower", GroupTexts = false }).Fit(data).Transform(data);
        var labels = StageFixture.Column<uint>(data, "ZeroShotLabel");
        var (images, _) = Texts(named);
        for (var i = 0; i < images.Length; i++)
        {
            Assert.Contains($"the {StageFixture.Names[labels[i] - 1]} flower", images[i]);
        }
    }

    [TestMethod]
    public void ImagesWithoutATextAreNamedInAWarning()
    {
        using var f = new StageFixture(6);
        var data = Labelled(f);
        List<string> log = [];
        f.Context.Log += (_, e) =>
        {
            lock (log)
            {
                log.Add(e.Message);
            }
        };
        var captioner = new ColourCaptioner
        {
            Silent = r => r.Kind == CaptionKind.Image && r.Name == f.Rows[2].ImagePath,
            Caveat = "these texts are made up",
        };
        var (images, groups) = Texts(Estimator(f, captioner).Fit(data).Transform(data));
        Assert.AreEqual("", images[2]);
        Assert.IsTrue(groups.All(g => g.Length > 0));
        Assert.IsTrue(
            log.Exists(m =>
                m.Contains("1 of 12 texts are missing", StringComparison.Ordinal) && m.Contains("image00002", StringComparison.Ordinal)
            )
        );
        Assert.IsTrue(log.Exists(m => m.Contains("these texts are made up", StringComparison.Ordinal)));

        var none = new ColourCaptioner("blind") { Silent = _ => true };
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Estimator(f, none).Fit(data));
        Assert.Contains("there is not one text", e.Message);
    }

    [TestMethod]
    public void ShuffledTextsAreTheSameTexts_WithOtherImages()
    {
        using var f = new StageFixture(18);
        var data = Labelled(f);
        var (images, groups) = Written(shuffled: false);
        var (dealt, dealtGroups) = Written(shuffled: true);
        CollectionAssert.AreEquivalent(images, dealt);
        CollectionAssert.AreNotEqual(images, dealt);
        CollectionAssert.AreEquivalent(groups, dealtGroups);

        (string[] Images, string[] Groups) Written(bool shuffled)
        {
            var options = new CaptionSynthesisOptions
            {
                Captioner = new ColourCaptioner(),
                WorkFolder = Path.Combine(f.Root, "captions"),
                Shuffled = shuffled,
            };
            var stage = new MLContext(5).Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", options);
            return Texts(stage.Fit(data).Transform(data));
        }
    }

    [TestMethod]
    public void InATrainingScope_ScoringDoesWithoutTheCaptioner()
    {
        using var f = new StageFixture(6);
        var captioner = new ColourCaptioner();
        var chain = f.Features()
            .Append(f.Context.Transforms.PseudoLabel("ZeroShotLabel", "Features", All(f)))
            .Append(Estimator(f, captioner), TransformerScope.TrainTest);
        var output = chain.Fit(f.Data).Transform(f.Data);
        Assert.IsFalse(output.Schema.GetColumnOrNull("ImageText").HasValue);
    }

    [TestMethod]
    public void EveryImageHasAZeroShotLabel_ItsMostProbableClass()
    {
        using var f = new StageFixture(18);
        var data = Labelled(f);
        var labels = StageFixture.Column<uint>(data, "ZeroShotLabel");
        var scores = StageFixture.Vectors(data, "ZeroShotLabelScore");
        for (var i = 0; i < labels.Length; i++)
        {
            Assert.AreEqual(Array.IndexOf(scores[i], scores[i].Max()) + 1, (int)labels[i]);
        }
    }

    [TestMethod]
    public void WithoutACaptionerOrAnyText_OptionsAreRefused()
    {
        using var f = new StageFixture(3);
        Assert.Contains("Captioner", Assert.ThrowsExactly<ArgumentException>(() => Estimator(f, null)).Message);
        var e = Assert.ThrowsExactly<ArgumentException>(() =>
            Estimator(f, new ColourCaptioner(), o => o with { ImageTexts = false, GroupTexts = false })
        );
        Assert.Contains("both off", e.Message);
        foreach (var change in new CaptionSynthesisOptions[] { With(2, null), With(5, "Truth") })
        {
            e = Assert.ThrowsExactly<ArgumentException>(() => Estimator(f, new ColourCaptioner(), _ => change));
            Assert.Contains("expected 0..4", e.Message);
        }

        CaptionSynthesisOptions With(int correct, string? truth) =>
            new()
            {
                Captioner = new ColourCaptioner(),
                WorkFolder = f.Root,
                CorrectInGroup = correct,
                TrueLabelColumn = truth,
            };
    }

    private static PseudoLabelOptions All(StageFixture f) => f.PseudoLabels() with { Strategy = PseudoLabelStrategy.All };

    private static IDataView Labelled(StageFixture f) =>
        f.Context.Data.Cache(
            f.Features().Append(f.Context.Transforms.PseudoLabel("ZeroShotLabel", "Features", All(f))).Fit(f.Data).Transform(f.Data)
        );

    private static CaptionSynthesisEstimator Estimator(
        StageFixture f,
        ICaptioner? captioner,
        Func<CaptionSynthesisOptions, CaptionSynthesisOptions>? change = null
    )
    {
        var options = new CaptionSynthesisOptions { Captioner = captioner, WorkFolder = Path.Combine(f.Root, "captions") };
        return f.Context.Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", change is null ? options : change(options));
    }

    private static (string[] Images, string[] Groups) Texts(IDataView view) =>
        (
            [.. StageFixture.Column<ReadOnlyMemory<char>>(view, "ImageText").Select(t => t.ToString())],
            [.. StageFixture.Column<ReadOnlyMemory<char>>(view, "GroupText").Select(t => t.ToString())]
        );
}
